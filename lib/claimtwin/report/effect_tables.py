"""The tables of the outcomes: each arm, each effect beside the published figure, the press reading."""

from claimtwin.report.answer import covers, headline, judged, outcome_rows, outcomes_in, planted
from claimtwin.report.layout import Table, in_rows
from claimtwin.report.words import (
    ARMS,
    DASH,
    DIGITS,
    MAIN,
    MINUS,
    WITHHELD,
    Results,
    Row,
    adjustment,
    arm_title,
    count,
    covariate_title,
    errors_title,
    interval,
    measure_title,
    number,
    outcome_scale,
    outcome_title,
    p_value,
    percent,
    why_absent,
    with_interval,
)

ARM_HEAD = ("People", "With the outcome", "% of people", "95% interval", "Times", "Per 100 people", "SD per person")
FOLLOW_UP_HEAD = ("At risk", "With an event", "Events", "Person-days", "Per 100 person-years", "95% interval")
MARGINAL = (
    "Planted risks make a marginal odds ratio. On matched people the unadjusted model estimates it; the adjusted one "
    "is expected farther from 1."
)
EFFECT_HEAD = ("Measure", "Model", "Errors", "Estimate", "95% interval", "p")


def arms_table(results: Results, outcome: str) -> Table:
    """One row an arm, matched people only."""
    cells = [(arm_title(results, row["arm"]), *_arm_cells(row)) for row in outcome_rows(results, outcome)]
    return Table(f"{outcome_title(results, outcome)}: each arm after matching", ("Arm", *ARM_HEAD), in_rows(cells))


def follow_up_table(results: Results, outcome: str) -> Table | None:
    """Events by person-time, one row an arm; None of an outcome of which everybody is followed to the end."""
    cells = [
        (arm_title(results, row["arm"]), count(row["n"]), count(row["people"]), count(row["events"]),
         count(row["days"]), number(row["rate"]), interval(row["low"], row["high"]))
        for row in results.get("person_time", [])
        if row["outcome"] == outcome
    ]  # fmt: skip
    head = ("Arm", *FOLLOW_UP_HEAD)
    note = "People are at risk until follow-up ends, and where the time to the first event is asked, until then."
    return Table(f"{outcome_title(results, outcome)}: follow-up", head, in_rows(cells), note=note) if cells else None


def candidates_table(results: Results) -> Table | None:
    """Outcomes of everybody eligible, before matching; None when they were not asked for."""
    cells = [
        (outcome_title(results, outcome), arm_title(results, row["arm"]), *_arm_cells(row))
        for outcome in outcomes_in(results)
        for row in outcome_rows(results, outcome, "candidates")
    ]
    head = ("Outcome", "Arm", *ARM_HEAD)
    note = "Not a comparison: nobody is matched here, and a person may be in both arms."
    caption = "Outcomes of all eligible people before matching, arms apart"
    return Table(caption, head, in_rows(cells), words=2, note=note) if cells else None


def effects_table(results: Results, outcome: str) -> Table:
    """Our effects, the main measure first; then the published and the planted figures, marked."""
    ours = [row for row in results["effects"] if row["outcome"] == outcome and row["measure"] != "relative_reduction"]
    ours = sorted(ours, key=lambda row: row["measure"] not in MAIN)
    main, scale = headline(results, outcome), outcome_scale(results, outcome)
    published = [_published(row, scale) for row in results["published"] if row["outcome"] == outcome]
    told = [*published, *_planted_rows(results, main, scale)]
    return Table(
        f"{outcome_title(results, outcome)}: effects",
        EFFECT_HEAD,
        in_rows([*(_effect(row, scale) for row in ours), *told]),
        words=3,
        strong=frozenset(place for place, row in enumerate(ours) if row is main),
        marked=frozenset(range(len(ours), len(ours) + len(told))),
        note="Bold: the main estimate. Shaded: figures that were not estimated here.",
    )


