"""The propensity model: how well it tells the arms apart, what weights by it would be, what it does without."""

from claimtwin.report.layout import Table, in_rows
from claimtwin.report.words import ARMS, Results, Row, arm_title, count, number, percent

ESTIMANDS = {"att": "Effect on the treated", "ate": "Effect on everybody", "overlap": "Effect where the arms overlap"}


def score_tables(results: Results) -> list[Table]:
    """Discrimination and overlap, then weights; none where the results do not tell them."""
    told = results["score"].get("diagnostics")
    return [] if told is None else [_overlap(results, told), *_weights(results, told)]


def penalty_words(model: Row) -> str:
    """How the penalty was chosen, as sentences after a blank; empty without one."""
    path = model.get("penalty")
    if path is None:
        return ""
    place = path["chosen"]
    kind = {1.0: "L1", 0.0: "L2"}.get(path["l1_share"], f"L1 (share {path['l1_share']:g}) and L2")
    how = f", chosen by {path['folds']}-fold cross-validation" if path["folds"] else ""
    return (
        f" The slopes bear a penalty ({kind}) of strength {path['strengths'][place]:.4g}{how}; {path['kept'][place]} "
        "of them are not 0. A penalised fit has no standard errors."
    )


def dropped_words(model: Row) -> str:
    """Columns that the model does without and why, after a blank; empty where there is none."""
    faults = [str(row["why"]) for row in model.get("dropped", [])]
    splines = [
        f"the spline of '{name}' has {len(row['knots'])} knots in place of {row['asked']}"
        for name, row in sorted(model.get("splines", {}).items())
        if len(row["knots"]) < row["asked"]
    ]
    return f" Left out: {'; '.join([*faults, *splines])}." if faults or splines else ""


def _overlap(results: Results, told: Row) -> Table:
    rows = [
        ("C-statistic of the propensity model", number(told["c_statistic"], 3)),
        ("Candidates with a preference score of 0.3 to 0.7", _percent(told["equipoise"])),
        *((f"{arm_title(results, arm)}: within the range of the other arm", _percent(told["common_support"][arm]))
          for arm in ARMS),
    ]  # fmt: skip
    note = (
        "A c-statistic of 0.5 tells nothing apart, one of 1 everybody. The preference score is the propensity had both "
        "arms the same size; between 0.3 and 0.7 either arm could have been expected."
    )
    return Table("How far the arms overlap", ("Figure", "Value"), in_rows(rows), note=note)


def _weights(results: Results, told: Row) -> list[Table]:
    cells = [
        (
            ESTIMANDS[row["estimand"]],
            arm_title(results, row["arm"]),
            number(row["largest"], 1),
            percent(100 * row["share"], 2),
            count(row["effective"]),
        )
        for row in told["weights"]
    ]
    head = ("Weights for", "Arm", "Largest, in means", "Share of the largest", "Effective people")
    note = "What inverse-probability weights by this score would be; the match does not use them."
    return [Table("Weights by the score", head, in_rows(cells), words=2, note=note)] if cells else []


def _percent(share: float | None) -> str:
    return percent(None if share is None else 100 * share)
