"""The tables of the design: who was left, how alike the arms were, how the match was made."""

from collections.abc import Sequence

from claimtwin.report.answer import worst_balance
from claimtwin.report.layout import Table, in_rows
from claimtwin.report.set_words import WEIGHED, is_of_sets, twins_of, unit
from claimtwin.report.words import (
    ARMS,
    DASH,
    ENTRY,
    Results,
    Row,
    arm_title,
    count,
    covariate_title,
    is_level,
    number,
    percent,
    plain_value,
    sentence_case,
)

THRESHOLD = 0.1
WHENS = ("before", "after")


def attrition_table(results: Results) -> Table:
    """People left after each criterion, and at the end if that one alone were dropped; one row a criterion."""
    rows = {(row["criterion"], row["arm"]): row for row in results["attrition"]}
    cells = [
        (
            _criterion(results, [rows.get((name, arm)) for arm in ARMS]),
            *(_people(rows.get((name, arm)), key) for key in ("remaining", "if_dropped") for arm in ARMS),
        )
        for name in dict.fromkeys(row["criterion"] for row in results["attrition"])
    ]
    titles = _titles(results)
    return Table(
        "People left, criterion by criterion",
        ("Criterion", *titles, *titles),
        in_rows(cells),
        groups=(("", 1), ("Left after it and all above", 2), ("Left at the end if it alone were dropped", 2)),
    )


def table_one(results: Results) -> Table:
    """Means of the covariates by arm, before and after matching."""
    rows = {(row["covariate"], row["when"]): row for row in results["balance"]}
    matching = results["matching"]
    sizes = (matching["treated"], matching["comparators"], matching["pairs"], twins_of(matching))
    cells = [("People", *map(count, sizes)), *_effective(matching.get("effective", []))]
    for name in dict.fromkeys(row["covariate"] for row in results["balance"]):
        means = (_mean(rows.get((name, when)), arm) for when in WHENS for arm in ARMS)
        cells.append((covariate_title(name), *means))
    titles = _titles(results)
    return Table(
        "Means of the covariates by arm",
        ("Covariate", *titles, *titles),
        in_rows(cells),
        groups=(("", 1), ("Before matching", 2), ("After matching", 2)),
        strong=frozenset({0}),
        note="Effective sample size: people who would tell as much if all weighed the same; twins 1:1 do. "
        "Levels of a category are in % of people; of any other yes-no covariate the mean is the share of people."
        + (f" {WEIGHED}" if is_of_sets(results) else ""),
    )


def _effective(rows: Sequence[Row]) -> list[tuple[str, ...]]:
    """The row of effective sample sizes; none where results of before hold none."""
    told = {row["when"]: row for row in rows}
    sizes = [count(told[when][arm]) for when in WHENS for arm in ARMS] if told else []
    return [("Effective sample size", *sizes)] if sizes else []


def balance_table(results: Results) -> Table:
    """Standardised differences and variance ratios; rows above the usual bound after matching are bold."""
    rows = {(row["covariate"], row["when"]): row for row in results["balance"]}
    names = list(dict.fromkeys(row["covariate"] for row in results["balance"]))
    cells = [
        (
            covariate_title(name),
            *(_figure(rows.get((name, when)), "smd", 3) for when in WHENS),
            *(_figure(rows.get((name, when)), "variance_ratio", 2) for when in WHENS),
        )
        for name in names
    ]
    return Table(
        "Standardised mean differences and variance ratios",
        ("Covariate", "Before", "After", "Before", "After"),
        in_rows(cells),
        groups=(("", 1), ("Standardised difference", 2), ("Variance ratio", 2)),
        strong=frozenset(place for place, name in enumerate(names) if _is_above(rows.get((name, "after")))),
        note=f"Bold: absolute difference above {THRESHOLD} after matching. The unit is {_unit(results)} "
        "before matching, in both columns. A dash: not defined (a yes-no covariate has no variance ratio of its own).",
    )


def _unit(results: Results) -> str:
    asked = results.get("protocol", {}).get("balance", {}).get("denominator", "pooled")
    return "the treated arm's standard deviation" if asked == "treated" else "the pooled standard deviation"


def balance_words(results: Results) -> str:
    """The worst difference before and after, and how many are above the bound, in a sentence."""
    before, after = (worst_balance(results, when) for when in WHENS)
    above = sum(_is_above(row) for row in results["balance"] if row["when"] == "after")
    if before is None or after is None:
        return "No standardised difference could be formed."
    return (
        f"Largest absolute standardised difference: {_named(before)} before matching, {_named(after)} after. "
        f"{_how_many(above)} above {THRESHOLD} after matching."
    )


