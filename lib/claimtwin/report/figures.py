"""Figures of a report: balance, overlap and effects, as SVG or PNG bytes.

The same input gives the same bytes: ids are hashed from a fixed salt, no date is written, and no figure passes
through pyplot, whose state is shared. Colours keep apart for the colour-blind, and shapes differ as well.
"""

from collections.abc import Callable, Sequence
from functools import partial
from io import BytesIO
from math import nan
from textwrap import shorten
from typing import Any, Literal

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from claimtwin.report.answer import headline, outcomes_in, planted
from claimtwin.report.grid_tables import grid_of, variant_title
from claimtwin.report.words import (
    ARMS,
    RATIOS,
    Results,
    Row,
    arm_title,
    covariate_title,
    measure_title,
    model_title,
    number,
    outcome_scale,
    with_interval,
)

Format = Literal["svg", "png"]

INK, MUTED, GRID, PANEL = "#1c2733", "#5d6b7a", "#dce2e9", "#fefefe"
TREATED, COMPARATOR, TRUTH = "#0a5fa8", "#b34700", "#1b7f4d"
LOOKS: dict[Any, Any] = {
    "svg.hashsalt": "claimtwin", "svg.fonttype": "none", "text.parse_math": False, "font.size": 10,
    "text.color": INK, "axes.labelcolor": MUTED, "xtick.color": MUTED, "ytick.color": INK, "axes.edgecolor": GRID,
    "axes.spines.top": False, "axes.spines.right": False, "axes.spines.left": False, "grid.color": GRID,
    "axes.axisbelow": True, "ytick.left": False, "xtick.bottom": False, "figure.facecolor": PANEL,
    "axes.facecolor": PANEL, "legend.frameon": False,
}  # fmt: skip
THRESHOLD = 0.1
WIDTH = 8.6
LETTERS = 36
TICKS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1, 1.25, 1.5, 2, 3, 5, 10, 20)


def figures(results: Results) -> dict[str, bytes]:
    """Every figure by its file name, each as SVG and as PNG; a figure with nothing to show is left out."""
    drawn: dict[str, bytes] = {}
    for fmt in ("svg", "png"):
        drawn |= {f"{name}.{fmt}": image for name, image in draw(results, fmt).items()}
    return drawn


def draw(results: Results, fmt: Format) -> dict[str, bytes]:
    """Every figure of one format by its name: ``love_plot``, ``overlap``, ``effects_<outcome>``, ``grid_<outcome>``."""
    drawn = {}
    if any(row["smd"] is not None for row in results["balance"]):
        drawn["love_plot"] = love_plot(results["balance"], fmt)
    if any(people for arm in ARMS for people in results["overlap"][arm]):
        treated, comparator = (_short(arm_title(results, arm)) for arm in ARMS)
        drawn["overlap"] = overlap_plot(results["overlap"], (treated, comparator), fmt)
    for outcome in outcomes_in(results):
        image = _effects_of(results, outcome, fmt)
        drawn |= {f"effects_{outcome}": image} if image else {}
        image = grid_plot(results, outcome, fmt)
        drawn |= {f"grid_{outcome}": image} if image else {}
    return drawn


def love_plot(balance: Sequence[Row], fmt: Format = "svg") -> bytes:
    """Absolute standardised mean differences before and after matching, the largest before on top.

    A covariate without a difference before is left out; one without a difference after has no second mark.
    """
    return _bytes(partial(_love, balance), fmt)


def overlap_plot(overlap: Row, titles: tuple[str, str], fmt: Format = "svg") -> bytes:
    """Distribution of the score, the treated upwards and the comparators downwards; withheld bins get a mark."""
    return _bytes(partial(_overlap, overlap, titles), fmt)


def forest_plot(ours: Sequence[Row], published: Sequence[Row], truth: float | None, label: str,
                fmt: Format = "svg") -> bytes:  # fmt: skip
    """Our estimates of one measure of one outcome beside the published; a known truth is a dashed line.

    Args:
        ours: Effects, all of one measure; those without numbers are left out.
        published: Figures of the publication of the same measure.
        truth: Planted value, if known.
        label: What the axis measures.
    """
    return _bytes(partial(_forest, ours, published, truth, label), fmt)


