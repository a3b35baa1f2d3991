"""Keeping Java's start-up chatter off the screen, and its words at hand when the start fails."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from pyspark.logger import PySparkLogger

from claimtwin.app.debug import debugging


def hush_pyspark() -> None:
    """Stop pyspark from printing each error's whole message, values of the data included, as a line of JSON."""
    for name in ("DataFrameQueryContextLogger", "SQLQueryContextLogger"):
        PySparkLogger.getLogger(name).disabled = not debugging()


class Said:
    """What a process started meanwhile has written."""

    def __init__(self, file: IO[bytes] | None = None) -> None:
        self._file = file

    def text(self) -> str:
        """Everything written so far; empty when nothing was held back."""
        if self._file is None:
            return ""
        return os.pread(self._file.fileno(), 1 << 20, 0).decode(errors="replace")


@contextmanager
def quietly() -> Iterator[Said]:
    """Hold back the output of this process and of those it starts, which keep it held back for good.

    The file has no name and is gone with the processes: Java's lines can hold values of the data.
    """
    if debugging():
        yield Said()
        return
    sys.stdout.flush()
    sys.stderr.flush()
    screen = [(number, os.dup(number)) for number in (1, 2)]
    with tempfile.TemporaryFile() as file:
        for number, _ in screen:
            os.dup2(file.fileno(), number)
        try:
            yield Said(file)
        finally:
            for number, kept in screen:
                os.dup2(kept, number)
                os.close(kept)
