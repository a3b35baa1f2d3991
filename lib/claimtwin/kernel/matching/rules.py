"""How the match is made: who chooses first, how many, how near."""

from dataclasses import dataclass
from math import isfinite
from sys import float_info
from typing import get_args

from claimtwin.config.matching import Order
from claimtwin.errors import ConfigError
from claimtwin.kernel.matching.units import Units


@dataclass(frozen=True)
class Rules:
    """The choices of a match.

    Attributes:
        order: Who chooses next. ``largest``, ``smallest``: by score. ``data``: by the tie key. ``random``: by a hash
            of seed and tie key. ``closest``: always the nearest couple that is still free. ``farthest``: by the
            distance of the nearest control that is free when the round starts, the farthest first. ``maximum``: as
            many pairs as the caliper allows.
        ratio: Most twins of one treated; everybody's first comes before anybody's second.
        floor: Who ends with fewer twins than this loses them and is unmatched; their controls stay unused.
        replace: Whether a control may be the twin of several.
        max_reuse: Most treated that share a control; null for no cap. Only with ``replace``.
        caliper: Largest difference of scores, inclusive, in units of the score; null for none.
        widths: Largest difference in each ``near`` column, inclusive; a negative one is the least difference.
        seed: Of the order ``random``.

    Raises:
        ConfigError: A choice that does not exist, or two that contradict each other.
    """

    order: Order = "largest"
    ratio: int = 1
    floor: int = 1
    replace: bool = False
    max_reuse: int | None = None
    caliper: float | None = None
    widths: tuple[float, ...] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse contradictions."""
        one_to_one = self.ratio == 1 and not self.replace and self.caliper is not None
        keeps = (
            ("order", self.order in get_args(Order), f"one of {', '.join(get_args(Order))}"),
            ("ratio", self.ratio >= 1, "at least 1"),
            ("floor", 1 <= self.floor <= self.ratio, "from 1 to ratio"),
            ("max_reuse", self.max_reuse is None or (self.replace and self.max_reuse >= 1), "at least 1, with replace"),
            ("caliper", self.caliper is None or (isfinite(self.caliper) and self.caliper >= 0), "a width of 0 or more"),
            ("widths", all(map(isfinite, self.widths)), "numbers"),
            ("order", self.order != "maximum" or one_to_one, "maximum is 1:1, without replacement, with a caliper"),
        )
        for key, kept, rule in keeps:
            if not kept:
                raise _refused(key, rule)

    @property
    def reach(self) -> float:
        """The caliper as a number: without one everything at a finite distance is within reach."""
        return float_info.max if self.caliper is None else self.caliper

    @property
    def capacity(self) -> int | None:
        """Most treated that share a control; null for no cap."""
        return self.max_reuse if self.replace else 1

    def check(self, units: Units) -> None:
        """Raise ConfigError where the columns of the people do not fit these rules."""
        if len(self.widths) != units.near.shape[1]:
            raise _refused("widths", f"one for each of the {units.near.shape[1]} covariates with a caliper")
        if self.order == "maximum" and not units.on_a_line:
            raise _refused(
                "order", "maximum has no distance but the score, no covariate calipers, no anti-exact column"
            )


def _refused(key: str, rule: str) -> ConfigError:
    return ConfigError(f"{key} cannot be used so.", where=f"matching rules, {key}", rule=rule, remedy=f"change {key}")
