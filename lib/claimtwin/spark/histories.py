"""Blocks to histories: fills of listed drugs, runs of supply, episodes of care. No exchange."""

from collections.abc import Collection, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame

from claimtwin.codes.opioids import Product, kernel_products, places_of
from claimtwin.codes.places import SETTING_PLACES
from claimtwin.codes.rules import Procedures
from claimtwin.config.histories import EpisodeRules, FillRules, Histories, SupplyRules
from claimtwin.kernel.columns import Days, Flags, Index
from claimtwin.kernel.episodes import COUNTED, NEVER, CareLines, find_care, find_episodes
from claimtwin.kernel.fills import PAIN, REPAIRS, UNKNOWN, Dispensings, Fills, Products, find_fills, mme_a_day
from claimtwin.kernel.index_events import REGION_NAMES
from claimtwin.kernel.mme import summed
from claimtwin.kernel.opioid_measures import OpioidUse
from claimtwin.kernel.spans import Spans, merge_spans
from claimtwin.kernel.supply import lay_out, run_of, supply_runs
from claimtwin.spark.arrow import ddl_of, each_block
from claimtwin.spark.blocks import MEMBERS
from claimtwin.spark.code_book import CodeBook
from claimtwin.spark.columns import days_of, member_of, per_code
from claimtwin.spark.decode import NO_STOP, family_of, grouped, region_of

DOSE, DAILY = pa.decimal128(18, 3), pa.decimal128(18, 6)
FILLS = pa.schema(
    [
        ("person_id", pa.string()), ("dispensing_date", pa.date32()), ("ndc_code", pa.string()),
        ("ndc_match", pa.string()), ("ingredient", pa.string()), ("drug_use", pa.string()), ("form", pa.string()),
        ("strength", DAILY),
        ("strength_unit", pa.string()), ("long_acting", pa.bool_()), ("quantity", DOSE), ("days_supply", pa.int64()),
        ("repair", pa.string()), ("mme", DOSE), ("mme_a_day", DAILY), ("mme_edition", pa.string()),
    ]
)  # fmt: skip
RUNS = pa.schema(
    [
        ("person_id", pa.string()), ("start_date", pa.date32()), ("stop_date", pa.date32()), ("fills", pa.int64()),
        ("early_fills", pa.int64()), ("drugs", pa.int64()), ("days_supply", pa.int64()), ("days_covered", pa.int64()),
        ("mme", DOSE), ("fills_without_mme", pa.int64()),
    ]
)  # fmt: skip
EPISODES = pa.schema(
    [
        ("person_id", pa.string()), ("body_region", pa.string()), ("start_date", pa.date32()),
        ("stop_date", pa.date32()), ("lines", pa.int64()), ("visits", pa.int64()),
        *((f"{kind}_days", pa.int64()) for kind in COUNTED), ("therapy_courses", pa.int64()),
        ("therapy_course_days", pa.int64()), ("quiet_days", pa.int64()), ("is_new", pa.bool_()),
        ("multi_region", pa.bool_()), ("leads", pa.bool_()),
    ]
)  # fmt: skip
COURSES = pa.schema(
    [
        ("person_id", pa.string()), ("body_region", pa.string()), ("episode_start_date", pa.date32()),
        ("start_date", pa.date32()), ("stop_date", pa.date32()), ("visits", pa.int64()), ("days", pa.int64()),
    ]
)  # fmt: skip
Columns = dict[str, Any]


def build_fills(blocks: DataFrame, products: Sequence[Product], rules: FillRules) -> DataFrame:
    """``opioid_fills``: one row a fill of a listed product; null where an amount cannot be told."""
    kernel = partial(_fills_of_block, products=tuple(products), rules=rules)
    return blocks.select(MEMBERS, "pharmacy_claim").mapInArrow(each_block(kernel), schema=ddl_of(FILLS))


def build_runs(blocks: DataFrame, products: Sequence[Product], rules: FillRules, supply: SupplyRules) -> DataFrame:
    """``supply_runs``: one row a run of supply of products for pain, start included and stop not."""
    kernel = partial(_runs_of_block, products=tuple(products), rules=rules, supply=supply)
    return blocks.select(MEMBERS, "pharmacy_claim", "medical_claim").mapInArrow(each_block(kernel), schema=ddl_of(RUNS))


def build_episodes(blocks: DataFrame, families: dict[str, Procedures], rules: EpisodeRules) -> DataFrame:
    """``msk_episodes``: one row an episode of a person and body region; ``quiet_days`` null where none was before."""
    kernel = partial(_episodes_of_block, families=families, rules=rules)
    return blocks.select(MEMBERS, "medical_claim").mapInArrow(each_block(kernel), schema=ddl_of(EPISODES))


