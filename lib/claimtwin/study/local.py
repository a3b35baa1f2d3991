"""A whole study of made-up claims in one process: the study's own kernels, match and models, and no JVM.

The claims go the study's way, as raw text that is typed and packed into blocks, a chunk of members a block; the match
and the models see what a cluster would show them. So many populations can be studied where Spark takes one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from claimtwin.codes.drugs import DrugList
from claimtwin.codes.rules import care_families, procedures_of
from claimtwin.codes.states import census_regions
from claimtwin.config.deployment import TableName
from claimtwin.config.load import load_file
from claimtwin.config.protocol import Protocol
from claimtwin.config.score import CATEGORIES, Score
from claimtwin.errors import ConfigError, GuardError
from claimtwin.kernel.claims import Claims
from claimtwin.kernel.eligibility import criteria_of
from claimtwin.kernel.matching import match_largest
from claimtwin.kernel.matching.spread import spread as spread_of
from claimtwin.kernel.outcomes import count_outcomes, outcome_columns
from claimtwin.schema.tables import TABLES, arrow_schema
from claimtwin.spark.amounts import amounts_of_block
from claimtwin.spark.blocks import DAY, MEMBERS
from claimtwin.spark.code_book import CodeBook
from claimtwin.spark.decode import claims_of_block
from claimtwin.spark.design import design_columns, matrix_of
from claimtwin.spark.facts import candidates_of_block
from claimtwin.stats.newton import add_sums, fit_logit, linear_predictor, logit_sums, moments_of, sd_of_logit
from claimtwin.study.designs import designs_of, eligible_rows
from claimtwin.study.effects import estimate
from claimtwin.study.matched import matched_rows
from claimtwin.synth.calendar import shift_of
from claimtwin.synth.catalogue import DRUG_LISTS, drug_codes
from claimtwin.synth.causes import CERTAIN
from claimtwin.synth.feed import CHUNK, generate
from claimtwin.synth.people import People, draw_people
from claimtwin.synth.spec import SynthSpec
from claimtwin.synth.truth import Scales, scales_of

Rows = NDArray[np.int64]
Scores = NDArray[np.float64]
RISKS = ("risk_with", "risk_without")


@dataclass(frozen=True)
class LocalStudy:
    """What a study of one population found.

    Attributes:
        candidates: Everybody of either arm who meets the criteria: covariates, outcome counts, and both risks in
            units of 2**-32.
        pairs: Rows of ``candidates``, the treated of each pair and then the twin; ``block`` and ``rank`` name a pair.
        effects: Every effect that the report prints, by the main models and then by the others, as rows of results.
        designs: Rows of results on other designs, where the protocol has any; ``candidates`` then hold their ``logit``.
    """

    candidates: pa.Table
    pairs: pa.Table
    effects: list[dict[str, Any]]
    designs: list[dict[str, Any]] = field(default_factory=list)


def synth_protocol(year: int, preset: str = "jpr_s412081", *, main_only: bool = False) -> Protocol:
    """A shipped study, its index window in the years that the claims are made up for.

    ``main_only`` leaves out the models beside the main ones, which take most of the time of a small study.
    """
    given: dict[str, Any] = {"models": {"binary": [], "count": [], "errors": []}} if main_only else {}
    protocol = load_file(Protocol, preset, "studies", given)
    window = tuple(day + timedelta(shift_of(year)) for day in protocol.study.index_window)
    return protocol.model_copy(update={"study": protocol.study.model_copy(update={"index_window": window})})


def synth_book(protocol: Protocol) -> CodeBook:
    """The code lists of a study of made-up claims."""
    treated, comparator = (procedures_of(arm.procedures) if arm.procedures else None for arm in protocol.arm_list())
    return CodeBook(
        families=care_families(),
        arms=(treated, comparator),
        drugs={name: DrugList(name, frozenset(drug_codes(name)), None) for name in DRUG_LISTS},
        state_regions=census_regions(),
        program=protocol.arms.treated.program,
    )


def run_local(spec: SynthSpec, protocol: Protocol) -> LocalStudy:
    """Study the whole population of a specification.

    Raises:
        GuardError: The score cannot be fitted.
    """
    return study_candidates(local_candidates(spec, protocol), protocol)


def study_candidates(candidates: pa.Table, protocol: Protocol) -> LocalStudy:
    """Match the candidates, and estimate every effect that the protocol asks for; nothing is withheld.

    Raises:
        GuardError: As ``run_local``.
    """
    pairs = _numbered(candidates.take(pa.array(match_local(candidates, protocol))))
    found = estimate(matched_rows(pairs, protocol), protocol, 1)
    effects = [*found.effects, *found.models]
    if not protocol.designs:
        return LocalStudy(candidates, pairs, effects)
    logit, _ = _scores(candidates, protocol, np.asarray(candidates["treated"].to_numpy(), np.bool_))
    candidates = candidates.append_column("logit", pa.array(logit))
    return LocalStudy(candidates, pairs, effects, designs_of(eligible_rows(candidates, protocol), protocol, effects, 1))


def local_candidates(spec: SynthSpec, protocol: Protocol) -> pa.Table:
    """Everybody of either arm who meets every criterion, sorted by person, the treated first."""
    return candidates_of(spec, (protocol,))[0]


def candidates_of(spec: SynthSpec, protocols: Sequence[Protocol]) -> list[pa.Table]:
    """The candidates of each of several studies of one population, which is made up once."""
    starts = range(0, spec.members, CHUNK)
    chunks = [_of_chunk(spec, protocols, first, min(first + CHUNK, spec.members)) for first in starts]
    return [pa.concat_tables(parts) for parts in zip(*chunks, strict=True)]


def matched_truth(spec: SynthSpec) -> Scales | None:
    """The planted contrast of the treated who found a twin in the preset study; null where no match can be made."""
    protocol = synth_protocol(spec.index_year)
    candidates = local_candidates(spec, protocol)
    try:
        rows = match_local(candidates, protocol)[::2]
    except GuardError:
        return None
    risks = [float(candidates[name].to_numpy()[rows].mean()) / CERTAIN if len(rows) else 0.0 for name in RISKS]
    return scales_of(risks[0], risks[1], spec.fills) if len(rows) else None


def match_local(candidates: pa.Table, protocol: Protocol) -> Rows:
    """Rows of the matched: of each pair the treated, then the twin; pairs by block, then in the order of choice."""
    if protocol.matching.ratio > 1:
        raise ConfigError(
            "A population in one process is matched 1:1.",
            where="matching.ratio",
            remedy="leave `matching.ratio` at 1, or run the study on tables",
        )
    treated = np.asarray(candidates["treated"].to_numpy(), np.bool_)
    score, spread = _scores(candidates, protocol, treated)
    width = protocol.matching.caliper_sd
    tie = candidates["tie_key"].to_numpy()
    blocks = _blocks(candidates, protocol)
    parts = []
    for block in np.unique(blocks):
        ours, theirs = (np.flatnonzero((blocks == block) & (treated == side)) for side in (True, False))
        own = spread_of(score[blocks == block]) if protocol.matching.per_block else spread
        caliper = None if width is None else width * own
        found = match_largest(score[ours], tie[ours], score[theirs], tie[theirs], caliper=caliper)
        parts.append(np.stack([ours[found.treated], theirs[found.control]], axis=1).ravel())
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


def block_of(feed: dict[TableName, pa.Table], number: int = 0) -> dict[str, pa.Table]:
    """Raw text of some members as a block: cleaned, typed, members numbered, rows sorted by member, day and the rest.

    Only for text that the generator makes: rows that a contract refuses must not be there.
    """
    people = pa.array(sorted(set(feed["eligibility"]["person_id"].to_pylist())))
    block = {MEMBERS: pa.table({"person_id": people}), "block_id": pa.table({"block_id": [number]})}
    return block | {name: _payload(name, feed[name], people) for name in TABLES}


def _numbered(pairs: pa.Table) -> pa.Table:
    """The pairs numbered throughout, as if of one block: the models ask only who belongs together."""
    rank = pa.array(np.arange(pairs.num_rows, dtype=np.int64) // 2)
    return pairs.append_column("block", pa.array(["all"] * pairs.num_rows, pa.string())).append_column("rank", rank)


def _of_chunk(spec: SynthSpec, protocols: Sequence[Protocol], first: int, stop: int) -> list[pa.Table]:
    block, people = block_of(generate(spec, first, stop), first), draw_people(spec, first, stop)
    return [_of_block(block, people, protocol, first) for protocol in protocols]


def _of_block(block: dict[str, pa.Table], people: People, protocol: Protocol, first: int) -> pa.Table:
    book = synth_book(protocol)
    found = candidates_of_block(block, protocol, book)
    met = pc.equal(found["met"], 2 ** len(criteria_of(protocol)) - 1)
    found = found.filter(met)
    member = pc.index_in(found["person_id"], value_set=block[MEMBERS]["person_id"]).to_numpy().astype(np.int64)
    claims = replace(claims_of_block(block, book), amounts=amounts_of_block(block, book, protocol))
    found = _with_outcomes(found, claims, protocol, member)
    people = people.take(_numbers(found["person_id"]) - first)
    for name in RISKS:
        found = found.append_column(name, pa.array(getattr(people, name)))
    return found


def _with_outcomes(found: pa.Table, claims: Claims, protocol: Protocol, member: Rows) -> pa.Table:
    days = found["index_date"].cast(pa.int32()).to_numpy()
    counts = count_outcomes(claims, protocol, member, days)
    for name, column in zip(outcome_columns(protocol), counts.T, strict=True):
        found = found.append_column(name, pa.array(column))
    return found


def _numbers(people: pa.ChunkedArray) -> Rows:
    """Members by the ids that the generator gives them: a letter and the number."""
    return np.asarray(pc.utf8_slice_codeunits(people, 1).cast(pa.int64()).to_numpy(), np.int64)


def _scores(candidates: pa.Table, protocol: Protocol, treated: NDArray[np.bool_]) -> tuple[Scores, float]:
    """Logit of the propensity of each candidate, and its standard deviation."""
    asked = protocol.score
    measured = {"covariates", "lookback_days", "comorbidities", "comorbidity_positions", "comorbidity_window"}
    if asked != Score(**asked.model_dump(include=measured)):
        raise ConfigError(
            "A population in one process is scored by main effects and maximum likelihood alone.",
            where="score",
            remedy="leave `score` as it is, or run the study on tables",
        )
    named = protocol.score.covariates
    levels: dict[str, list[str]] = {
        name: sorted(set(candidates[name].to_pylist())) for name in named if name in CATEGORIES
    }
    columns = design_columns(named, levels)
    x = matrix_of(candidates, columns)
    moments = moments_of(x, treated)

    def sums_at(beta: Scores) -> Any:
        return add_sums([logit_sums(x, treated, beta=beta, moments=moments)])

    fit = fit_logit(sums_at, moments, [column.name for column in columns])
    return linear_predictor(x, fit), sd_of_logit(fit, moments)


def _blocks(candidates: pa.Table, protocol: Protocol) -> NDArray[np.str_]:
    keys = [pc.fill_null(candidates[key], "none") for key in protocol.matching.block_keys]
    if not keys:
        return np.full(candidates.num_rows, "all")
    return np.asarray(pc.binary_join_element_wise(*keys, "/").to_numpy(zero_copy_only=False).astype(str))


def _payload(name: TableName, rows: pa.Table, people: pa.Array) -> pa.Table:
    columns: dict[str, Any] = {"member": pc.index_in(rows["person_id"], value_set=people)}
    for column in arrow_schema(name):
        if column.name != "person_id":
            known = column.name in rows.column_names
            found = _cleaned(column.name, rows[column.name]) if known else pa.nulls(rows.num_rows)
            columns[column.name] = found.cast(column.type)
    table = pa.table(columns)
    rest = [column for column in table.column_names if column not in ("member", DAY[name])]
    table = table.sort_by([(column, "ascending") for column in ("member", DAY[name], *rest)]).combine_chunks()
    for place, column in enumerate(table.schema):
        if pa.types.is_string(column.type):
            table = table.set_column(place, column.name, table[column.name].combine_chunks().dictionary_encode())
    return table


def _cleaned(name: str, values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Diagnoses in upper case without dots, drug codes without hyphens and with their zero: as an ingest reads them."""
    if name.startswith("diagnosis_code_") and name != "diagnosis_code_type":
        return pc.replace_substring(pc.utf8_upper(values), ".", "")
    if name == "ndc_code":
        return pc.replace_substring(pc.replace_substring_regex(values, r"^(\d{5})-(\d{3})-", r"\1-0\2-"), "-", "")
    return values
