"""The months of the claims tables: which are missing, how complete the last ones are, and what follows for the data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from claimtwin.report.fitness import Check, month_name, month_table, names, share
from claimtwin.stats.months import COMPLETE, Months, completeness, volumes
from claimtwin.stats.withhold import withhold

CLAIMS = ("medical_claim", "pharmacy_claim")
TOLD = 6
"""Last months whose shares stand among the checks."""
PROPOSED = "proposed ingest.data_through"


@dataclass(frozen=True)
class Judged:
    """Checks in the order of the page, and a section a table with its lines by month."""

    checks: list[Check] = field(default_factory=list)
    sections: list[str] = field(default_factory=list)


def judge_months(rows: Sequence[Mapping[str, Any]], min_cell: int) -> Judged:
    """What is to be said of the months of both claims tables, and the end of the data that they allow.

    The end is withheld where a table with lines cannot tell how complete it is.

    Args:
        rows: ``spark.fitness.count_months``: table, service, paid (null where unknown) and lines.
        min_cell: Counts of 1 to one less than this are withheld.
    """
    judged, ends, untold = Judged(), list[int](), list[str]()
    for name in CLAIMS:
        lines = {(row["service"], row["paid"]): row["lines"] for row in rows if row["table"] == name}
        if not lines:
            judged.checks.append(Check(f"{name}: months", "no lines"))
            continue
        found, reason = _months_of(lines)
        judged.checks.extend(_checks(name, lines, found, reason, min_cell))
        judged.sections.append(month_table(name, found, min_cell))
        if reason or found.through is None:
            untold.append(name)
        else:
            ends.append(found.through)
    judged.checks.append(_proposal(ends, untold))
    return judged


def _months_of(lines: Mapping[tuple[int, int | None], int]) -> tuple[Months, str]:
    """The months of one table, and why its end cannot be told; empty where it can."""
    paid = {(service, month): n for (service, month), n in lines.items() if month is not None}
    if not paid:
        services = {service: 0 for service, _ in lines}
        for (service, _), count in lines.items():
            services[service] += count
        return volumes(services), "no payment dates"
    found = completeness(paid)
    if sum(paid.values()) < COMPLETE * sum(lines.values()):
        return found, "too many lines without a payment date"
    if found.unpaid:
        return found, f"payments of {names([month_name(m) for m in found.unpaid])} are missing"
    return found, "" if found.through is not None else "no month is complete"


def _checks(
    name: str, lines: Mapping[tuple[int, int | None], int], found: Months, reason: str, min_cell: int
) -> list[Check]:
    whole = sum(lines.values())
    undated = sum(n for (_, paid), n in lines.items() if paid is None)
    checks = [share(f"{name}: paid_date missing", withhold(undated, min_cell), whole, what=" lines")]
    checks.append(share(f"{name}: lines of stray months", withhold(found.outside, min_cell), whole, what=" lines"))
    for what, months in (("without a line", found.empty), ("with fewer than half the lines expected", found.thin)):
        checks.append(_listed(f"{name}: months of service {what}", months))
    if not found.share:
        return [*checks, Check(f"{name}: completeness", "no payment dates, so it cannot be told", look=True)]
    checks.append(_listed(f"{name}: months of payment with fewer than half the lines expected", found.unpaid))
    last = list(zip(found.months, found.share, strict=True))[-TOLD:]
    words = ", ".join(f"{month_name(month)} {100 * part:.0f} %" for month, part in last)
    checks.append(Check(f"{name}: completeness of the last months", words, found.share[-1] < COMPLETE))
    through = f"the end of {month_name(found.through)}" if found.through is not None else ""
    end = Check(f"{name}: complete through", f"cannot be told: {reason}" if reason else through, bool(reason))
    return [*checks, end]


def _listed(name: str, months: Sequence[int]) -> Check:
    return Check(name, names([month_name(month) for month in months]) or "none", bool(months))


def _proposal(ends: Sequence[int], untold: Sequence[str]) -> Check:
    """The earlier of the tables' ends; withheld where one of them cannot tell its own."""
    if untold:
        return Check(PROPOSED, f"withheld: of {' and '.join(untold)} it cannot be told", look=True)
    return Check(PROPOSED, f"the end of {month_name(min(ends))}" if ends else "withheld: no claims", not ends)
