"""Starts of the programme: the studied ones, some of unknown region, second ones, and some outside the window."""

from dataclasses import dataclass

import numpy as np

from claimtwin.synth.calendar import INDEX_STOP, Days
from claimtwin.synth.catalogue import BODIES
from claimtwin.synth.draws import Draws, Flags, Index
from claimtwin.synth.people import PROGRAMME, People

PROGRAM = "digital_msk"


@dataclass(frozen=True)
class Starts:
    """One row a start, sorted by person and day; ``body`` -1 where unknown."""

    person: Index
    day: Days
    body: Index


def region_known(draws: Draws, people: People) -> Flags:
    """Whether the feed says for which region a member of the programme began."""
    return ~draws.chance("region unknown", people.number, 0.02)


def on_roster(draws: Draws, people: People) -> Flags:
    """Whether a person begins the programme at any time, studied or not."""
    begins: Flags = (people.arm == PROGRAMME) | draws.chance("starts outside", people.number, 0.01)
    return begins


def draw_starts(draws: Draws, people: People) -> Starts:
    """All starts of the given people. Those who take the programme later than studied count in no arm."""
    number, studied = people.number, people.arm == PROGRAMME
    known = region_known(draws, people)
    outside = INDEX_STOP + draws.whole("outside start", number, 200)
    again = studied & known & draws.chance("second start", number, 0.06)
    later = people.index + 60 + draws.whole("second day", number, 140)
    first, second = np.flatnonzero(on_roster(draws, people)), np.flatnonzero(again)
    person = np.concatenate([first, second])
    day = np.concatenate([np.where(studied, people.index, outside)[first], later[second]])
    body = np.concatenate([np.where(known, people.body, -1)[first], ((people.body + 1) % len(BODIES))[second]])
    order = np.lexsort((day, person))
    return Starts(person[order], day[order], body[order])