def press_reading(results: Results, outcome: str) -> str:
    """What a press release would say, named for what it is; empty when there is no such effect."""
    found = (row for row in results["effects"] if (row["outcome"], row["measure"]) == (outcome, "relative_reduction"))
    row = next(found, None)
    if row is None:
        return ""
    if row["estimate"] is None:
        return f"No press reading can be given ({why_absent(row)})."
    side = "less" if row["estimate"] >= 0 else "more"
    ends = interval(row["low"], row["high"], DIGITS["relative_reduction"])
    return (
        f"“{number(abs(row['estimate']), 0)}% {side} likely”: this is 1 {MINUS} risk ratio = "
        f"{percent(row['estimate'])} (95% interval {ends}), {adjustment(row)}. It is not 1 {MINUS} odds ratio."
    )


def left_out_words(results: Results, outcome: str) -> str:
    """Covariates that the adjusted models do without, in a sentence; empty when there are none."""
    names = [covariate_title(name) for name in results["left_out"].get(outcome, [])]
    if not names:
        return ""
    why = "constant, already said by others, or all or none of one of its groups had the outcome"
    return f"Left out of the adjusted models: {'; '.join(names)} ({why})."


def truth_table(results: Results) -> Table | None:
    """Each planted figure beside what was found; None when no truth is known."""
    truth = results.get("truth")
    if not truth:
        return None
    cells: list[tuple[str, ...]] = []
    for measure in MAIN:
        row = judged(results, measure)
        true = None if row is None else planted(results, row)
        if row is not None and true is not None:
            kind = measure_title(measure, outcome_scale(results, row["outcome"]))
            cells.append((f"{kind}, {adjustment(row)}", number(true), with_interval(row), _yes(covers(row, true))))
    cells += filter(None, (_risk(results, truth, arm) for arm in ARMS))
    if truth.get("crude_odds_ratio") is not None:
        cells.append(("Odds ratio before matching, confounded", number(truth["crude_odds_ratio"]), DASH, DASH))
    if twins := (truth.get("scales") or {}).get("matched"):
        cells.append(("Odds ratio of the treated who found a twin", number(twins["odds_ratio"]), DASH, DASH))
    head = ("Figure", "Planted", "Found (95% interval)", "Covered")
    note = f"{MARGINAL} {truth.get('text') or ''}".strip()
    return Table("The planted truth and what was found", head, in_rows(cells), note=note)


def _risk(results: Results, truth: Row, arm: str) -> tuple[str, ...]:
    """One planted risk, in percent, against the matched arm's percentage."""
    main, true = judged(results), truth.get(f"risk_{arm}")
    if main is None or true is None:
        return ()
    row = next((row for row in outcome_rows(results, main["outcome"]) if row["arm"] == arm), None)
    title = f"% of people, {arm_title(results, arm)}"
    if row is None or row["percent"] is None:
        return title, percent(true), WITHHELD, _yes(None)
    found = f"{percent(row['percent'])} ({interval(row['low'], row['high'], 1)})"
    return title, percent(true), found, _yes(covers(row, true))


def _arm_cells(row: Row) -> tuple[str, ...]:
    sd = number(row["sd"], absent=WITHHELD if row["people"] is None else DASH)
    return (
        count(row["n"]),
        count(row["people"]),
        percent(row["percent"], 2),
        interval(row["low"], row["high"]),
        count(row["total"]),
        number(row["per_100"]),
        sd,
    )


def _effect(row: Row, scale: int) -> tuple[str, ...]:
    label = (measure_title(row["measure"], scale), adjustment(row), errors_title(row))
    if row["estimate"] is None:
        return (*label, why_absent(row), DASH, DASH)
    return (*label, number(row["estimate"]), interval(row["low"], row["high"]), p_value(row["p_value"]))


def _published(row: Row, scale: int) -> tuple[str, ...]:
    ends = interval(row["low"], row["high"])
    return measure_title(row["measure"], scale), f"published: {row['text']}", DASH, number(row["estimate"]), ends, DASH


def _planted_rows(results: Results, main: Row | None, scale: int) -> list[tuple[str, ...]]:
    true = None if main is None else planted(results, main)
    if main is None or true is None:
        return []
    return [(measure_title(main["measure"], scale), "planted truth", DASH, number(true), DASH, DASH)]


def _yes(covered: bool | None) -> str:
    return DASH if covered is None else "yes" if covered else "no"