def grid_plot(results: Results, outcome: str, fmt: Format = "svg") -> bytes:
    """The main estimate beside that of every variant of the grid that measures the same; no bytes without a number."""
    rows = grid_of(results, outcome)
    same = [row for row in rows if row["measure"] == rows[0]["measure"]]
    told = [(variant_title(results, row), row) for row in same if row["estimate"] is not None]
    if not told:
        return b""
    looks = [(name, row, *((TREATED, "s") if row["variant"] == "main" else (COMPARATOR, "o"))) for name, row in told]
    label = measure_title(rows[0]["measure"], outcome_scale(results, outcome))
    return _bytes(partial(_in_lines, looks, None, label), fmt)


def _effects_of(results: Results, outcome: str, fmt: Format) -> bytes:
    """The forest plot of one outcome's main measure; no bytes when no effect of it has numbers."""
    main = headline(results, outcome)
    if main is None:
        return b""
    ours, published = (
        [row for row in results[kind] if (row["outcome"], row["measure"]) == (outcome, main["measure"])]
        for kind in ("effects", "published")
    )
    if all(row["estimate"] is None for row in ours):
        return b""
    label = measure_title(main["measure"], outcome_scale(results, outcome))
    return forest_plot(ours, published, planted(results, main), label, fmt)


def _bytes(draw: Callable[[], Figure], fmt: Format) -> bytes:
    with rc_context(LOOKS):
        figure, out = draw(), BytesIO()
        FigureCanvasAgg(figure)
        hush = {"Date": None, "Creator": None} if fmt == "svg" else {"Software": None}
        figure.savefig(out, format=fmt, metadata=hush, dpi=144)
    return out.getvalue()


def _love(balance: Sequence[Row]) -> Figure:
    before, after = (
        {row["covariate"]: abs(row["smd"]) for row in balance if row["when"] == when and row["smd"] is not None}
        for when in ("before", "after")
    )
    names = sorted(before, key=lambda name: (before[name], name))
    places = range(len(names))
    figure, axes = _canvas(0.27 * len(names) + 1.3)
    was, now = [before[name] for name in names], [after.get(name, nan) for name in names]
    axes.hlines(places, was, now, color=GRID, linewidth=2)
    axes.scatter(
        was, places, s=40, facecolor=PANEL, edgecolor=COMPARATOR, linewidth=1.6, zorder=3, label="before matching"
    )
    axes.scatter(now, places, s=40, color=TREATED, marker="D", zorder=4, label="after matching")
    axes.axvline(THRESHOLD, color=MUTED, linestyle=(0, (4, 3)), linewidth=1)
    _beside(axes, THRESHOLD, len(names) - 0.4, f"{THRESHOLD}", MUTED)
    axes.set_yticks(places, [_short(covariate_title(name)) for name in names])
    axes.set(ylim=(-0.7, len(names) + 0.1), xlim=(-0.004, None), xlabel="Absolute standardised mean difference")
    _legend(axes)
    return figure


def _overlap(overlap: Row, titles: tuple[str, str]) -> Figure:
    figure, axes = _canvas(3.2)
    edges = overlap["edges"]
    widths = [right - left for left, right in zip(edges, edges[1:], strict=False)]
    looks = ((TREATED, 1), (COMPARATOR, -1))
    for arm, (colour, sign), title in zip(ARMS, looks, titles, strict=True):
        people = [count or 0 for count in overlap[arm]]
        shares = [sign * 100 * count / max(sum(people), 1) for count in people]
        axes.bar(edges[:-1], shares, widths, align="edge", color=colour, linewidth=0.6, edgecolor=PANEL, label=title)
    _mark_withheld(axes, overlap)
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.set(xlabel="Propensity score", ylabel="% of the arm")
    axes.yaxis.set_major_formatter(lambda value, _: f"{abs(value):g}")
    axes.tick_params(axis="y", colors=MUTED)
    _legend(axes)
    return figure


