"""How many random histories an oracle test tries: 100, or as many as ``CLAIMTWIN_EXAMPLES`` says."""

import os

from hypothesis import settings

ASKED = int(os.environ.get("CLAIMTWIN_EXAMPLES", "100"))


def at_least(examples: int) -> settings:
    """So many examples, or as many as are asked for, if that is more."""
    return settings(max_examples=max(examples, ASKED), deadline=None)


many_histories = at_least(0)