def build_courses(blocks: DataFrame, families: dict[str, Procedures], rules: EpisodeRules) -> DataFrame:
    """``therapy_courses``: one row a course of therapy of an episode, start included and stop not."""
    kernel = partial(_courses_of_block, families=families, rules=rules)
    return blocks.select(MEMBERS, "medical_claim").mapInArrow(each_block(kernel), schema=ddl_of(COURSES))


def opioid_use(tables: dict[str, pa.Table], book: CodeBook, asked: Histories) -> OpioidUse:
    """Fills for pain of a block, their days with supply, and the same of benzodiazepines."""
    rules, supply = asked.fills or FillRules(), asked.supply or SupplyRules()
    stays = _stays(tables["medical_claim"]) if supply.hospital_days == "kept" else None
    both = [_use(tables, products, rules, supply, stays) for products in (book.products, book.benzodiazepines)]
    return OpioidUse(*both[0], *both[1], stays)


def _use(
    tables: dict[str, pa.Table],
    products: Sequence[Product],
    rules: FillRules,
    supply: SupplyRules,
    stays: Spans | None,
) -> tuple[Fills, Spans]:
    listed = known_products(products, rules)
    fills = find_fills(dispensings_of(tables["pharmacy_claim"], products, rules), listed, rules)
    fills = fills.of(listed.use[fills.product] == PAIN)
    drug = listed.ingredient[fills.product].astype(np.int64)
    laid = lay_out(fills.member, drug, fills.day, fills.supply, supply, stays)
    return fills, merge_spans(laid.member, laid.start, laid.stop)


def dispensings_of(table: pa.Table, products: Sequence[Product], rules: FillRules) -> Dispensings:
    """Pharmacy lines of a block as the kernel takes them, each with its place among ``known_products``."""
    return Dispensings(
        member=member_of(table),
        day=days_of(table, "dispensing_date"),
        product=per_code(table, "ndc_code", partial(places_of, products=products, digits=rules.match_digits)),
        quantity=_thousandths(table, "quantity"),
        supply=np.asarray(pc.fill_null(table["days_supply"], UNKNOWN).to_numpy(), np.int64),
    )


def known_products(products: Sequence[Product], rules: FillRules) -> Products:
    """The products as the kernel takes them; twice where codes may be told by their first digits (``places_of``)."""
    return kernel_products([*products] * (1 if rules.match_digits is None else 2), rules.mme_edition)


def _thousandths(table: pa.Table, name: str) -> Index:
    whole = pc.multiply(table[name], pa.scalar(1000, pa.decimal128(4, 0))).cast(pa.int64())
    return np.asarray(pc.fill_null(whole, UNKNOWN).to_numpy(), np.int64)


def _fills_of_block(tables: dict[str, pa.Table], products: Sequence[Product], rules: FillRules) -> pa.Table:
    listed = known_products(products, rules)
    fills = find_fills(dispensings_of(tables["pharmacy_claim"], products, rules), listed, rules)
    chosen = [products[k % len(products)] for k in fills.product.tolist()]
    columns = {
        "person_id": _people(tables, fills.member),
        "dispensing_date": fills.day,
        "ndc_code": [product.ndc for product in chosen],
        "ndc_match": np.where(fills.product < len(products), "whole", "product").tolist(),
        "ingredient": [product.ingredient for product in chosen],
        "drug_use": [product.use for product in chosen],
        "form": [product.form for product in chosen],
        "strength": _scaled(listed.strength[fills.product], DAILY),
        "strength_unit": [product.unit for product in chosen],
        "long_acting": listed.long_acting[fills.product],
        "quantity": _scaled(fills.quantity, DOSE),
        "days_supply": _told(fills.supply),
        "repair": [REPAIRS[k] for k in fills.repair.tolist()],
        "mme": _scaled(fills.mme, DOSE),
        "mme_a_day": _scaled(mme_a_day(fills), DAILY),
        "mme_edition": [rules.mme_edition] * len(chosen),
    }
    return _table(columns, FILLS)


def _runs_of_block(
    tables: dict[str, pa.Table], products: Sequence[Product], rules: FillRules, supply: SupplyRules
) -> pa.Table:
    listed = known_products(products, rules)
    fills = find_fills(dispensings_of(tables["pharmacy_claim"], products, rules), listed, rules)
    fills = fills.of(listed.use[fills.product] == PAIN)
    drug = listed.ingredient[fills.product].astype(np.int64)
    laid = lay_out(fills.member, drug, fills.day, fills.supply, supply, _stays(tables["medical_claim"]))
    runs = supply_runs(laid, supply, fills.supply)
    size, mme = len(runs.member), fills.mme[laid.row]
    at = run_of(Spans(runs.member, runs.start, runs.stop), laid.member, laid.start)
    columns = {
        "person_id": _people(tables, runs.member), "start_date": runs.start, "stop_date": runs.stop,
        "fills": runs.fills, "early_fills": runs.early, "drugs": runs.drugs, "days_supply": runs.supply,
        "days_covered": runs.covered, "mme": _scaled(summed(at, np.maximum(mme, 0), size), DOSE),
        "fills_without_mme": np.bincount(at[mme < 0], minlength=size),
    }  # fmt: skip
    return _table(columns, RUNS)


