"""The project speaks of claims and twins, never of how it was made or where."""

import subprocess
from pathlib import Path

import pytest

from tests.house.rules import ROOT, words_of_the_workshop

KINDS = {".py", ".md", ".yaml", ".yml", ".toml", ".csv", ".conf", ".j2", ".css", ".lock", ".txt", ".cff", ""}
SKIPPED = {".venv", ".git", ".make", "dist", "spark-warehouse"}


def text_files() -> list[Path]:
    """Files of the project: what git would hold; where there is no git, all but what targets make."""
    asked = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    try:
        told = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
        files = [ROOT / name for name in told]
    except (OSError, subprocess.CalledProcessError):
        files = [p for p in ROOT.rglob("*") if not SKIPPED & set(p.relative_to(ROOT).parts)]
    return sorted(p for p in files if p.is_file() and p.suffix in KINDS and "__pycache__" not in p.parts)


def test_there_is_something_to_read() -> None:
    assert ROOT / "lib" / "claimtwin" / "errors.py" in text_files()


def test_no_file_speaks_of_the_workshop() -> None:
    faults = [
        f"{path.relative_to(ROOT)} {fault}"
        for path in text_files()
        for fault in words_of_the_workshop(path.read_text(encoding="utf-8"))
    ]
    assert faults == []


@pytest.mark.parametrize(
    "text",
    ["# TO" + "DO: later", "see /wo" + "rk/main", "FIX" + "ME", "in session" + " 3 we did", "issue" + " 7"],
)
def test_a_word_of_the_workshop_is_seen(text: str) -> None:
    assert len(words_of_the_workshop("fine\n" + text)) == 1


def test_a_spark_session_may_be_named() -> None:
    assert words_of_the_workshop("The Spark session is UTC; work/results is a folder.") == []
