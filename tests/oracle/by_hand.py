"""The rules of a study as a person would apply them: one member, one day at a time. Slow, and shares no rule code."""

from datetime import date, timedelta
from itertools import pairwise

from tests.oracle.nasty import FAMILIES

FAR = date(2100, 1, 1)


def days_around(index, first, last):
    """Every day from ``first`` to ``last`` relative to the index, both included."""
    return {index + timedelta(days=k) for k in range(first, last + 1)}


def index_event(block, study, arm, which, member):
    """(day, region) of the event by which the member comes into the arm; null if there is none, or death came first."""
    found = event_of_the_living(block, study, arm, which, member)
    if found is None:
        return None
    real = found[0] + (moved(study) if arm.source == "assigned" else timedelta(0))
    return None if real > block.deaths.get(member, FAR) else found


def event_of_the_living(block, study, arm, which, member):
    """The same for somebody who never dies."""
    if arm.source == "assigned":
        enrolled = any(span.member == member for span in block.spans)
        return (block.assigned[member], None) if enrolled and block.assigned else None
    if arm.source == "drug":
        events = [(day, None) for who, day in block.fills[arm.drug] if who == member]
    elif arm.source == "program":
        events = [(s.day, s.body) for s in block.starts if s.member == member and s.counts]
    else:
        events = [(s.day, s.body) for s in block.lines if s.member == member and s.arms[which]]
    events = [(day, body if body in study.regions else None) for day, body in events]
    if arm.require_region:
        events = [event for event in events if event[1] is not None]
    days = sorted({day for day, _ in events})
    events = [(day + timedelta(days=arm.landmark_days), body) for day, body in events if day in days[arm.nth - 1 :]]
    inside = [event for event in events if is_inside(study, event[0])]
    if arm.pick == "first_in_window" and inside:
        events = inside
    picked = min(events, key=lambda event: event[0], default=None)
    if picked is None or arm.exposure is None:
        return picked
    began = picked[0] - timedelta(days=arm.landmark_days)
    times = len(happened(block, arm.exposure, member, days_around(began, *arm.exposure.window)))
    return picked if is_asked(arm.exposure, times) else None


def is_asked(rule, times):
    """Whether something happened as often as a rule wants; a rule without bounds wants it not to."""
    if rule.least is None and rule.most is None:
        return times == 0
    return (rule.least is None or times >= rule.least) and (rule.most is None or times <= rule.most)


def happened(block, event, member, days, region=None):
    """Dispensings one by one, of anything else the days with it, in order."""
    if event.drug:
        return sorted(fills_on(block, event.drug, member, days))
    if event.care:
        return sorted(care_days(block, event.care, member, days))
    if event.procedures:
        rows = block.served
    elif event.diagnosis == "body_regions.of_index":
        rows = block.regional[region] if region else []
    else:
        rows = block.own if event.diagnosis == ["M54"] else block.diagnosed
    return sorted({day for who, day in rows if who == member and day in days})


def meets(block, rule, member, index, region):
    found = happened(block, rule, member, days_around(index, *rule.window), region)
    far = not rule.apart_days or any((b - a).days >= rule.apart_days for a in found for b in found)
    return is_asked(rule, len(found)) and far


def is_inside(study, day):
    return study.study.index_window[0] <= day <= study.study.index_window[1]


def birthday(birth, years):
    """Day on which a year of life is completed; in a common year the leap-day child's is 1 March."""
    try:
        return birth.replace(year=birth.year + years)
    except ValueError:
        return date(birth.year + years, 3, 1)


def age_on(birth, day):
    if birth is None or birth > day:
        return None
    years = 0
    while birthday(birth, years + 1) <= day:
        years += 1
    return years


def telling_span(block, member, index):
    """Position of the enrolment row whose attributes hold at index."""
    mine = [k for k, span in enumerate(block.spans) if span.member == member]
    begun = [k for k in mine if block.spans[k].start <= index]
    in_force = [k for k in begun if (block.spans[k].stop or FAR) > index]
    if in_force or begun:
        return max(in_force or begun, key=lambda k: (block.spans[k].start, k))
    return min(mine, default=None)


def covered_days(block, member, benefit, rule, horizon):
    """Days with the benefit, or all days of the months of these, then also short stretches that lie between two."""
    days = set()
    for span in block.spans:
        if span.member == member and getattr(span, benefit):
            last = min(span.stop or horizon, horizon, block.deaths.get(member, FAR) + timedelta(days=1))
            days |= days_around(span.start, 0, (last - span.start).days - 1)
    if rule.granularity == "month":
        firsts = {day.replace(day=1) for day in days}
        days = {day for first in firsts for day in days_around(first, 0, 30) if day.month == first.month}
        days = {day for day in days if day <= block.deaths.get(member, FAR)}
    filled = set(days)
    for day, next_day in pairwise(sorted(days)):
        if (next_day - day).days - 1 <= rule.max_gap_days:
            filled |= days_around(day, 0, (next_day - day).days)
    return filled


def is_enrolled(block, study, member, index, first, last):
    rule = study.enrollment
    needed = days_around(index, first, last)
    if rule.until_death:
        needed = {day for day in needed if day <= block.deaths.get(member, FAR)}
    horizon = index + timedelta(days=last + 70)
    return all(needed <= covered_days(block, member, benefit, rule, horizon) for benefit in rule.benefits)


def fills_on(block, drug, member, days):
    return [day for who, day in block.fills[drug] if who == member and day in days]


