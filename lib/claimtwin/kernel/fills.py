"""Dispensings of listed drugs as fills: days' supply repaired by named rules, and morphine milligram equivalents.

Amounts are whole numbers: quantities and MME in thousandths, strengths and MME of one unit in millionths. So no
sum depends on the order of its addends.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from claimtwin.config.histories import FillRules
from claimtwin.kernel.claims import Small
from claimtwin.kernel.columns import Days, Flags, Index

UNKNOWN = -1
MILLI = 1000
MICRO = 1_000_000
LONGEST_SUPPLY = 365
MOST_UNITS = 100_000
"""A dispensing of more units than this is taken for a fault of the feed: its MME is unknown."""
REPAIRS = ("as_filled", "patches_worn", "missing", "zero", "over_365")
USES = ("pain", "use_disorder", "not_counted")
PAIN, USE_DISORDER, NOT_COUNTED = range(len(USES))


@dataclass(frozen=True)
class Products:
    """Listed drug products, one row each; ``product`` of a dispensing is a row number here.

    Attributes:
        ingredient: Number of the ingredient; same number, same drug.
        use: Position in ``USES``.
        long_acting: Extended release or long acting, as the list says.
        strength: Strength of one unit in millionths of the list's own unit; ``UNKNOWN`` if not told.
        worn_days: Days that one unit lasts, for patches; 0 for everything else.
        mme_per_unit: MME of one unit in millionths, a row a step of daily dose and a column a product; ``UNKNOWN``
            where the edition has no factor.
        steps: Daily doses in millionths of a milligram above which the next row holds, ascending; empty where
            factors do not depend on the dose.
        stepped: Whether a product's factor depends on its daily dose.
    """

    ingredient: Small
    use: Small
    long_acting: Flags
    strength: Index
    worn_days: Small
    mme_per_unit: NDArray[np.int64]
    steps: Index
    stepped: Flags


@dataclass(frozen=True)
class Dispensings:
    """One row a dispensing, net of reversals, in any order.

    ``product`` is -1 for what is not on the list; ``quantity`` in thousandths of a unit and ``supply`` in days are
    ``UNKNOWN`` where the feed does not tell.
    """

    member: Index
    day: Days
    product: Index
    quantity: Index
    supply: Index


@dataclass(frozen=True)
class Fills:
    """One row a fill, sorted by member, day, product, quantity and supply.

    ``supply`` is in days, ``mme`` in thousandths for the whole fill, both ``UNKNOWN`` where they cannot be told;
    ``repair`` is the position in ``REPAIRS`` of the one rule that met the fill.
    """

    member: Index
    day: Days
    product: Index
    quantity: Index
    supply: Index
    repair: Small
    mme: Index

    def of(self, rows: Flags | Index) -> "Fills":
        """Return the chosen rows."""
        return Fills(*(column[rows] for column in vars(self).values()))


def find_fills(rows: Dispensings, products: Products, rules: FillRules) -> Fills:
    """Fills of listed products; products that are not counted, and fills that a rule drops, are left out.

    Buprenorphine for use disorder stays, told apart by ``products.use``, so that it can be counted on its own.

    Ties: equal rows are interchangeable and all stay.
    Source: docs/decisions/010-fills.md.
    """
    listed = np.flatnonzero(rows.product >= 0)
    listed = listed[products.use[rows.product[listed]] != NOT_COUNTED]
    product, quantity = rows.product[listed], rows.quantity[listed]
    supply, repair = repair_supply(rows.supply[listed], quantity, products.worn_days[product], rules)
    mme = mme_of(product, quantity, supply, products)
    found = Fills(rows.member[listed], rows.day[listed], product, quantity, supply, repair, mme)
    kept = np.flatnonzero(~_dropped(repair, rules))
    order = np.lexsort(tuple(key[kept] for key in (supply, quantity, product, found.day, found.member)))
    return found.of(kept[order])


def repair_supply(supply: Index, quantity: Index, worn_days: Small, rules: FillRules) -> tuple[Index, Small]:
    """Days' supply of each fill, and the rule that met it: the first that fits.

    ``patches_worn``: patches of known number last ``worn_days`` each, whatever the feed says; part days count whole.
    ``missing``, ``zero``: the feed tells no supply, or nought; by ``rules.without_supply`` unknown or one day.
    ``over_365``: more than a year, patches too; by ``rules.over_365`` unknown or 365 days.
    ``as_filled``: as the feed says.
    """
    worn = rules.patches_worn & (worn_days > 0) & (quantity > 0)
    told = np.where(worn, -(-quantity * worn_days // MILLI), supply)
    missing, zero, over = told < 0, told == 0, told > LONGEST_SUPPLY
    numbers = [REPAIRS.index(name) for name in ("over_365", "patches_worn", "missing", "zero")]
    repair = np.select([over, worn, missing, zero], numbers, 0).astype(np.int16)
    nothing = 1 if rules.without_supply == "one_day" else UNKNOWN
    much = LONGEST_SUPPLY if rules.over_365 == "cap" else UNKNOWN
    return np.select([over, missing | zero], [much, nothing], told).astype(np.int64), repair


def mme_of(product: Index, quantity: Index, supply: Index, products: Products) -> Index:
    """MME of each fill in thousandths, rounded half up: strength x quantity x factor; ``UNKNOWN`` without one.

    Where the factor depends on the daily dose, that is the dose of this fill alone, and its supply must be known;
    a dose that equals a step still belongs below it.
    """
    sane = (quantity > 0) & (quantity <= MOST_UNITS * MILLI)
    amount = np.where(sane, quantity, 0)
    strength = products.strength[product]
    dose = np.where(strength > 0, strength, 0) * amount
    step = (dose[:, None] > products.steps[None, :] * MILLI * np.maximum(supply, 1)[:, None]).sum(axis=1)
    per_unit = products.mme_per_unit[step, product]
    known = sane & (per_unit >= 0) & (~products.stepped[product] | (supply > 0))
    mme: Index = np.where(known, divided(np.where(known, per_unit, 0) * amount, MICRO), UNKNOWN)
    return mme


def mme_a_day(fills: Fills) -> Index:
    """MME of each fill on each of its days in millionths, rounded half up; ``UNKNOWN`` unless both are known."""
    known = (fills.mme >= 0) & (fills.supply > 0)
    daily: Index = np.where(known, divided(np.maximum(fills.mme, 0) * MILLI, np.maximum(fills.supply, 1)), UNKNOWN)
    return daily


def divided(amount: Index, by: Index | int) -> Index:
    """``amount / by`` rounded half up; neither below nought."""
    return (2 * amount + by) // (2 * by)


def _dropped(repair: Small, rules: FillRules) -> Flags:
    names = ["missing", "zero"] if rules.without_supply == "drop" else []
    names += ["over_365"] if rules.over_365 == "drop" else []
    return np.isin(repair, [REPAIRS.index(name) for name in names])