def _stays(medical: pa.Table) -> Spans:
    """Stays in hospital: from the first to the last day of lines at that place, merged."""
    rows = np.flatnonzero(_at(medical, SETTING_PLACES["inpatient"]))
    return merge_spans(member_of(medical)[rows], days_of(medical, "claim_start_date")[rows], _stops(medical)[rows])


def _at(medical: pa.Table, places: Collection[str]) -> Flags:
    """Whether each line was at one of these places of service; a line that does not tell was at none."""
    found: Flags = per_code(medical, "place_of_service_code", lambda codes: np.array([c in places for c in codes]))
    return found


def _stops(medical: pa.Table) -> Days:
    """Day after each line; a line without an end ends on its first day."""
    start, end = days_of(medical, "claim_start_date"), days_of(medical, "claim_end_date", missing=NO_STOP)
    return np.where(end == NO_STOP, start, end).astype(np.int32) + np.int32(1)


def _episodes_of_block(tables: dict[str, pa.Table], families: dict[str, Procedures], rules: EpisodeRules) -> pa.Table:
    found = find_episodes(_care(tables["medical_claim"], families, rules), rules, len(REGION_NAMES))
    columns = {
        "person_id": _people(tables, found.member),
        "body_region": [REGION_NAMES[k] for k in found.region.tolist()],
        "start_date": found.start,
        "stop_date": found.stop,
        **{f"{kind}_days": found.counts[:, k] for k, kind in enumerate(COUNTED)},
        "therapy_courses": found.courses,
        "therapy_course_days": found.course_days,
        "quiet_days": pa.array(found.quiet_days, mask=found.quiet_days == NEVER),
        **{name: getattr(found, name) for name in ("lines", "visits", "is_new", "multi_region", "leads")},
    }
    return _table(columns, EPISODES)


def _courses_of_block(tables: dict[str, pa.Table], families: dict[str, Procedures], rules: EpisodeRules) -> pa.Table:
    found, courses = find_care(_care(tables["medical_claim"], families, rules), rules, len(REGION_NAMES))
    columns = {
        "person_id": _people(tables, found.member[courses.episode]),
        "body_region": [REGION_NAMES[k] for k in found.region[courses.episode].tolist()],
        "episode_start_date": found.start[courses.episode],
        "start_date": courses.start,
        "stop_date": courses.stop,
        "visits": courses.visits,
        "days": courses.stop.astype(np.int64) - courses.start,
    }
    return _table(columns, COURSES)


def _care(medical: pa.Table, families: dict[str, Procedures], rules: EpisodeRules) -> CareLines:
    named = ("office", "emergency", "therapy", "chiropractic")
    flags = {name: family_of(medical, name, families) for name in {*named, *COUNTED}}
    flags["other"] = ~np.any([flags[name] for name in named], axis=0)
    flags |= {name: _at(medical, places) for name, places in SETTING_PLACES.items() if name in rules.settings}
    setting = np.any([np.zeros(medical.num_rows, np.bool_), *(flags[name] for name in rules.settings)], axis=0)
    first = grouped(medical, "diagnosis_code_1", "body_regions") if rules.diagnosis == "primary" else region_of(medical)
    return CareLines(
        member=member_of(medical),
        day=days_of(medical, "claim_start_date"),
        stop=_stops(medical),
        region=first,
        setting=setting if rules.places is None else setting & _at(medical, rules.places),
        kinds=np.stack([flags[kind] for kind in COUNTED], axis=1),
    )


def _people(tables: dict[str, pa.Table], member: Index) -> pa.ChunkedArray:
    return tables[MEMBERS]["person_id"].take(pa.array(member))


def _told(values: Index) -> pa.Array:
    """Numbers, null where unknown."""
    return pa.array(values, mask=values < 0)


def _scaled(values: Index, kind: pa.DataType) -> pa.Array:
    """Whole numbers of the smallest unit as decimals, null where unknown."""
    whole = pa.array(values, mask=values < 0).cast(pa.decimal128(19, 0))
    unit = pa.scalar(Decimal(1).scaleb(-kind.scale), pa.decimal128(kind.scale + 1, kind.scale))
    return pc.multiply(whole, unit).cast(kind)


def _table(columns: Columns, layout: pa.Schema) -> pa.Table:
    arrays = [columns[field.name] for field in layout]
    cells = [a if isinstance(a, pa.Array | pa.ChunkedArray) else pa.array(a) for a in arrays]
    return pa.table([a.cast(field.type) for a, field in zip(cells, layout, strict=True)], schema=layout)
