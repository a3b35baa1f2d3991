"""Supply as a person would lay it out on a calendar: a pill a day, one day at a time."""

from itertools import pairwise


def in_hospital(stays, member):
    return {day for who, start, stop in stays if who == member for day in range(start, stop)}


def days_of_fills(fills, rules, stays):
    """Per fill, in the order (member, drug, day, supply): its days with supply, and what was left when it was filled.

    ``fills`` are (member, drug, day, supply); ``stays`` (member, start, stop).
    """
    laid = []
    for member, drug in sorted({fill[:2] for fill in fills}):
        mine = sorted((day, supply) for who, what, day, supply in fills if (who, what) == (member, drug))
        away = in_hospital(stays, member) if rules.hospital_days == "kept" else set()
        laid += [((member, drug, *fill), *rest) for fill, *rest in one_drug(mine, rules, away)]
    return laid


def one_drug(fills, rules, away):
    found, taken_until = [], None  # the last day on which something of the drug is taken
    for k, (day, supply) in enumerate(fills):
        first = out_of(day, away)
        left = days_between(first, taken_until, away) if taken_until is not None else 0
        start = first
        if rules.same_drug == "carry_forward":
            for _ in range(left if rules.carry_days is None else min(left, rules.carry_days)):
                start = out_of(start + 1, away)
        days, current = [], start
        for _ in range(supply):
            days.append(current)
            current = out_of(current + 1, away)
        taken_until = max(days[-1], taken_until) if taken_until is not None else days[-1]
        if rules.same_drug == "truncate" and k + 1 < len(fills):
            cut = out_of(fills[k + 1][0], away)
            days = [d for d in days if d < cut]
        found.append(((day, supply), days, left))
    return found


def out_of(day, away):
    while day in away:
        day += 1
    return day


def days_between(first, last, away):
    """Days from first to last, both included, on which one is not in hospital."""
    return len([d for d in range(first, last + 1) if d not in away])


def runs(laid, rules, stays):
    """Runs over all drugs: member, start, stop, fills, early, drugs, supply, covered."""
    found = []
    for member in sorted({fill[0] for fill, _, _ in laid}):
        mine = [(fill, set(range(days[0], days[-1] + 1)) if days else set(), left)
                for fill, days, left in laid if fill[0] == member]  # fmt: skip
        away = in_hospital(stays, member) if rules.hospital_days == "kept" else set()
        covered = sorted(set().union(*(days for _, days, _ in mine)))
        starts = [covered[0], *(b for a, b in pairwise(covered) if b - a - 1 > rules.gap_days)]
        for start, following in zip(starts, [*starts[1:], covered[-1] + 1], strict=True):
            days = [d for d in covered if start <= d < following or (following == covered[-1] + 1 and d >= start)]
            inside = [(f, left) for f, ds, left in mine if begins(f, ds, start, days[-1], away)]
            found.append((
                member, days[0], days[-1] + 1, len(inside), sum(left > rules.early_days for _, left in inside),
                len({f[1] for f, _ in inside}), sum(f[3] for f, _ in inside), len(days),
            ))  # fmt: skip
    return found


def begins(fill, days, start, last, away):
    """Whether a fill belongs to a run: by its first day with supply, or where all is cut off by the day on which it
    would have begun, which is out of hospital.
    """
    return start <= (min(days) if days else out_of(fill[2], away)) <= last
