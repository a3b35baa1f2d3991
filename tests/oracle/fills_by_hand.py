"""Fills and daily doses as a person would work them out: one dispensing, one day at a time, in fractions."""

from fractions import Fraction
from math import floor

from tests.oracle.histories import DRUGS


def half_up(number, digits=3):
    """A fraction as a whole number of thousandths (or ten to the minus ``digits``)."""
    return floor(number * 10**digits + Fraction(1, 2))


def repaired(row, rules):
    """(days' supply or null, name of the rule), or null where the fill is dropped."""
    drug, supply, name = DRUGS[row.drug], row.supply, "as_filled"
    if rules.patches_worn and drug.worn and row.quantity:
        name, supply = "patches_worn", 0
        while Fraction(supply, drug.worn) < row.quantity and supply <= 365:
            supply += 1
    elif supply is None:
        name = "missing"
    elif supply == 0:
        name = "zero"
    if supply is not None and supply > 365:
        return None if rules.over_365 == "drop" else (365 if rules.over_365 == "cap" else None, "over_365")
    if name in ("missing", "zero"):
        return None if rules.without_supply == "drop" else (1 if rules.without_supply == "one_day" else None, name)
    return supply, name


def equivalents(row, supply):
    """MME of the whole fill in thousandths; null where it cannot be told."""
    drug = DRUGS[row.drug]
    if row.quantity is None or not 0 < row.quantity <= 100_000 or drug.strength is None or drug.factor is None:
        return None
    factor = drug.factor
    if drug.steps:
        if supply is None:
            return None
        for above, value in drug.steps:
            factor = value if drug.strength * row.quantity / supply > above else factor
    return half_up(drug.strength * row.quantity * factor)


def fills(rows, rules):
    """Sorted fills: member, day, drug, quantity in thousandths, supply, rule, MME in thousandths; -1 for unknown."""
    found = []
    for row in rows:
        if row.drug is None or DRUGS[row.drug].use == "not_counted" or repaired(row, rules) is None:
            continue
        supply, name = repaired(row, rules)
        quantity = -1 if row.quantity is None else int(row.quantity * 1000)
        mme = equivalents(row, supply)
        found.append((row.member, row.day, row.drug, quantity, known(supply), name, known(mme)))
    return sorted(found)


def known(value):
    return -1 if value is None else value


def doses(found, member, index, first, last):
    """Daily doses of one member over a window, day by day."""
    inside = [f for f in found if f[0] == member and index + first <= f[1] <= index + last]
    usable = [(day, supply, mme) for _, day, _, _, supply, _, mme in inside if supply > 0 and mme >= 0]
    total = Fraction(sum(mme for _, _, mme in usable), 1000)
    # A fill's own daily dose is kept to a millionth, so that doses of a day can be added exactly.
    daily = [(day, supply, Fraction(half_up(Fraction(mme, 1000 * supply), 6), 10**6)) for day, supply, mme in usable]
    by_day = {}
    for day, supply, dose in daily:
        for k in range(day, day + supply):
            by_day[k] = by_day.get(k, 0) + dose
    span = max(by_day) - min(by_day) + 1 if by_day else 0

    def per(amount, days):
        return half_up(Fraction(amount) / days) if days else -1

    return {
        "fills": len(usable),
        "unknown": len(inside) - len(usable),
        "mme": half_up(total),
        "by_supply": per(total, sum(supply for _, supply, _ in usable)),
        "by_covered": per(total, len(by_day)),
        "by_window": half_up(total / (last - first + 1)),
        "highest_day": half_up(max(by_day.values())) if by_day else -1,
        "by_span": per(total, span),
        "mean_of_fills": per(sum(dose for _, _, dose in daily), len(daily)),
    }
