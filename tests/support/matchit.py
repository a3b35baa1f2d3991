"""The recorded studies of MatchIt as units and rules of ours."""

import csv
from dataclasses import dataclass
from functools import cache
from itertools import groupby

import numpy as np
from claimtwin.kernel.matching import Rules, Units
from claimtwin.kernel.matching.shape import pooled_whitening

from tests.support.shared import shared_data

Row = dict[str, str]


@dataclass(frozen=True)
class Study:
    """One study: its configuration, units in the order of their ids (1, 2, ...), pairs and balance table."""

    config: Row
    rows: list[Row]
    pairs: set[tuple[int, int, int]]
    balance: list[Row]

    @property
    def has_choice(self) -> bool:
        """Whether MatchIt had to choose among equally near controls by its walk over sorted data."""
        return self.config["distance"] == "score" and self.config["score_digits"] == "2"

    def numbers(self, *names: str) -> np.ndarray:
        return np.array([[float(row[name]) for name in names] for row in self.rows]).reshape(len(self.rows), -1)

    def codes(self, *names: str) -> np.ndarray:
        columns = [np.unique([row[name] for row in self.rows], return_inverse=True)[1] for name in names]
        return np.array(columns, np.int64).reshape(len(columns), len(self.rows)).T

    @property
    def units(self) -> Units:
        treated = self.numbers("treat")[:, 0] == 1
        x, exact = self.numbers("x1", "x2", "x3"), self.codes(*_names(self.config["exact"]))
        block = np.unique(exact, axis=0, return_inverse=True)[1].reshape(-1) if exact.size else None
        space = x @ pooled_whitening(x, treated) if self.config["distance"] != "score" else None
        near = x[:, :1] if self.config["caliper_x1"] else None
        differ = self.codes(*_names(self.config["antiexact"])) if self.config["antiexact"] else None
        return Units.of(treated, self.numbers("score")[:, 0], np.arange(1, len(x) + 1), block, differ, near, space)

    @property
    def rules(self) -> Rules:
        width = self._width("x1")
        return Rules(
            order=self.config["order"] or "data",
            ratio=int(self.config["ratio"]),
            replace=self.config["replace"] == "TRUE",
            caliper=self._width("score"),
            widths=() if width is None else (width,),
        )

    def _width(self, name: str) -> float | None:
        width, unit = self.config[f"caliper_{name}"], self.config[f"caliper_{name}_unit"]
        if not width:
            return None
        return float(width) * (float(np.std(self.numbers(name), ddof=1)) if unit == "sd" else 1.0)


def _names(joined: str) -> list[str]:
    return [name for name in joined.split("+") if name]


@cache
def studies() -> list[Study]:
    """All 200; skips the calling test where they are absent."""
    folder = shared_data("matchit-oracle")
    tables = {}
    for name in ("configs", "units", "pairs", "balance"):
        with (folder / f"{name}.csv").open(newline="") as file:
            tables[name] = {key: list(rows) for key, rows in groupby(csv.DictReader(file), lambda r: r["config_id"])}
    return [
        Study(config, tables["units"][key], _triples(tables["pairs"].get(key, [])), tables["balance"].get(key, []))
        for key, (config,) in tables["configs"].items()
    ]


def _triples(rows: list[Row]) -> set[tuple[int, int, int]]:
    return {(int(row["treated_id"]), int(row["control_id"]), int(row["rank"])) for row in rows}
