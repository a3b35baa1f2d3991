"""Small blocks of claims and small studies, in which everything that may collide does."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

import numpy as np
from claimtwin.config.protocol import Protocol
from claimtwin.kernel.claims import Claims, Conditions, Coverage, Roster, Services

MEMBERS = 3
SPREAD = 40
FAMILIES = ("office", "emergency", "therapy", "chiropractic", "imaging", "injection", "surgery")
REGIONS = ("back", "neck", "shoulder", "hip", "knee")
STARTS = (date(2020, 2, 10), date(2021, 2, 10), date(1968, 2, 10), date(1969, 12, 20))
OPEN_END = 2**29
UNKNOWN_DAY = -(2**30)


@dataclass(frozen=True)
class Span:
    member: int
    start: date
    stop: date | None
    medical: bool
    pharmacy: bool
    birth: date | None


@dataclass(frozen=True)
class Line:
    member: int
    day: date
    families: frozenset[str]
    arms: tuple[bool, bool]
    body: str | None
    cents: int


@dataclass(frozen=True)
class Start:
    member: int
    day: date
    body: str | None
    counts: bool


@dataclass(frozen=True)
class Block:
    """Rows sorted by member and day; rows of one day keep their order, which stands for the table's key."""

    spans: list[Span]
    lines: list[Line]
    conditions: list[tuple[int, date, int]]
    starts: list[Start]
    fills: dict[str, list[tuple[int, date]]]
    diagnosed: list[tuple[int, date]] = field(default_factory=list)
    own: list[tuple[int, date]] = field(default_factory=list)
    served: list[tuple[int, date]] = field(default_factory=list)
    regional: dict[str, list[tuple[int, date]]] = field(default_factory=lambda: {name: [] for name in REGIONS})
    amounts: list[tuple[int, date, int]] = field(default_factory=list)
    assigned: list[date] = field(default_factory=list)
    deaths: dict[int, date] = field(default_factory=dict)


EMPTY = Block([], [], [], [], {"opioid": [], "other": []})


def case_of(seed):
    """A block and a study; a seed that fails can be run again."""
    dice = Random(seed)
    first = dice.choice(STARTS)
    return block_of(dice, first), study_of(dice, first)


def near(dice, first):
    """Any day of the spread, but often one of three, so that events meet on a day."""
    return first + timedelta(days=dice.choice([14, 17, 18, dice.randint(0, SPREAD), dice.randint(0, SPREAD)]))


