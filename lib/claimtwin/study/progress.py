"""How a stage tells what it is doing: one line at a time, free of any person's data."""

from collections.abc import Callable

Say = Callable[[str], None]


def say_nothing(line: str) -> None:
    """Drop the line; for tests and callers that show nothing."""
