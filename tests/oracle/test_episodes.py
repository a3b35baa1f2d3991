"""Episodes of care against a diary read line by line, day by day."""

from random import Random

import numpy as np
from claimtwin.config.histories import EpisodeRules
from claimtwin.kernel.episodes import COUNTED, CareLines, find_care
from hypothesis import given
from hypothesis import strategies as st

from tests.support.examples import many_histories

MEMBERS, REGIONS = 2, 3


def care_of(dice):
    """Lines (member, day, stop, region or null, can make an episode, kinds of care)."""
    longest, spread = dice.choice([1, 6]), dice.choice([20, 90])
    return [
        (
            dice.randrange(MEMBERS), start := dice.randint(0, spread), start + dice.randint(1, longest),
            dice.choice([None, 0, 0, 1, 2]), dice.random() < 0.7,
            frozenset(dice.sample(COUNTED, dice.choice([0, 1, 1, 2]))),
        )
        for _ in range(dice.randint(0, 16))
    ]  # fmt: skip


def rules_of(dice):
    return EpisodeRules(
        gap_days=dice.randint(1, 15), clean_days=dice.randint(0, 30), therapy_gap_days=dice.randint(1, 8),
        attach_days=dice.choice([0, 0, dice.randint(1, 5)]),
    )  # fmt: skip


def episodes(lines, rules):
    """Each episode as a dict; lines are taken in the order of their days."""
    found = []
    for member in range(MEMBERS):
        for region in range(REGIONS):
            own = sorted(line[1:] for line in lines if line[0] == member and line[3] == region and line[4])
            found += one_region(member, region, [(day, stop) for day, stop, *_ in own], rules)
    for episode in found:
        fill(episode, lines, rules, found)
    for episode in found:
        rivals = [e for e in found if e["member"] == episode["member"] and e["region"] != episode["region"]
                  and set(range(e["start"], e["stop"])) & set(range(episode["start"], episode["stop"]))]  # fmt: skip
        order = lambda e: (-e["lines"], e["start"], e["region"])  # noqa: E731
        episode["multi_region"], episode["leads"] = bool(rivals), all(order(episode) < order(r) for r in rivals)
    return found


def one_region(member, region, lines, rules):
    found, last_day = [], None
    for day, stop in lines:
        if last_day is None or day - last_day > rules.gap_days:
            quiet = -1 if last_day is None else day - last_day - 1
            found.append({"member": member, "region": region, "start": day, "stop": stop, "lines": 0, "days": set(),
                          "quiet_days": quiet, "is_new": quiet == -1 or quiet >= rules.clean_days})  # fmt: skip
        found[-1]["stop"] = max(found[-1]["stop"], stop)
        found[-1]["lines"] += 1
        found[-1]["days"].add(day)
        last_day = found[-1]["stop"] - 1
    return found


def fill(episode, lines, rules, found):
    """Care of the region or of none; between two episodes that both reach it, it goes to the later."""
    episode["visits"] = len(episode["days"])
    later = [e["start"] for e in found if (e["member"], e["region"]) == (episode["member"], episode["region"])
             and e["start"] > episode["start"]]  # fmt: skip
    low, high = episode["start"] - rules.attach_days, episode["stop"] + rules.attach_days
    high = min([high, *(start - rules.attach_days for start in later)])
    near = [line for line in lines if line[0] == episode["member"] and line[3] in (None, episode["region"])
            and low <= line[1] < high]  # fmt: skip
    days = {kind: sorted({line[1] for line in near if kind in line[5]}) for kind in COUNTED}
    episode["counts"] = [len(days[kind]) for kind in COUNTED]
    courses = []
    for day in days["therapy"]:
        if courses and day - courses[-1][-1] <= rules.therapy_gap_days:
            courses[-1].append(day)
        else:
            courses.append([day])
    episode["each"] = [(course[0], course[-1] + 1, len(course)) for course in courses]
    episode["courses"] = len(courses)
    episode["course_days"] = sum(course[-1] - course[0] + 1 for course in courses)


def columns(lines):
    column = lambda k, kind: np.array([line[k] for line in lines], kind)  # noqa: E731
    return CareLines(
        member=column(0, np.int64), day=column(1, np.int32), stop=column(2, np.int32),
        region=np.array([-1 if line[3] is None else line[3] for line in lines], np.int16),
        setting=column(4, np.bool_),
        kinds=np.array([[kind in line[5] for kind in COUNTED] for line in lines], np.bool_).reshape(-1, len(COUNTED)),
    )  # fmt: skip


@many_histories
@given(st.integers(0, 2**32))
def test_episodes_are_those_of_the_diary(seed):
    dice = Random(seed)
    lines, rules = care_of(dice), rules_of(dice)
    got, courses = find_care(columns(lines), rules, REGIONS)
    rows = [{name: column[k].tolist() for name, column in vars(got).items()} for k in range(len(got.member))]
    expected = episodes(lines, rules)
    each = [(place, *course) for place, episode in enumerate(expected) for course in episode["each"]]
    assert list(zip(*(column.tolist() for column in vars(courses).values()), strict=True)) == each
    assert rows == [{name: episode[name] for name in vars(got)} for episode in expected]
