"""Whether somebody is looking for a fault and wants everything told."""

import os


def debugging() -> bool:
    """Whether CLAIMTWIN_DEBUG asks for everything that Java and Python have to say; it may hold data."""
    return os.environ.get("CLAIMTWIN_DEBUG", "") not in ("", "0")
