"""The methods of a study in words, written from its results and its protocol.

The protocol is the results' own copy of the checked ``study.yaml``. Without it, what only it tells is left unsaid.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from claimtwin.report.answer import outcomes_in
from claimtwin.report.design_tables import caliper_words
from claimtwin.report.score_tables import dropped_words, penalty_words
from claimtwin.report.set_words import WEIGHED, is_of_sets, ratio_words
from claimtwin.report.timing_words import around_words, landmark_of, moved_words
from claimtwin.report.words import (
    ARMS,
    Results,
    Row,
    count,
    covariate_title,
    listed,
    number,
    outcome_scale,
    outcome_title,
)

Part = Mapping[str, Any]
OVERLAPS = {
    "exclude_roster": "Nobody on the roster of any programme could be a comparator.",
    "first_arm_entered": "A person who could be in both arms stayed in the one entered first.",
}
GROUP_KEYS = {"body_region": "body region", "census_region": "census region", "employer_id": "employer",
              "index_month": "index month"}  # fmt: skip
ORDERS = {
    "largest": "the treated with the largest score first",
    "smallest": "the treated with the smallest score first",
    "data": "the treated in the order of a hash of seed and person",
    "random": "the treated in an order drawn by hash of seed and person",
    "closest": "always the nearest couple that is still free",
    "farthest": "the treated whose nearest comparator is farthest away first",
    "maximum": "as many pairs as the caliper allows",
}
DISTANCE = "Mahalanobis distance (covariance within arms, pooled)"
KINDS = {
    "binary": "at least one counts",
    "rate": "all are counted, by the days that each person was followed",
    "time": "the days until the first, or until follow-up ended",
    "days_supply": "their days' supply is added up",
    "cost": "the allowed cents of their lines are added up",
}
FAMILY = {
    "incidence_rate_ratio": "by Poisson regression with days of follow-up as offset, as a ratio of rates",
    "odds_ratio": "by logistic regression, as an odds ratio; the risk ratio and the risk difference are of the crude "
    "two-by-two table",
    "difference_per_scale": "by least squares, as a difference of occurrences per {scale:,} people",
}


def methods(results: Results) -> list[tuple[str, str]]:
    """Paragraphs, each with its title; those of which nothing is known are left out."""
    known: Part = results.get("protocol") or {}
    found = {
        "Entry": _entry(results, known),
        "Criteria": _criteria(known),
        "Score": _score(results, known),
        "Match": _match(results, known),
        "Outcomes": _outcomes(results, known),
        "Models": _models(results, known),
    }
    return [(title, text) for title, text in found.items() if text]


def withheld_words(results: Results) -> str:
    """What the word “withheld” stands for in this report."""
    cell = results["disclosure"]["min_cell"]
    if cell <= 1:
        return "No count is withheld in this report, however small."
    return (
        f"“Withheld” stands for a count of 1 to {cell - 1} people or rows, for any figure from which such a count "
        "could be worked out, and for the effects that are built on one. It never stands for zero."
    )


def _entry(results: Results, protocol: Part) -> str:
    first, last = results["study"]["index_window"]
    arms = protocol.get("arms", {})
    ways = [_way_in(arms[arm]) for arm in ARMS if arm in arms]
    window = f"Index dates lie from {first} to {last}, both included; day 0 is the index date."
    return " ".join([*ways, window, *moved_words(protocol), *filter(None, [OVERLAPS.get(arms.get("overlap", ""), "")])])


def _way_in(arm: Part) -> str:
    if arm["source"] == "program":
        return f"People entered “{arm['title']}” on the day they began the programme{_later(arm)}."
    if arm["source"] == "assigned":
        if arm.get("draw"):
            return _drawn(arm)
        return (
            f"Everybody ever enrolled entered “{arm['title']}” on a day drawn, by a hash of the seed and the person, "
            "from the index days of the treated who met the criteria."
        )
    first = "the first in all the data" if arm.get("pick") == "first_ever" else "the first in the index window"
    where = ", with a diagnosis of a body region under study" if arm.get("require_region", True) else ""
    return f"People entered “{arm['title']}” with {_event(arm)}{where}; of several, {first}{_later(arm)}."


def _drawn(arm: Part) -> str:
    """How days were drawn where the draw was told."""
    since, within = arm["draw"]["since"], arm["draw"]["within"]
    among = f" of the same {listed(list(within))}" if within else ""
    whole = "the treated who met the criteria"
    if since is None:
        what, who = f"from the index days of {whole}{among}", "Everybody ever enrolled"
    else:
        start = "the first covered day" if since == "enrollment" else f"the first of {_counted(since)}"
        what = f"so many days after {start} as one of {whole}{among} began after theirs"
        who = "Everybody ever enrolled" if since == "enrollment" else "Everybody with such an event"
    return f"{who} entered “{arm['title']}” on a day drawn by a hash of the seed and the person, {what}."


def _event(arm: Part) -> str:
    if arm["source"] == "drug":
        return f"a fill of the list “{arm['drug']}”"
    named = [
        f"{what} of {_codes(arm[key])}"
        for key, what in (("procedures", "a service"), ("diagnosis", "a diagnosis"))
        if arm.get(key)
    ]
    return f" and, on the same {arm.get('together', 'claim')}, ".join(named)


def _codes(codes: str | Sequence[str]) -> str:
    return f"the list “{codes}”" if isinstance(codes, str) else ", ".join(codes)


def _later(arm: Part) -> str:
    """What puts the index later than the first event; empty where nothing does."""
    days = arm.get("nth", 1) - 1
    passed = f"; the events of a person's first {days} days with one do not count" if days else ""
    landmark = arm.get("landmark_days", 0)
    rule = arm.get("exposure")
    shown = f"; of these, people with {_times(rule)} on days {_days(rule)} after the event" if rule else ""
    return passed + (f"; the index is {landmark} days after the event" if landmark else "") + shown


def _criteria(protocol: Part) -> str:
    parts = (_age(protocol.get("population")), _enrolment(protocol.get("enrollment")), _washout(protocol))
    return " ".join(filter(None, [*parts, *map(_own, protocol.get("criteria", []))]))


def _own(rule: Part) -> str:
    """A criterion of the protocol's own."""
    apart = f", the first and the last at least {rule['apart_days']} days apart" if rule["apart_days"] else ""
    title = f" ({rule['title']})" if rule["title"] else ""
    return f"Criterion “{rule['name']}”{title}: {_times(rule)} on days {_days(rule)} about index{apart}."