def care_days(block, family, member, days):
    return {s.day for s in block.lines if s.member == member and family in s.families and s.day in days}


def criteria(block, study, member, index, one_arm, body):
    """Answers by name, in the order of the attrition table; a criterion that the study does not ask is left out."""
    span = telling_span(block, member, index)
    age = None if span is None else age_on(block.spans[span].birth, index)
    low, high = study.population.age_min, study.population.age_max
    answers = {"index_in_window": is_inside(study, index + moved(study))}
    if low is not None or high is not None:
        answers["age"] = age is not None and (low is None or age >= low) and (high is None or age <= high)
    if study.enrollment is not None:
        before, after = study.enrollment.pre_days, study.enrollment.post_days
        answers["enrolled_before"] = is_enrolled(block, study, member, index, -before, 0)
        if study.enrollment.post_mode == "require":
            answers["enrolled_after"] = is_enrolled(block, study, member, index, 0, after)
    if study.washout is not None:
        window = days_around(index, -study.washout.days, 0 if study.washout.include_index_day else -1)
        answers["washout"] = not fills_on(block, study.washout.codes, member, window)
    answers |= {rule.name: meets(block, rule, member, index, body) for rule in study.criteria}
    if study.landmark is not None:
        answers["landmark"] = reaches_landmark(block, study, member, index)
    return answers | {"demographics_known": age is not None, "one_arm": one_arm}, span, age


def moved(study):
    """How long before the real index the index lies."""
    return timedelta(days=study.placebo.days_earlier if study.placebo else 0)


def reaches_landmark(block, study, member, index):
    last = study.landmark.days
    if study.enrollment is not None and not is_enrolled(block, study, member, index, 0, last):
        return False
    asked = [o for o in study.outcomes if o.kind in ("binary", "time")]
    if study.landmark.free_of is not None:
        asked = [o for o in asked if o.name in study.landmark.free_of]
    return not any(counted(block, o, member, days_around(index, min(o.window[0], 1), last)) for o in asked)


def counted(block, outcome, member, days):
    """Events of an outcome, without those about another event."""
    found, rule = happened(block, outcome, member, days), outcome.except_around
    if rule is None:
        return found
    first, last = rule.window
    return [day for day in found if not happened(block, rule, member, days_around(day, -last, -first))]


def stays(block, study, member, events, which):
    """Whether the member may stay in an arm, where others of theirs exist."""
    if study.arms.overlap == "exclude_roster":
        return which == 0 or not any(start.member == member for start in block.starts)
    rivals = [k for k in (0, 1) if events[k] is not None]
    arms = (study.arms.treated, study.arms.comparator)
    real = {k: events[k][0] + (moved(study) if arms[k].source == "assigned" else timedelta(0)) for k in rivals}
    inside = [k for k in rivals if is_inside(study, real[k])]
    return which == min(inside or rivals, key=lambda k: (real[k], k))


def candidates(block, study, members):
    """One row per member and arm, the treated arm first."""
    rows = []
    for member in range(members):
        arms = (study.arms.treated, study.arms.comparator)
        events = [index_event(block, study, arm, which, member) for which, arm in enumerate(arms)]
        for which, event in enumerate(events):
            if event is not None:
                one_arm = stays(block, study, member, events, which)
                day = event[0] - (timedelta(0) if arms[which].source == "assigned" else moved(study))
                rows.append(candidate(block, study, member, which, (day, event[1]), one_arm))
    return rows


def candidate(block, study, member, which, event, one_arm):
    index, body = event
    answers, span, age = criteria(block, study, member, index, one_arm, body)
    before = days_around(index, -study.score.lookback_days, -1)
    return {
        "member": member, "treated": which == 0, "index": index, "body": body, "criteria": answers,
        "span": span, "age": age,
        "visits": [len(care_days(block, family, member, before)) for family in FAMILIES],
        "cents": sum(s.cents for s in block.lines if s.member == member and s.day in before),
        "comorbidities": len({group for who, day, group in block.conditions if who == member and day in before}),
    }  # fmt: skip


def is_followed(block, study, member, index, day, end):
    """Whether somebody is still followed on a day: covered on every day from the index on, and data are complete."""
    if study.enrollment is None:
        return True
    if study.enrollment.post_mode == "require":
        return not study.enrollment.until_death or day <= block.deaths.get(member, FAR)
    if end is not None and day > end:
        return False
    needed = days_around(index, 0, max((day - index).days, 0))
    rule, horizon = study.enrollment, max(day, index) + timedelta(days=70)
    return all(needed <= covered_days(block, member, benefit, rule, horizon) for benefit in rule.benefits)


def outcome_counts(block, study, member, index, end=None):
    """The columns of all outcomes, a day at a time."""
    return [value for outcome in study.outcomes for value in one_outcome(block, study, outcome, member, index, end)]


def one_outcome(block, study, outcome, member, index, end):
    first, last = outcome.window
    first = max(first, study.landmark.days + 1) if study.landmark else first
    if outcome.kind in ("cost", "days_supply"):
        inside = days_around(index, first, last)
        return [max(0, sum(amount for who, day, amount in block.amounts if who == member and day in inside))]
    if outcome.kind not in ("rate", "time"):
        return [len(counted(block, outcome, member, days_around(index, first, last)))]
    times = followed = 0
    for k in range(first, last + 1):
        day = index + timedelta(days=k)
        if not is_followed(block, study, member, index, day, end):
            break
        followed += 1
        times += len(counted(block, outcome, member, {day}))
        if outcome.kind == "time" and times:
            return [1, followed]
    return [times, followed]
