"""Where the real-format data for tests lies, when somebody has it."""

import os
from pathlib import Path

import pytest


def shared_data(name: str) -> Path:
    """Folder of one shared data set; skips the calling test, with its reason, where it is absent."""
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    folder = Path(os.environ.get("CLAIMTWIN_SHARED_DATA", beside)) / name
    if not folder.is_dir():
        pytest.skip("no shared data")
    return folder
