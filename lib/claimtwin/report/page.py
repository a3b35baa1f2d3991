"""The report: one HTML file that needs no network, no script and no font but those at hand."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined

from claimtwin.report import balance_tables as balance
from claimtwin.report import code_tables as codes_of
from claimtwin.report import design_tables as design
from claimtwin.report import effect_tables as effects
from claimtwin.report import gate_tables as gates
from claimtwin.report import grid_tables as grids
from claimtwin.report import method_tables as methods_of
from claimtwin.report import model_tables as models
from claimtwin.report import origin_tables as origins
from claimtwin.report import score_tables as scores
from claimtwin.report import sensitivity_tables as sensitivity
from claimtwin.report import subgroup_tables as subgroups
from claimtwin.report.answer import answer, outcomes_in, verdict
from claimtwin.report.figures import draw
from claimtwin.report.flow import flow_diagram
from claimtwin.report.layout import Image, OutcomeView
from claimtwin.report.methods import methods, withheld_words
from claimtwin.report.words import Results, Row, arm_title, outcome_title


def render_report(results: Results, manifest: Mapping[str, Any], codes: Sequence[Row] = ()) -> str:
    """The whole report as HTML that is also well-formed XML; the same input gives the same text.

    Args:
        results: The content of ``results.json``.
        manifest: The content of ``manifest.json``.
        codes: How the codes of the claims met the lists, a row a list and kind of code; none: no word of it.
    """
    env = Environment(loader=FunctionLoader(_source), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
                      lstrip_blocks=True, keep_trailing_newline=True)  # fmt: skip
    return env.get_template("page.html.j2").render(
        study=results["study"],
        answer=answer(results),
        verdict=verdict(results),
        truth=effects.truth_table(results),
        gates=gates.gates_table(results),
        unblinded=gates.unblinded_words(results),
        flow=flow_diagram(results),
        balance_words=design.balance_words(results),
        withheld=withheld_words(results),
        methods=methods(results),
        rejected=origins.rejected_in_words(results),
        code_words=codes_of.code_words(codes),
        code_tables=codes_of.code_tables(codes),
        **_images(results),
        **_tables(results, manifest),
    )


def _source(name: str) -> str:
    """A file of this package, also when it is inside a zip archive."""
    return (files("claimtwin.report") / name).read_text(encoding="utf-8")


def _tables(results: Results, manifest: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "attrition": design.attrition_table(results),
        "table_one": design.table_one(results),
        "balance": design.balance_table(results),
        "balance_tables": balance.detail_tables(results),
        "score_tables": scores.score_tables(results),
        "match_tables": [
            design.matching_table(results),
            design.blocks_table(results),
            design.invariants_table(results),
        ],
        "designs": methods_of.designs_tables(results),
        "subgroups": subgroups.subgroup_tables(results),
        "employer_words": subgroups.employer_words(results),
        "sensitivity": sensitivity.sensitivity_tables(results),
        "grid": grids.grid_tables(results),
        "null_words": sensitivity.null_words(results),
        "power": sensitivity.power_table(results),
        "candidates": effects.candidates_table(results),
        "ingest": origins.ingest_table(results),
        "assumptions": origins.assumptions_table(results),
        "provenance": origins.provenance_table(manifest),
    }


def _images(results: Results) -> dict[str, Any]:
    drawn = draw(results, "svg")
    arms = f"{arm_title(results, 'treated')} and {arm_title(results, 'comparator')}"
    return {
        "love_plot": _image(
            drawn, "love_plot", design.balance_words(results), "Absolute standardised differences, the largest on top"
        ),
        "overlap": _image(
            drawn,
            "overlap",
            f"Distribution of the propensity score in {arms}",
            "Propensity score before matching: treated upwards, comparators downwards",
        ),
        "outcomes": [_outcome(results, name, drawn) for name in outcomes_in(results)],
        "grid_plots": [image for name in outcomes_in(results) if (image := _grid_plot(results, name, drawn))],
    }


def _grid_plot(results: Results, name: str, drawn: Mapping[str, bytes]) -> Image | None:
    title = outcome_title(results, name)
    words = f"{title}: the main estimate of the study and of its variants with 95% intervals, as in the table"
    return _image(drawn, f"grid_{name}", words, f"{title}: the study and its variants")


def _outcome(results: Results, name: str, drawn: Mapping[str, bytes]) -> OutcomeView:
    title = outcome_title(results, name)
    words = f"{title}: estimates with 95% intervals, as in the table of effects"
    return OutcomeView(
        title=title,
        arms=effects.arms_table(results, name),
        effects=effects.effects_table(results, name),
        image=_image(drawn, f"effects_{name}", words, f"{title}: estimates with 95% intervals"),
        press=effects.press_reading(results, name),
        left_out=effects.left_out_words(results, name),
        needed=models.number_needed_words(results, name),
        models=models.models_table(results, name),
        follow_up=effects.follow_up_table(results, name),
    )


def _image(drawn: Mapping[str, bytes], name: str, alt: str, caption: str) -> Image | None:
    if name not in drawn:
        return None
    return Image(f"data:image/svg+xml;base64,{b64encode(drawn[name]).decode()}", alt, caption)