def matching_table(results: Results) -> Table:
    """The figures of the match."""
    match = results["matching"]
    rows = [
        *_matched_rows(results),
        (f"Eligible, {arm_title(results, 'treated')}", count(match["treated"])),
        ("… of them without a twin", count(match["unmatched_treated"])),
        (f"Eligible, {arm_title(results, 'comparator')}", count(match["comparators"])),
        ("Matched inside blocks of", plain_value([sentence_case(key).lower() for key in match["block_keys"]]) or DASH),
        ("Caliper", caliper_words(match)),
        *((f"Without a twin: {sentence_case(why).lower()}", count(n)) for why, n in sorted(match["reasons"].items())),
    ]
    warning = f"{sentence_case(match['warning'])}." if "warning" in match else ""
    return Table(
        f"{sentence_case(unit(results))}, people without a twin, caliper",
        ("Figure", "Value"),
        in_rows(rows),
        note=warning,
    )


def _matched_rows(results: Results) -> list[tuple[str, str]]:
    match = results["matching"]
    if not is_of_sets(results):
        return [("Matched pairs", count(match["pairs"]))]
    asked = f"up to {match['ratio']}" + (f", at least {match['floor']}" if match["floor"] > 1 else "")
    twins = count(twins_of(match))
    return [("Matched treated", count(match["pairs"])), ("Their twins", twins), ("Twins of one treated", asked)]


def blocks_table(results: Results) -> Table:
    """People and pairs of each block."""
    blocks = results["matching"]["blocks"]
    cells = [
        (sentence_case(str(row["block"])), *(count(row[key]) for key in ("treated", "comparator", "pairs")))
        for row in blocks
    ]
    head = ("Block", *(f"Eligible, {title}" for title in _titles(results)), sentence_case(unit(results)))
    return Table(f"{sentence_case(unit(results))} by block", head, in_rows(cells))


def invariants_table(results: Results) -> Table:
    """What may never happen in a match, and how often it did; a broken one is bold."""
    found = sorted(results["matching"]["invariants"].items())
    return Table(
        "Checks of the match (each must be 0)",
        ("What may not be", "Found"),
        in_rows((sentence_case(name), count(times)) for name, times in found),
        strong=frozenset(place for place, (_, times) in enumerate(found) if times != 0),
    )


def caliper_words(match: Row) -> str:
    """The caliper in both units: ``0.2 SD of the logit (0.123)``; one per block in standard deviations only."""
    if match["caliper_sd"] is None:
        return "none"
    if match.get("caliper_sd_of") == "block":
        return f"{match['caliper_sd']:g} SD of the logit in each block"
    return f"{match['caliper_sd']:g} SD of the logit ({number(match['caliper'], 4)})"


def _titles(results: Results) -> tuple[str, str]:
    return arm_title(results, "treated"), arm_title(results, "comparator")


def _criterion(results: Results, rows: list[Row | None]) -> str:
    """The words of a criterion; where the arms' differ, each after the name of its arm."""
    told = [(arm_title(results, row["arm"]), str(row["text"])) for row in rows if row is not None]
    texts = dict.fromkeys(text for _, text in told)
    return told[0][1] if len(texts) == 1 else "; ".join(f"{title}: {text}" for title, text in told)


def _people(row: Row | None, key: str) -> str:
    nothing_to_drop = row is not None and key == "if_dropped" and row["criterion"] == ENTRY
    return DASH if row is None or nothing_to_drop else count(row[key])


def _mean(row: Row | None, arm: str) -> str:
    if row is None:
        return DASH
    mean = row[f"mean_{arm}"]
    if mean is not None and is_level(row["covariate"]):
        return percent(100 * mean)
    return number(mean, 2)


def _figure(row: Row | None, key: str, digits: int) -> str:
    return DASH if row is None else number(row[key], digits, absent=DASH)


def _is_above(row: Row | None) -> bool:
    return row is not None and row["smd"] is not None and abs(row["smd"]) > THRESHOLD


def _how_many(above: int) -> str:
    return {0: "No covariate is", 1: "One covariate is"}.get(above, f"{above} covariates are")


def _named(row: Row) -> str:
    return f"{number(abs(row['smd']), 3)} ({covariate_title(row['covariate'])})"