def birth(dice, first):
    """Unknown, long ago about the leap day, about a birthday near the index, or after it."""
    leap = date((first.year - dice.choice([18, 20, 21])) // 4 * 4, *dice.choice([(2, 28), (2, 29), (3, 1)]))
    near_index = near(dice, first)
    birthday = near_index.replace(year=near_index.year - 18, day=min(near_index.day, 28))
    return dice.choice([None, leap, leap, birthday, birthday, birthday, near_index])


def span(dice, first):
    start = first + timedelta(days=dice.choice([-15, 0, dice.randint(-15, SPREAD)]))
    length = dice.choice([None, dice.randint(0, 30), dice.randint(0, 30)])
    stop = None if length is None else start + timedelta(days=length)
    return Span(someone(dice), start, stop, dice.random() < 0.8, dice.random() < 0.8, birth(dice, first))


def line(dice, first):
    families = frozenset(dice.choices((*FAMILIES, *("therapy", "surgery") * 4), k=dice.randint(0, 2)))
    arms = (dice.random() < 0.5, dice.random() < 0.5)
    return Line(someone(dice), near(dice, first), families, arms, body(dice), dice.randint(-300, 900))


def someone(dice):
    return dice.randrange(MEMBERS)


def body(dice):
    return dice.choice([None, "back", "back", "hip", "knee"])


def some(dice, most, make):
    """A list of nothing up to ``most`` rows, more often long than short."""
    return [make() for _ in range(max(dice.randint(0, most), dice.randint(0, most)))]


def block_of(dice, first):
    """Sorted by member and day only: rows of one day come in any order, which stands for the rest of their key."""

    def fills():
        return some(dice, 4, lambda: (someone(dice), near(dice, first)))

    def start():
        return Start(someone(dice), near(dice, first), body(dice), dice.random() < 0.7)

    return Block(
        sorted(some(dice, 9, lambda: span(dice, first)), key=lambda s: (s.member, s.start)),
        sorted(some(dice, 14, lambda: line(dice, first)), key=lambda s: (s.member, s.day)),
        some(dice, 8, lambda: (someone(dice), near(dice, first), dice.randint(0, 3))),
        sorted(some(dice, 4, start), key=lambda s: (s.member, s.day)),
        {"opioid": fills(), "other": fills()},
        fills(),
        fills(),
        fills(),
        {name: fills() for name in REGIONS},
        some(dice, 6, lambda: (someone(dice), near(dice, first), dice.randint(-300, 900))),
        [near(dice, first) for _ in range(MEMBERS)],
        {who: near(dice, first) for who in range(MEMBERS) if dice.random() < 0.25},
    )


def study_of(dice, first):
    """Any protocol that passes its own checks, with windows of a few days."""
    regions = dice.choice([[], ["back"], ["hip", "knee"], list(REGIONS)])
    sources = (
        dice.choice(["program", "claims", "drug"]),
        dice.choice(["claims", "claims", "program", "drug", "assigned"]),
    )
    overlaps = ["exclude_roster", "first_arm_entered"] if sources[0] == "program" else ["first_arm_entered"]
    lookback, washout = dice.randint(1, 12), dice.choice([None, dice.randint(1, 9), dice.randint(1, 9)])
    timed = dice.random() < 0.4
    outcomes = [outcome(dice, k, timed=timed) for k in range(dice.randint(1, 3))]
    earliest = min(o["window"][0] for o in outcomes)
    rules = some(dice, 3, lambda: criterion(dice, regions))
    rules = [{**rule, "name": f"c{k}"} for k, rule in enumerate(rules)]
    back = max([lookback, washout or 0, *(-rule["window"][0] for rule in rules)])
    opens = first + timedelta(days=dice.randint(0, 20))
    return Protocol(
        study={"name": "s", "title": "S", "index_window": (opens, opens + timedelta(days=dice.randint(0, 18)))},
        population={"age_min": dice.choice([None, 18, 20]), "age_max": dice.choice([None, 20, 21])},
        enrollment=enrolment(dice, back, max(o["window"][1] for o in outcomes), timed=timed),
        arms={
            "treated": arm(dice, "a", sources[0], regions, earliest),
            "comparator": arm(dice, "b", sources[1], regions, earliest),
            "overlap": dice.choice(overlaps),
        },
        regions=regions,
        washout=washout and {"days": washout, "include_index_day": dice.random() < 0.5},
        criteria=rules,
        score={"covariates": ["age"], "lookback_days": lookback},
        matching={"block_keys": []},
        outcomes=outcomes,
        **timing(dice, outcomes),
    )


def enrolment(dice, before, after, *, timed):
    asked = {
        "pre_days": before + dice.randint(0, 4),
        "post_days": after + dice.randint(0, 4),
        "max_gap_days": dice.randint(0, 5),
        "benefits": dice.choice([["medical"], ["pharmacy"], ["medical", "pharmacy"]]),
        "post_mode": dice.choice(["require", "censor", "censor"]) if timed else "require",
        "granularity": dice.choice(["day", "day", "day", "month"]),
    }
    asked["until_death"] = asked["post_mode"] == "require" and dice.random() < 0.5
    return dice.choice([None, asked, asked, asked])


def arm(dice, name, source, regions, earliest):
    pick = dice.choice(["first_in_window", "first_ever"])
    told = {"name": name, "title": name, "source": source, "pick": pick}
    told |= {"claims": {"procedures": "therapy"}, "drug": {"drug": dice.choice(["opioid", "other"])}}.get(source, {})
    if source == "assigned":
        return {**told, "require_region": False}
    told |= {"nth": dice.choice([1, 1, 1, 2, 3]), "landmark_days": dice.choice([0, 0, dice.randint(1, 9)])}
    if dice.random() < 0.3:
        low = dice.randint(0, 5)
        exposure = {**event(dice), **bounds(dice), "window": (low, low + dice.randint(0, 8))}
        told |= {"exposure": exposure, "landmark_days": max(0, exposure["window"][1] - earliest + 1)}
    return {**told, "require_region": source != "drug" and bool(regions) and dice.random() < 0.5}


def event(dice):
    return dice.choice(
        [{"drug": "opioid"}, {"drug": "other"}, {"care": "therapy"}, {"care": "surgery"}, {"procedures": ["99999"]},
         {"diagnosis": "conditions.cancer"}, {"diagnosis": ["M54"]}]
    )  # fmt: skip


def bounds(dice):
    return dice.choice([{}, {"most": 0}, {"most": 1}, {"least": 1}, {"least": 2}, {"least": 1, "most": 2}])


def criterion(dice, regions):
    asked = {**event(dice), **bounds(dice)}
    if regions and dice.random() < 0.4:
        asked = {"diagnosis": "body_regions.of_index", **bounds(dice)}
    last = -dice.choice([0, 0, 1, dice.randint(0, 8)])
    apart = {"apart_days": dice.randint(1, 9)} if asked.get("least") == 2 and dice.random() < 0.7 else {}
    return {**asked, **apart, "window": (last - dice.randint(0, 12), last)}


def outcome(dice, k, *, timed):
    low = dice.randint(0, 6)
    told = {"name": f"o{k}", "title": "O", "window": (low, low + dice.randint(0, 9))}
    kind = dice.choice(
        ["rate", "time"] if timed else ["count", "count", "binary", "rate", "time", "cost", "days_supply"]
    )
    if kind == "days_supply":
        return {**told, "kind": kind, "drug": "opioid"}
    if kind != "cost" and dice.random() < 0.3:
        low = dice.randint(-4, 3)
        told["except_around"] = {**event(dice), "window": (low, low + dice.randint(0, 4))}
    return {**told, "kind": kind, **(dice.choice([{}, event(dice)]) if kind == "cost" else event(dice))}


def timing(dice, outcomes):
    """A landmark, and an index moved back, in some studies."""
    told, last = {}, min(o["window"][1] for o in outcomes)
    if last > 1 and dice.random() < 0.3:
        firsts = [o["name"] for o in outcomes if o["kind"] in ("binary", "time")]
        free_of = dice.choice([None, [], firsts, firsts[:1]])
        told["landmark"] = {"days": dice.randint(1, last - 1), "free_of": free_of}
    if dice.random() < 0.3:
        told["placebo"] = {"days_earlier": max(o["window"][1] for o in outcomes) + dice.randint(1, 9)}
    return told


def number(day, missing=UNKNOWN_DAY):
    return missing if day is None else (day - date(1970, 1, 1)).days


def columns_of(block):
    """The block as a kernel takes it; text becomes numbers, everything else stays."""

    def column(values, kind):
        return np.array(list(values), kind)

    def days(values, missing=UNKNOWN_DAY):
        return column([number(day, missing) for day in values], np.int32)

    def bodies_of(rows):
        return column([-1 if row.body is None else REGIONS.index(row.body) for row in rows], np.int16)

    def dated(rows):
        rows = list(rows)
        return column([m for m, _ in rows], np.int64), days(day for _, day in rows)

    lines, opens, conditions = block.lines, block.spans, block.conditions
    nothing = column([-1 for _ in opens], np.int16)
    return Claims(
        n_members=MEMBERS,
        coverage=Coverage(
            member=column([s.member for s in opens], np.int64),
            start=days(s.start for s in opens),
            stop=days((s.stop for s in opens), OPEN_END),
            medical=column([s.medical for s in opens], np.bool_),
            pharmacy=column([s.pharmacy for s in opens], np.bool_),
            birth=days(s.birth for s in opens),
            sex=nothing, region=nothing, employer=nothing.astype(np.int64),
        ),
        services=Services(
            member=column([s.member for s in lines], np.int64),
            day=days(s.day for s in lines),
            families=column([[f in s.families for f in FAMILIES] for s in lines], np.bool_).reshape(-1, len(FAMILIES)),
            arms=column([s.arms for s in lines], np.bool_).reshape(-1, 2),
            body=bodies_of(lines),
            cents=column([s.cents for s in lines], np.int64),
        ),
        conditions=Conditions(
            column([c[0] for c in conditions], np.int64),
            days(c[1] for c in conditions),
            column([c[2] for c in conditions], np.int16),
        ),
        roster=Roster(
            column([s.member for s in block.starts], np.int64),
            days(s.day for s in block.starts),
            bodies_of(block.starts),
            column([s.counts for s in block.starts], np.bool_),
        ),
        diagnoses={"conditions.cancer": dated(block.diagnosed), "icd-10-cm:M54": dated(block.own),
                   **{f"body_regions.{name}": dated(rows) for name, rows in block.regional.items()}},
        procedures={"99999": dated(block.served)},
        drugs={name: dated(rows) for name, rows in block.fills.items()},
        amounts=dict.fromkeys(
            ("o0", "o1", "o2"),
            (*dated((m, day) for m, day, _ in block.amounts), column([a for *_, a in block.amounts], np.int64)),
        ),
        assigned=days(block.assigned) if block.assigned else None,
        deaths=days((block.deaths.get(k) for k in range(MEMBERS)), OPEN_END) if block.deaths else None,
    )  # fmt: skip