def _times(rule: Part) -> str:
    """How often something must happen, and what."""
    least, most, what = rule["least"], rule["most"], _counted(rule)
    if most is None and least is not None:
        return f"at least {least} {what}"
    return f"{least} to {most} {what}" if least else f"at most {most} {what}" if most else f"no {what}"


def _days(rule: Part) -> str:
    first, last = rule["window"]
    return f"{first} to {last}"


def _age(population: Part | None) -> str:
    low, high = (population or {}).get("age_min"), (population or {}).get("age_max")
    if low is None and high is None:
        return ""
    ends = f"{low} or older" if high is None else f"at most {high}" if low is None else f"{low} to {high}"
    return f"Age at index: {ends}, in completed years."


def _enrolment(rule: Part | None) -> str:
    if rule is None:
        return ""
    months = " A month with a covered day counted as covered whole." if rule.get("granularity") == "month" else ""
    if rule.get("post_mode") == "censor":
        return (
            f"Enrolled with {listed(list(rule['benefits']))} benefits on every day from {rule['pre_days']} days before "
            "index to the index day. Afterwards people were followed until their death, "
            f"where it is known, or until their cover or the data ended.{months}"
        )
    gap = f"gaps of up to {rule['max_gap_days']} days allowed" if rule["max_gap_days"] else "no gap allowed"
    death = ", or until death" if rule.get("until_death") else ""
    return (
        f"Enrolled with {listed(list(rule['benefits']))} benefits on every day from {rule['pre_days']} days before "
        f"to {rule['post_days']} days after index{death} ({gap}).{months}"
    )


def _washout(protocol: Part) -> str:
    rule = protocol.get("washout")
    if rule is None:
        return ""
    index_day = "the index day included" if rule["include_index_day"] else "the index day not counted"
    return f"No drug of the list “{rule['codes']}” dispensed in the {rule['days']} days before index, {index_day}."


