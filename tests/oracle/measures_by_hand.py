"""Measures of opioid use, each from its words: lists of (day, supply, MME a day) of one person, day by day."""

from fractions import Fraction

from tests.oracle.fills_by_hand import half_up


def dates(fills, first, last):
    return {day for day, _, _ in fills if first <= day <= last}


def covered(fills):
    return {d for day, supply, _ in fills for d in range(day, day + supply)}


def supply_in(fills, first, last):
    return sum(supply for day, supply, _ in fills if first <= day <= last)


def dose_on(fills, day, first, last):
    return sum(dose for start, supply, dose in fills if first <= start <= last and start <= day < start + supply)


def runs(days, gap):
    """Lists of covered days, cut where more than ``gap`` days are not."""
    found = []
    for day in sorted(days):
        if found and day - found[-1][-1] - 1 <= gap:
            found[-1].append(day)
        else:
            found.append([day])
    return found


def doses(fills, days):
    """The four daily doses of fills dispensed on ``days``, in thousandths; nought without one."""
    mine = [fill for fill in fills if fill[0] in days]
    if not mine:
        return {"supply": 0, "covered": 0, "window": 0, "highest": 0, "period": 0, "mme": 0}
    total = Fraction(sum(supply * dose for _, supply, dose in mine))
    supplied = covered(mine)
    return {
        "supply": half_up(total / sum(supply for _, supply, _ in mine)),
        "covered": half_up(total / len(supplied)),
        "window": half_up(total / len(days)),
        "highest": 1000 * max(dose_on(mine, day, min(days), max(days)) for day in supplied),
        "period": total / (max(supplied) - min(supplied) + 1),
        "mme": int(total),
    }


def is_chronic(days, first, last):
    """Whether a run that begins in the window is chronic by what can be seen of it."""
    seen = [run for run in runs({d for d in days if d <= last + 180}, 30) if first <= run[0] <= last]
    return any(len(run) >= 90 and 2 * len(run) >= run[-1] - run[0] + 1 for run in seen)


def is_long_term(fills):
    start = min((d for d, _, _ in fills if 0 <= d <= 60), default=None)
    if start is None:
        return False
    supply, number = supply_in(fills, start, start + 364), len([f for f in fills if start <= f[0] <= start + 364])
    return supply >= 120 or (supply >= 90 and number >= 10)


def is_continued(fills, first, last, needed, within):
    begin = min(dates(fills, first, last), default=None)
    return begin is not None and len(covered(fills) & set(range(begin, begin + within))) >= needed


def measure(name, fills, benzos, stays, index, first, last):
    """A measure of a protocol for one person; days are told about index."""
    fills = [(day - index, supply, dose) for day, supply, dose in fills]
    benzos = [(day - index, supply, 0) for day, supply, _ in benzos]
    away = {day - index for start, stop in stays for day in range(start, stop)}
    days, shared = covered(fills), covered(fills) & covered(benzos)
    inside, year = set(range(first, last + 1)), set(range(-365, 0))
    prior, after = dates(fills, -365, -1), dates(fills, first, last)
    high = lambda: [d for d in inside if dose_on(fills, d, first, last) >= 90]  # noqa: E731
    dose = lambda of: doses(fills, inside)[of]  # noqa: E731
    counted = inside - away
    words = {
        "new_use": lambda: not prior and bool(after),
        "continuing_use": lambda: bool(prior) and bool(after),
        "dose_change": lambda: dose("window") - doses(fills, year)["window"],
        "persistent_use": lambda: not dates(fills, -365, -31) and bool(dates(fills, -30, 14))
        and bool(dates(fills, 90, 180)),
        "long_term_use": lambda: is_long_term(fills),
        "long_term_months": lambda: all(len(days & set(range(last - low, last - low + 30))) >= 21
                                        for low in (29, 59, 89)),
        "chronic_episode": lambda: is_chronic(days, first, last),
        "high_dose_50": lambda: any(dose_on(fills, d, first, last) >= 50 for d in inside),
        "high_dose_90": lambda: bool(high()),
        "high_dose_period": lambda: len(after) >= 2 and len(days & inside) >= 15 and dose("period") >= 90,
        "potential_overuse": lambda: any(len(run) >= 90 for run in runs(days & inside, 7)) and len(high()) >= 90,
        "with_benzodiazepine": lambda: len(after) >= 2 and supply_in(fills, first, last) >= 15
        and len(dates(benzos, first, last)) >= 2 and len(shared & inside) >= 30,
        "benzodiazepine_days": lambda: len(shared & inside),
        "continued_15_days": lambda: is_continued(fills, first, last, 15, 30),
        "continued_31_days": lambda: is_continued(fills, first, last, 31, 62),
        "long_first_supply": lambda: any(not dates(fills, d - 90, d - 1) and supply_in(fills, d, d + 2) > 7
                                         for d in after),
        "days_supply": lambda: supply_in(fills, first, last),
        "days_covered": lambda: len(days & inside),
        "proportion_covered": lambda: half_up(Fraction(len(days & counted), len(counted))) if counted else 0,
        "mme": lambda: dose("mme"),
        "mme_a_day_supply": lambda: dose("supply"),
        "mme_a_day_covered": lambda: dose("covered"),
        "mme_a_day_window": lambda: dose("window"),
        "mme_a_day_highest": lambda: dose("highest"),
    }  # fmt: skip
    return words[name]()
