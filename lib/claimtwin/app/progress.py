"""Progress as plain lines: seconds since the start, then what is being done."""

import sys
import time
from collections.abc import Callable

from rich.console import Console
from rich.text import Text


def progress() -> Callable[[str], None]:
    """A function that prints one line of progress on standard error; results alone go to standard output."""
    started = time.monotonic()
    console = Console(stderr=True, highlight=False, soft_wrap=True) if sys.stderr.isatty() else None

    def say(line: str) -> None:
        clock = f"[{time.monotonic() - started:6.1f} s]"
        if console is None:
            print(clock, line, file=sys.stderr, flush=True)
        else:
            console.print(Text.assemble((clock, "dim"), " ", line))

    return say
