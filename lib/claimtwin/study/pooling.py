"""Results of several partners pooled from their ``results.json`` alone: nobody hands over a row of data."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from claimtwin.errors import InputError
from claimtwin.io.files import hash_of, to_json
from claimtwin.report.words import RATIOS, interval, measure_title, model_title, number
from claimtwin.stats.fitting import CannotFitError
from claimtwin.stats.intervals import Estimate
from claimtwin.stats.pooling import Pooled, pool

Row = dict[str, Any]
KEY = ("outcome", "measure", "adjusted", "errors")
ENDS = ("estimate", "low", "high", "p_value")
TOO_FEW = "fewer than two partners have an estimate"
LEFT_OUT = ("relative_reduction",)
"""Measures that are another one told differently."""
RULE = "docs/subgroups.md, several partners"


@dataclass(frozen=True)
class Partner:
    """One partner's file and what it holds."""

    name: str
    results: Row

    @property
    def unblinded(self) -> str:
        """Why effects are shown although a gate of the partner's study fails; empty where none does."""
        return str(self.results.get("blinding", {}).get("unblinded", ""))


def read_partners(files: Sequence[str]) -> list[Partner]:
    """Read the results of each partner.

    Raises:
        InputError: Fewer than two files, one cannot be read or holds no results, two hold the same, or partners
            counted an outcome of one name differently.
    """
    if len(files) < 2:
        raise InputError("Fewer than two results were named.", "pool", RULE, "name the results.json of each partner")
    partners = [Partner(name, _read(name)) for name in files]
    if len({hash_of(to_json(partner.results)) for partner in partners}) < len(partners):
        raise InputError("Two of the files hold the same results.", "pool", RULE, "name each partner's results once")
    outcomes: dict[str, Row] = {}
    for partner in partners:
        for outcome in partner.results["protocol"]["outcomes"]:
            told = {key: value for key, value in outcome.items() if key != "title"}
            if outcomes.setdefault(outcome["name"], told) != told:
                raise InputError(f"Partners counted the outcome '{outcome['name']}' differently.", partner.name, RULE,
                                 "pool results of one protocol")  # fmt: skip
    return partners


def pool_partners(partners: Sequence[Partner]) -> Row:
    """The pooled effects, which partner gave none to which, and the parts of the protocol that differ."""
    keys = list(dict.fromkeys(_key(row) for partner in partners for row in partner.results["effects"]))
    first = partners[0].results
    return {
        "partners": [{"file": partner.name, "study": partner.results["study"]["name"],
                      "pairs": partner.results["matching"]["pairs"], "unblinded": partner.unblinded}
                     for partner in partners],
        "differences": _differences([partner.results["protocol"] for partner in partners]),
        "outcome_scales": first["outcome_scales"],
        "effects": [_pooled(key, partners) for key in keys if key[1] not in LEFT_OUT],
    }  # fmt: skip


def pool_lines(pooled: Row) -> list[str]:
    """The pooled effects in words, one line each."""
    lines = [f"Partners: {len(pooled['partners'])}; effects are pooled by inverse variance"]
    lines += [f"Careful: the protocols differ in {', '.join(pooled['differences'])}"] if pooled["differences"] else []
    shown_anyway = [partner["file"] for partner in pooled["partners"] if partner["unblinded"]]
    lines += [f"Careful: a gate fails in {', '.join(shown_anyway)}, unblinded for a reason"] if shown_anyway else []
    for row in pooled["effects"]:
        scale = int(pooled["outcome_scales"].get(row["outcome"], 100))
        what = f"{row['outcome']}, {measure_title(row['measure'], scale).lower()}, {model_title(row)}"
        lines.append(f"{what}: {_told(row)}")
    return lines


def _told(row: Row) -> str:
    if row["note"]:
        return f"not estimable: {row['note']}"
    fixed, random = (f"{number(row[kind]['estimate'])} ({interval(row[kind]['low'], row[kind]['high'])})"
                     for kind in ("fixed", "random"))  # fmt: skip
    return f"fixed {fixed}; random {random}; I2 {number(100 * row['i2'], 0)}%; {row['groups']} partners"


def _read(name: str) -> Row:
    try:
        found: Row = json.loads(Path(name).read_text(encoding="utf-8"))
        _check(found)
        return found
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as fault:
        raise InputError(
            "The results of a partner cannot be read.", name, RULE, "name the results.json of a run"
        ) from (fault)


def _check(found: Row) -> None:
    """Touch all that a pool reads; what is not there, or is no number, raises."""
    found["study"]["name"], found["matching"]["pairs"], found["outcome_scales"].get("")
    [outcome["name"] for outcome in found["protocol"]["outcomes"]]
    for row in found["effects"]:
        figures = [row[end] for end in ENDS if row["estimate"] is not None]
        if not all(isfinite(figure) and (figure > 0 or row["measure"] not in RATIOS) for figure in figures[:3]):
            raise ValueError
        _key(row)


def _key(row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in KEY)


def _pooled(key: tuple[Any, ...], partners: Sequence[Partner]) -> Row:
    found = [(partner, _row_of(partner, key)) for partner in partners]
    shown = [Estimate(*(row[end] for end in ENDS))
             for _, row in found if row is not None and row["estimate"] is not None]  # fmt: skip
    absent = [partner.name for partner, row in found if row is None or row["estimate"] is None]
    base = {**dict(zip(KEY, key, strict=True)), "without_estimate": absent}
    try:
        pooled: Pooled = pool(shown, ratio=key[1] in RATIOS)
    except CannotFitError as fault:
        nothing = dict.fromkeys(("fixed", "random", "tau2", "i2", "q", "q_p_value"))
        return {**base, **nothing, "groups": len(shown), "note": TOO_FEW if len(shown) < 2 else str(fault)}
    return {**base, **asdict(pooled), "note": ""}


def _row_of(partner: Partner, key: tuple[Any, ...]) -> Row | None:
    return next((row for row in partner.results["effects"] if _key(row) == key), None)


def _differences(protocols: Sequence[Row]) -> list[str]:
    """Keys of the protocol whose values are not the same everywhere, but for name, title and seed of the study."""
    names = sorted({key for protocol in protocols for key in protocol} - {"study"})
    return [name for name in names if any(protocol.get(name) != protocols[0].get(name) for protocol in protocols)]
