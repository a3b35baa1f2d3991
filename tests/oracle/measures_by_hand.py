"""Measures of opioid use, each from its words: lists of (day, supply, MME a day) of one person, day by day."""


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


def measures(fills, benzos, index, first, last, lookback):
    """All measures of one person; days are relative to index where they are told."""
    fills = [(day - index, supply, dose) for day, supply, dose in fills]
    benzos = [(day - index, supply, 0) for day, supply, _ in benzos]
    days, shared = covered(fills), covered(fills) & covered(benzos)
    inside = set(range(first, last + 1))
    start = min((d for d, _, _ in fills if 0 <= d <= 60), default=None)
    kazis = False
    if start is not None:
        year = supply_in(fills, start, start + 364), len([f for f in fills if start <= f[0] <= start + 364])
        kazis = year[0] >= 120 or (year[0] >= 90 and year[1] >= 10)
    begin = min((d for d, _, _ in fills if 0 <= d <= last), default=None)
    continued = [
        begin is not None and len(days & set(range(begin, begin + within))) >= needed
        for needed, within in ((15, 30), (31, 62))
    ]
    high_days = [d for d in inside if dose_on(fills, d, first, last) >= 90]
    overuse = {d for run in runs(days, 7) if len(run) >= 90 for d in run}
    return {
        "new": not dates(fills, -lookback, -1) and bool(dates(fills, 1, last)),
        "continuing": bool(dates(fills, -lookback, -1)) and bool(dates(fills, 1, last)),
        "first": min((d for d in dates(fills, first, last)), default=None),
        "persistent": not dates(fills, -365, -31) and bool(dates(fills, -30, 14)) and bool(dates(fills, 90, 180)),
        "kazis": kazis,
        "months": all(len(days & set(range(low, low + 30))) >= 21 for low in (-29, -59, -89)),
        "chronic": any(
            1 <= run[0] <= last and run[-1] - run[0] + 1 >= 90 and len(run) >= 90
            and len(run) * 2 >= run[-1] - run[0] + 1 for run in runs(days, 30)
        ),
        "high": any(dose_on(fills, d, first, last) >= 50 for d in inside),
        "overuse": len(overuse & inside) >= 90 and len(high_days) >= 90,
        "benzo": len(dates(fills, first, last)) >= 2 and supply_in(fills, first, last) >= 15
        and len(dates(benzos, first, last)) >= 2 and len(shared & inside) >= 30,
        "shared": len(shared & inside),
        "continued": continued[0],
        "continued_long": continued[1],
        "long_first": any(
            not dates(fills, d - 90, d - 1) and supply_in(fills, d, d + 2) > 7 for d in dates(fills, first, last)
        ),
    }  # fmt: skip
