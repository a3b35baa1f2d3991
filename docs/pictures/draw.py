"""Pictures of docs/matching.md, drawn from matches that Claimtwin makes: ``python docs/pictures/draw.py``.

The same version of matplotlib draws the same bytes. Filled dots are treated, rings are controls, lines are pairs.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import claimtwin
import matplotlib as mpl
import pyarrow as pa
from matplotlib.axes import Axes
from matplotlib.figure import Figure

HERE = Path(__file__).parent
TREATED, CONTROL, PAIR, SHADE = "#b5471b", "#20639b", "#444444", "#e8e2d0"
BLOCKS = {"back": "#b5471b", "hip": "#20639b", "": "#777777"}
STYLE = {"svg.hashsalt": "claimtwin", "svg.fonttype": "none", "font.size": 9, "font.family": "sans-serif"}

LINE = {
    "id": ["A", "B", "C", "D", "E", "p", "q", "r", "s", "t", "u", "v"],
    "treated": [1] * 5 + [0] * 7,
    "score": [0.9, 0.8, 0.74, 0.58, 0.37, 0.15, 0.23, 0.32, 0.38, 0.5, 0.62, 0.86],
    "region": ["hip", "back", "hip", "back", "hip", "hip", "back", "hip", "back", "hip", "back", "hip"],
    "site": ["x", "y", "x", "y", "x", "y", "x", "y", "x", "x", "y", "x"],
    "turn": [3, 1, 5, 2, 4, 6, 7, 8, 9, 10, 11, 12],
}
PLANE = {
    "id": ["A", "B", "C", "D", "p", "q", "r", "s", "t", "u"],
    "treated": [1] * 4 + [0] * 6,
    "score": [0.70, 0.60, 0.45, 0.30, 0.15, 0.28, 0.36, 0.48, 0.55, 0.66],
    "age": [55, 31, 47, 24, 25, 44, 58, 45, 50, 38],
    "visits": [9, 3, 6, 2, 1, 8, 6, 4, 9, 2],
}
ENDS = {
    "id": ["A", "B", "p", "q", "r", "s"],
    "treated": [1, 1, 0, 0, 0, 0],
    "score": [0.95, 0.5, 0.2, 0.42, 0.88, 0.985],
}
CROWD = [0.1, 0.16, 0.22, 0.28, 0.34, 0.6, 0.68]
ORDERS = ("largest", "smallest", "data", "random", "closest", "farthest", "maximum")

Units = Mapping[str, Sequence[Any]]
Panel = tuple[str, Units, dict[str, Any]]


def pairs_of(units: Units, options: dict[str, Any]) -> list[tuple[int, int]]:
    """Couples as places in the units."""
    place = {person: k for k, person in enumerate(units["id"])}
    asked = {"id": "id", "treated": "treated", "score": "score", "tie": "turn" if "turn" in units else "id"}
    found = claimtwin.match(pa.table(dict(units)), **(asked | options)).pairs
    couples = zip(found["treated_id"].to_pylist(), found["control_id"].to_pylist(), strict=True)
    return [(place[treated], place[control]) for treated, control in couples]


def draw_on_line(axes: Axes, units: Units, options: dict[str, Any]) -> None:
    """Treated above, controls below, each at its score; the reach of a caliper is shaded."""
    scores, arms = units["score"], units["treated"]
    spots = list(zip(scores, arms, strict=True))
    seat = [spot[0] + 0.07 * spots[:k].count(spot) for k, spot in enumerate(spots)]  # Equal scores side by side.
    height = [1 if arm else 0 for arm in arms]
    caliper = options.get("caliper", {}).get("score")
    for score, arm in zip(scores, arms, strict=True):
        if arm and isinstance(caliper, float):
            axes.fill([score, score - caliper, score + caliper], [1, 0, 0], color=SHADE, lw=0, zorder=0)
    for treated, control in pairs_of(units, options):
        axes.plot([seat[treated], seat[control]], [1, 0], color=PAIR, lw=1.1, zorder=1)
    key = (options.get("exact") or options.get("anti_exact") or "").split(",")[0]
    for k, person in enumerate(units["id"]):
        colour = (TREATED if arms[k] else CONTROL) if key != "region" else BLOCKS[units["region"][k] or ""]
        axes.scatter(
            seat[k],
            height[k],
            s=42,
            zorder=2,
            edgecolors=colour,
            linewidths=1.4,
            facecolors=colour if arms[k] else "w",
        )
        name = f"{person} {units['site'][k]}" if key == "site" else person
        axes.annotate(name, (seat[k], height[k]), (0, 7 if arms[k] else -14), textcoords="offset points", ha="center")
    axes.set(xlim=(0, 1), ylim=(-0.45, 1.4), yticks=[])
    axes.set_xticks([0, 0.5, 1])


def draw_in_plane(axes: Axes, units: Units, options: dict[str, Any], across: str) -> None:
    """Everybody at two covariates, or at score and age."""
    x, y = units["score" if across == "score" else "visits"], units["age"]
    for treated, control in pairs_of(units, options):
        axes.plot([x[treated], x[control]], [y[treated], y[control]], color=PAIR, lw=1.1, zorder=1)
    for k, person in enumerate(units["id"]):
        colour = TREATED if units["treated"][k] else CONTROL
        face = colour if units["treated"][k] else "w"
        axes.scatter(x[k], y[k], s=42, zorder=2, edgecolors=colour, linewidths=1.4, facecolors=face)
        at = (6, 3) if units["treated"][k] else (6, -8)
        axes.annotate(f"{person} {units['score'][k]:.2f}", (x[k], y[k]), at, textcoords="offset points", fontsize=7)
    axes.margins(0.18)
    axes.set(xlabel=across, ylabel="age")


def picture(name: str, folder: Path, panels: Sequence[Panel], *, across: str = "", columns: int = 3) -> None:
    """One SVG of panels side by side; ``across`` names the axis of a plane, else scores lie on a line."""
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(2.9 * min(columns, len(panels)), (2.4 if across else 1.6) * rows), layout="constrained")
    for k, (title, units, options) in enumerate(panels):
        axes = figure.add_subplot(rows, min(columns, len(panels)), k + 1)
        axes.set_title(title, fontsize=9, loc="left")
        axes.spines[["top", "right", *([] if across else ["left"])]].set_visible(False)
        draw_in_plane(axes, units, options, across) if across else draw_on_line(axes, units, options)
    figure.savefig(folder / f"{name}.svg", format="svg", metadata={"Date": None, "Creator": None})


def changed(units: Units, **columns: Sequence[Any]) -> Units:
    """Units with some columns replaced."""
    return {**units, **columns}


def draw_all(folder: Path) -> None:
    """Every picture of the page."""
    wide, crowd = {"score": 0.15}, changed(LINE, score=[*LINE["score"][:5], *CROWD])
    gap = changed(LINE, region=[region if k not in (2, 8, 9) else None for k, region in enumerate(LINE["region"])])
    with mpl.rc_context(STYLE):
        picture("orders", folder, [(f"--order {order}", LINE, {"order": order, "caliper": wide}) for order in ORDERS])
        picture(
            "caliper",
            folder,
            [
                ("no caliper", LINE, {}),
                ("--caliper score=0.15", LINE, {"caliper": wide}),
                ("--caliper score=0.06", LINE, {"caliper": {"score": 0.06}}),
            ],
        )
        picture("link", folder, [(f"--link {link}", ENDS, {"link": link}) for link in ("none", "logit")])
        picture(
            "exact",
            folder,
            [
                ("--exact region", LINE, {"exact": "region"}),
                ("--anti-exact site", LINE, {"anti_exact": "site"}),
                ("--null-block own (grey: missing)", gap, {"exact": "region", "null_block": "own"}),
            ],
        )
        picture(
            "ratio",
            folder,
            [
                ("--ratio 2 (rounds)", LINE, {"ratio": 2}),
                ("--ratio 2 --caliper score=0.2", LINE, {"ratio": 2, "caliper": {"score": 0.2}}),
                ("... --min-ratio 2", LINE, {"ratio": 2, "floor": 2, "caliper": {"score": 0.2}}),
            ],
        )
        picture(
            "replace",
            folder,
            [
                ("without replacement", crowd, {}),
                ("--replace", crowd, {"replace": True}),
                (
                    "--replace --max-reuse 2",
                    crowd,
                    {"replace": True, "max_reuse": 2},
                ),
            ],
        )
        picture(
            "discard", folder, [(f"--discard {arm}", LINE, {"discard": arm}) for arm in ("none", "treated", "both")]
        )
        tied = changed(LINE, score=[0.7, 0.7, 0.3, 0.3, 0.3, 0.05, 0.3, 0.3, 0.15, 0.7, 0.7, 0.9])
        hashed = [("--seed 1", tied, {"tie": None, "seed": 1}), ("--seed 2", tied, {"tie": None, "seed": 2})]
        picture("ties", folder, [*hashed, ("--tie turn", tied, {"tie": "turn"})])
        picture("distance", folder, [
            ("--distance score", PLANE, {}),
            ("--distance mahalanobis:visits,age", PLANE, {"distance": "mahalanobis:visits,age"}),
            ("--distance euclidean:visits,age", PLANE, {"distance": "euclidean:visits,age"}),
            ("mahalanobis, --caliper score=0.16", PLANE,
              {"distance": "mahalanobis:visits,age", "caliper": {"score": 0.16}}),
        ], across="visits", columns=2)  # fmt: skip
        picture("covariate-caliper", folder, [
            ("no caliper", PLANE, {}),
            ("--caliper age=8", PLANE, {"caliper": {"age": 8}}),
            ("--caliper age=-8", PLANE, {"caliper": {"age": -8}}),
        ], across="score")  # fmt: skip


if __name__ == "__main__":
    draw_all(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
