"""Fits that ask for their sums and wait, run side by side, so that one pass over the data serves a step of each."""

from collections.abc import Callable, Generator, Mapping
from functools import partial
from typing import TypeVar

from claimtwin.errors import GuardError

Ask = TypeVar("Ask")
Sums = TypeVar("Sums")
Fit = TypeVar("Fit")


def run_together(
    fits: Mapping[int, Generator[Ask, Sums, Fit]], answer: Callable[[dict[int, Ask]], Mapping[int, Sums]]
) -> dict[int, Fit]:
    """What each fit comes to, by its number.

    Args:
        fits: Each yields what it asks for, and is sent the sums.
        answer: Sums for all that ask, by number: one pass over the data.

    The figures are those of a fit alone: who else is fitted decides only when a sum is made.
    """
    found: dict[int, Fit] = {}
    turns: dict[int, Callable[[], Ask]] = {number: partial(next, fit) for number, fit in fits.items()}
    while turns:
        asked: dict[int, Ask] = {}
        for number, turn in turns.items():
            try:
                asked[number] = turn()
            except StopIteration as end:
                found[number] = end.value
        answers = answer(asked) if asked else {}
        turns = {number: partial(fits[number].send, sums) for number, sums in answers.items()}
    return found


def or_fault(fit: Generator[Ask, Sums, Fit]) -> Generator[Ask, Sums, Fit | GuardError]:
    """A fit whose end, where it cannot be made, is the error."""
    try:
        return (yield from fit)
    except GuardError as fault:
        return fault
