"""Random dispensings of a few made-up products, small enough that everything that may collide does."""

from dataclasses import dataclass
from fractions import Fraction
from random import Random

import numpy as np
from claimtwin.config.histories import FillRules
from claimtwin.kernel.fills import Dispensings, Products

MEMBERS = 3


@dataclass(frozen=True)
class Drug:
    """A product; strength and factor null where the list does not tell; ``steps`` of (milligrams above, factor)."""

    ingredient: int
    use: str
    long_acting: bool
    strength: Fraction | None
    factor: Fraction | None
    worn: int = 0
    steps: tuple[tuple[int, Fraction], ...] = ()


DRUGS = (
    Drug(0, "pain", False, Fraction(10), Fraction(3, 2)),
    Drug(0, "pain", True, Fraction(30), Fraction(3, 2)),
    Drug(1, "pain", True, Fraction(25), Fraction(36, 5), worn=3),
    Drug(2, "pain", False, Fraction(5), Fraction(4), steps=((20, Fraction(8)), (40, Fraction(10)))),
    Drug(3, "use_disorder", True, Fraction(8), None),
    Drug(3, "pain", True, Fraction(5), None, worn=7),
    Drug(4, "not_counted", False, Fraction(10), Fraction(1)),
    Drug(5, "pain", False, None, Fraction(1)),
)


@dataclass(frozen=True)
class Filled:
    """A dispensing; ``drug`` null for what is not listed, amounts null where the feed does not tell."""

    member: int
    day: int
    drug: int | None
    quantity: Fraction | None
    supply: int | None


def products_of():
    """The drugs as the kernel takes them."""
    above = (0, 20, 40)

    def factor(drug, step):
        told = [value for low, value in drug.steps if low <= step]
        return told[-1] if told else drug.factor

    def per_unit(drug, step):
        known = drug.strength is not None and drug.factor is not None
        return int(drug.strength * factor(drug, step) * 10**6) if known else -1

    uses = ("pain", "use_disorder", "not_counted")
    return Products(
        ingredient=np.array([d.ingredient for d in DRUGS], np.int16),
        use=np.array([uses.index(d.use) for d in DRUGS], np.int16),
        long_acting=np.array([d.long_acting for d in DRUGS], np.bool_),
        strength=np.array([-1 if d.strength is None else int(d.strength * 10**6) for d in DRUGS], np.int64),
        worn_days=np.array([d.worn for d in DRUGS], np.int16),
        mme_per_unit=np.array([[per_unit(d, step) for d in DRUGS] for step in above], np.int64),
        steps=np.array(above[1:], np.int64) * 10**6,
        stepped=np.array([bool(d.steps) for d in DRUGS], np.bool_),
    )


def history(seed, most=14):
    """Dispensings in any order, with twins, unlisted drugs and faults of the feed."""
    dice = Random(seed)
    return [filled(dice) for _ in range(dice.randint(0, most))]


def filled(dice):
    quantity = dice.choice([None, Fraction(0), Fraction(dice.randint(1, 40)), Fraction(dice.randint(1, 9000), 1000)])
    quantity = dice.choice([quantity, Fraction(20), Fraction(200_000)]) if dice.random() < 0.3 else quantity
    supply = dice.choice([None, 0, 366, 365, 900, *(dice.randint(1, 12) for _ in range(8))])
    day = dice.choice([3, 4, dice.randint(-30, 60), dice.randint(0, 25)])
    return Filled(dice.randrange(MEMBERS), day, dice.choice([None, *range(len(DRUGS))]), quantity, supply)


def rules_of(seed):
    dice = Random(seed)
    without, over = dice.choice(["unknown", "one_day", "drop"]), dice.choice(["unknown", "cap", "drop"])
    return FillRules(patches_worn=dice.random() < 0.7, without_supply=without, over_365=over)


def dispensings(rows):
    """The rows as the kernel takes them."""
    return Dispensings(
        member=np.array([r.member for r in rows], np.int64),
        day=np.array([r.day for r in rows], np.int32),
        product=np.array([-1 if r.drug is None else r.drug for r in rows], np.int64),
        quantity=np.array([-1 if r.quantity is None else int(r.quantity * 1000) for r in rows], np.int64),
        supply=np.array([-1 if r.supply is None else r.supply for r in rows], np.int64),
    )
