"""The flow of people as an inline SVG: both arms side by side, criterion by criterion, down to the pairs."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from textwrap import shorten, wrap

from markupsafe import Markup, escape

from claimtwin.report.set_words import matched_words, unit
from claimtwin.report.words import ARMS, Results, Row, arm_title, count

WIDTH, BOX, GAP = 920, 430, 60
LINE, PADDING, DROP = 17, 12, 40
LETTERS, HEAD_LETTERS = 56, 50
STYLE = """
.flow text{font:13px system-ui,-apple-system,"Segoe UI",Roboto,Helvetica,Arial,sans-serif;fill:var(--ink,#1c2733)}
.flow .n{font-weight:650;font-variant-numeric:tabular-nums}
.flow .quiet{fill:var(--muted,#5d6b7a);font-size:12px}
.flow .head{font-weight:650;font-size:14px}
.flow rect{fill:var(--panel,#fff);stroke:var(--line,#c5ced8)}
.flow .treated{stroke:var(--treated,#0a5fa8);stroke-width:1.5}
.flow .comparator{stroke:var(--comparator,#b34700);stroke-width:1.5}
.flow .pairs{fill:var(--tint,#eef4fa);stroke:var(--ink,#1c2733);stroke-width:1.5}
.flow path{fill:none;stroke:var(--muted,#5d6b7a);stroke-width:1.2}
"""


@dataclass(frozen=True)
class Step:
    """One box: the criterion's words on a few lines, people left (None is withheld), people lost on the way in."""

    lines: tuple[str, ...]
    remaining: int | None
    lost: str

    @property
    def height(self) -> int:
        """Height of the box in pixels."""
        return LINE * (len(self.lines) + 1) + PADDING


def flow_diagram(results: Results) -> Markup:
    """Draw the attrition of both arms and the match; all text escaped, colours from the page's variables."""
    sides = {arm: steps_of(results, arm) for arm in ARMS}
    parts, top = _heads(results), 34
    rows = list(zip_longest(*sides.values()))
    for place, row in enumerate(rows):
        height = max(step.height for step in row if step)
        for side, (arm, step) in enumerate(zip(sides, row, strict=True)):
            parts += _box(step, side * (BOX + GAP), top, height, arm if place == 0 else "") if step else []
            parts += _drop(side, top - DROP, step.lost) if step and place else []
            parts += _line_past(side, top, height) if not step else []
        top += height + DROP
    parts += _pairs(results, top - DROP)
    height = top + 76
    label = "Flow of people in both arms, from indexed to matched"
    opening = f'<svg class="flow" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{label}"'
    style = f'xmlns="http://www.w3.org/2000/svg"><style>{STYLE}</style>'
    return Markup(f"{opening} {style}{''.join(parts)}</svg>")


def steps_of(results: Results, arm: str) -> list[Step]:
    """The steps of one arm in the order of its criteria."""
    rows = [row for row in results["attrition"] if row["arm"] == arm]
    before: Sequence[Row | None] = [None, *rows]
    return [
        Step(tuple(wrap(row["text"], LETTERS)) or ("",), row["remaining"], lost(earlier, row))
        for earlier, row in zip(before, rows, strict=False)
    ]


def lost(earlier: Row | None, row: Row) -> str:
    """People left out by one criterion, in words; a withheld count on either side withholds it."""
    if earlier is None:
        return ""
    if earlier["remaining"] is None or row["remaining"] is None:
        return "number withheld"
    gone = earlier["remaining"] - row["remaining"]
    return f"{gone:,} left out" if gone else "nobody left out"


def _heads(results: Results) -> list[str]:
    titles = [shorten(arm_title(results, arm), HEAD_LETTERS, placeholder=" …") for arm in ARMS]
    return [_text(side * (BOX + GAP) + 2, 18, title, "head") for side, title in enumerate(titles)]


def _box(step: Step, left: int, top: int, height: int, css: str) -> list[str]:
    shown = "withheld" if step.remaining is None else f"{step.remaining:,}"
    words = [_text(left + 14, top + 20 + LINE * i, line, "") for i, line in enumerate(step.lines)]
    people = _text(left + 14, top + 21 + LINE * len(step.lines), shown, "n")
    return [f'<rect class="{css}" x="{left + 0.5}" y="{top}" width="{BOX - 1}" height="{height}" rx="6"/>',
            *words, people]  # fmt: skip


def _drop(side: int, top: int, words: str) -> list[str]:
    middle = side * (BOX + GAP) + 40
    return [_arrow(middle, top, middle, top + DROP), _text(middle + 14, top + 24, words, "quiet")]


def _line_past(side: int, top: int, height: int) -> list[str]:
    """An arm with fewer criteria: its line goes straight past the other's box."""
    middle = side * (BOX + GAP) + 40
    return [f'<path d="M{middle} {top - DROP}V{top + height}"/>']


def _pairs(results: Results, top: int) -> list[str]:
    left = (WIDTH - BOX) // 2
    inward = [f"M{40 + side * (BOX + GAP)} {top}v18H{left + 60 + side * 310}v26" for side in (0, 1)]
    arrows = [f'<path d="{path}"/>{_head(left + 60 + side * 310, top + 44)}' for side, path in enumerate(inward)]
    box = f'<rect class="pairs" x="{left}" y="{top + 44}" width="{BOX}" height="62" rx="6"/>'
    pairs, unmatched = results["matching"]["pairs"], results["matching"]["unmatched_treated"]
    title = f"matched {unit(results)}, number withheld" if pairs is None else matched_words(results)
    note = f"treated without a twin inside block and caliper: {count(unmatched)}"
    return [*arrows, box, _text(left + 14, top + 68, title, "n"), _text(left + 14, top + 90, note, "quiet")]


def _arrow(x: int, y: int, to_x: int, to_y: int) -> str:
    return f'<path d="M{x} {y}L{to_x} {to_y}"/>{_head(to_x, to_y)}'


def _head(x: int, y: int) -> str:
    return f'<path d="M{x - 4} {y - 7}L{x} {y - 1}L{x + 4} {y - 7}"/>'


def _text(x: int, y: int, words: str, css: str) -> str:
    return f'<text x="{x}" y="{y}" class="{css}">{escape(words)}</text>'