def _score(results: Results, protocol: Part) -> str:
    model = results["score"]
    days = protocol.get("score", {}).get("lookback_days")
    when = f", care and cost being those of the {days} days before index" if days else ""
    columns = [name for name in model["columns"] if name not in ("intercept", "const")]
    return (
        f"The propensity of being treated was estimated by logistic regression on {count(model['n'])} eligible people "
        f"and {len(columns)} columns ({', '.join(map(covariate_title, columns))}){when}. The fit took "
        f"{model['iterations']} Newton steps; the logit of the score has a standard deviation of "
        f"{number(model['sd_logit'], 3)}.{penalty_words(model)}{dropped_words(model)}"
    )


def _match(results: Results, protocol: Part) -> str:
    match, asked = results["matching"], protocol.get("matching", {})
    keys = [GROUP_KEYS.get(key, key) for key in match["block_keys"]]
    inside = f"inside blocks of equal {listed(keys)}" if keys else "in one block"
    return (
        f"Each treated person was matched to {ratio_words(match)}, {_nearest(asked)}, without replacement, "
        f"{ORDERS[asked.get('order', 'largest')]}, {inside}; caliper: {caliper_words(match)}, "
        f"{_reach(match)}{_widths(asked)}. Ties were broken by a hash of the seed and the person. The effect is "
        f"that on the treated who found a twin.{' ' + WEIGHED if is_of_sets(results) else ''}"
    )


def _reach(match: Row) -> str:
    """Whether blocks share the caliper; if not, what that does."""
    return f"one for each block ({match['warning']})" if "warning" in match else "the same in all blocks"


def _nearest(asked: Part) -> str:
    named = asked.get("distance_covariates")
    return f"the nearest by {DISTANCE} on {_titles(named)}" if named else "the nearest on the logit of the score"


def _widths(asked: Part) -> str:
    """Calipers of covariates, each in words."""
    told = [
        f"{covariate_title(name)} {'at most' if width >= 0 else 'at least'} {abs(width):g} apart"
        for name, width in asked.get("covariate_calipers", {}).items()
    ]
    return f"; {listed(told)}" if told else ""


def _titles(covariates: Sequence[str]) -> str:
    return listed([covariate_title(name) for name in covariates])


def _outcomes(results: Results, protocol: Part) -> str:
    return " ".join(_outcome(results, rule) for rule in protocol.get("outcomes", []))


def _outcome(results: Results, rule: Part) -> str:
    event = _counted(rule)
    first, last = rule["window"]
    first = max(first, landmark_of(results) + 1)
    how = KINDS.get(rule["kind"], "all are counted")
    days = f"on days {first} to {last} after index{around_words(rule)}"
    return f"“{outcome_title(results, rule['name'])}”: {event} {days}; {how}."


def _models(results: Results, protocol: Part) -> str:
    measures = {row["outcome"]: row["measure"] for row in results["effects"] if row["measure"] in FAMILY}
    fits = [
        f"“{outcome_title(results, name)}” was modelled "
        f"{FAMILY[measures[name]].format(scale=outcome_scale(results, name))}."
        for name in outcomes_in(results)
        if name in measures
    ]
    names = [covariate_title(name).lower() for name in protocol.get("adjust", [])]
    adjusted = f", and adjusted for {listed(names)}" if names else ""
    return " ".join(
        [*fits, f"Models are unadjusted{adjusted}, each with ordinary errors and with pair-clustered errors. "
         "Their intervals are 95% Wald intervals. Only tests between groups are corrected for their number."]
    )  # fmt: skip


def _counted(rule: Part) -> str:
    """What an outcome counts."""
    if rule.get("drug"):
        return f"dispensings of the list “{rule['drug']}”"
    if rule.get("measure"):
        return f"the measure of opioid use “{rule['measure']}”"
    for key, what in (("diagnosis", "diagnosis"), ("procedures", "service")):
        if rule.get(key):
            codes = rule[key]
            return f"days with a {what} of “{codes if isinstance(codes, str) else ', '.join(codes)}”"
    return f"days with {rule['care']} care" if rule.get("care") else "all care and drugs"