def _mark_withheld(axes: Axes, overlap: Row) -> None:
    """A hollow triangle in each bin whose count is withheld, so that it is not taken for nobody."""
    middles = [(left + right) / 2 for left, right in zip(overlap["edges"], overlap["edges"][1:], strict=False)]
    room = 0.03 * (axes.get_ylim()[1] - axes.get_ylim()[0])
    label = "number withheld"
    for arm, marker, sign in zip(ARMS, ("^", "v"), (1, -1), strict=True):
        hidden = [middle for middle, count in zip(middles, overlap[arm], strict=True) if count is None]
        if hidden:
            places = [sign * room] * len(hidden)
            axes.scatter(hidden, places, s=22, marker=marker, facecolor=PANEL, edgecolor=MUTED, zorder=3, label=label)
            label = "_"


def _forest(ours: Sequence[Row], published: Sequence[Row], truth: float | None, label: str) -> Figure:
    rows = [(model_title(row), row, TREATED, "s") for row in ours if row["estimate"] is not None]
    return _in_lines([*rows, *(("published", row, COMPARATOR, "D") for row in published)], truth, label)


def _in_lines(found: Sequence[tuple[str, Row, str, str]], truth: float | None, label: str) -> Figure:
    """A line each, the first on top: words, figures, colour and mark."""
    rows = found[::-1]
    figure, axes = _canvas(0.36 * len(rows) + 0.9)
    for place, (_, row, colour, marker) in enumerate(rows):
        axes.plot([row["low"], row["high"]], [place, place], color=colour, linewidth=2, solid_capstyle="round")
        axes.plot(row["estimate"], place, marker, color=colour, markersize=7)
        axes.text(1.02, place, with_interval(row), transform=axes.get_yaxis_transform(), va="center", fontsize=9.5)
    axes.set_yticks(range(len(rows)), [name[:1].upper() + name[1:] for name, *_ in rows])
    axes.set_ylim(-0.7, len(rows) - 0.05)
    if truth is not None:
        axes.axvline(truth, color=TRUTH, linestyle=(0, (5, 3)), linewidth=1.6)
        _beside(axes, truth, len(rows) - 0.5, f"planted truth {number(truth)}", TRUTH)
    ratio = any(row["measure"] in RATIOS for _, row, *_ in rows)
    ends = [end for _, row, *_ in rows for end in (row["low"], row["high"])] + ([] if truth is None else [truth])
    (_log_axis if ratio else _plain_axis)(axes, ends)
    axes.set_xlabel(label + (" (log scale)" if ratio else ""))
    return figure


def _log_axis(axes: Axes, ends: Sequence[float]) -> None:
    """A log axis with plain numbers on it and a line at 1."""
    low, high = min([1.0, *ends]) * 0.9, max([1.0, *ends]) * 1.1
    ticks = [tick for tick in TICKS if low <= tick <= high]
    axes.set_xscale("log")
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_xlim(low, high)
    axes.axvline(1, color=MUTED, linewidth=1)


def _plain_axis(axes: Axes, ends: Sequence[float]) -> None:
    """A linear axis with a line at 0 and room at both ends."""
    low, high = min([0.0, *ends]), max([0.0, *ends])
    room = 0.06 * (high - low)
    axes.set_xlim(low - room, high + room)
    axes.axvline(0, color=MUTED, linewidth=1)


def _legend(axes: Axes) -> None:
    """Above the drawing, where it can hide nothing."""
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, borderaxespad=0)


def _beside(axes: Axes, x: float, y: float, words: str, colour: str) -> None:
    """Words just right of an upright line."""
    axes.annotate(words, (x, y), (5, 0), textcoords="offset points", color=colour, fontsize=9, va="center")


def _short(words: str) -> str:
    """Words that leave room for the drawing."""
    return shorten(words, LETTERS, placeholder=" …")


def _canvas(height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    axes = figure.add_subplot()
    axes.grid(axis="x", linewidth=0.8)
    return figure, axes
