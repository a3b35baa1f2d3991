"""The rules of the study once more, in SQL on the raw text of a feed, by DuckDB: neither code nor tables are shared.

Each file of ``sql/`` is written from the rule's words. What the kernels make of the same members is laid beside it, row
by row: ``differences`` counts rows that only one of the two has.
"""

from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from claimtwin.codes.opioids import Product
from claimtwin.codes.rules import care_families
from claimtwin.config.histories import EpisodeRules, FillRules, Histories, SupplyRules
from claimtwin.config.protocol import Outcome, Protocol
from claimtwin.kernel.eligibility import criteria_of
from claimtwin.kernel.index_events import day_number
from claimtwin.kernel.spans import merge_spans
from claimtwin.schema.tables import TABLES
from claimtwin.spark.blocks import MEMBERS
from claimtwin.spark.code_book import CodeBook
from claimtwin.spark.decode import claims_of_block
from claimtwin.spark.facts import candidates_of_block
from claimtwin.spark.histories import _episodes_of_block, _fills_of_block, _runs_of_block
from claimtwin.spark.outcomes import count_asked
from claimtwin.study.local import block_of, synth_book, synth_protocol
from claimtwin.synth.feed import generate
from claimtwin.synth.spec import NO_DIRT, SynthSpec

HERE = Path(__file__).parent / "sql"
LISTS = Path(__file__).parents[2] / "lib" / "claimtwin" / "codes"
NASTY = NO_DIRT.model_copy(update={
    "missing_supply": 0.2, "zero_supply": 0.2, "index_day_fill": 0.2, "overlapping_fill": 0.3, "hyphenated_ndc": 0.3,
    "dotted_icd": 0.3, "invalid_code": 0.2,
})  # fmt: skip
"""What makes histories ugly and is no fault that an ingest would refuse."""
GROUPED = ("body_regions", "comorbidities", "elixhauser")
NET = ["person_id", "dispensing_date", "ndc_code", "quantity", "days_supply", "allowed_amount"]
DEFAULTS = ("cdc_2022", "unknown", "unknown")
VISITS = ("office", "emergency", "therapy", "chiropractic", "imaging", "injection", "surgery")


def product(ndc, ingredient, strength, unit="MG", use="pain", form="Tablet", long_acting=False):
    return Product(ndc, ingredient, form, long_acting, Decimal(strength), unit, use)


PRODUCTS = (
    product("99996010101", "codeine", 2, "MG/ML", "not_counted", "Solution"),
    product("99998010110", "oxycodone", 10),
    product("99998020110", "hydrocodone", 5),
    product("99998030160", "fentanyl", 25, "MCG/HR", form="Patch, Extended Release", long_acting=True),
    product("99998040150", "oxycodone", 20, long_acting=True),
    product("99998050160", "buprenorphine", 8, use="use_disorder", form="Film"),
    product("99998060110", "nothing known", 1),
    product("99998070125", "fentanyl", 200, "MCG", form="FILM"),
    product("99999010105", "hydrocodone", 7),
)
"""Every kind of product, on codes that people fill often enough to have runs; names and strengths are made up."""
EPISODES = (
    EpisodeRules(),
    EpisodeRules(gap_days=30, clean_days=60, therapy_gap_days=7, attach_days=7),
    EpisodeRules(diagnosis="primary", settings=["other", "therapy"]),
    EpisodeRules(diagnosis="primary", settings=["outpatient", "emergency"]),
    EpisodeRules(settings=["office", "therapy", "other"], places=["11"]),
)
HISTORIES = Histories(fills=FillRules(), supply=SupplyRules())
OUTCOMES = [
    {"name": "opioid_fills", "drug": "opioid", "window": (1, 365)},
    {"name": "imaging_days", "care": "imaging", "window": (0, 90)},
    {"name": "hypertension_days", "diagnosis": "elixhauser.hypertension", "window": (1, 180)},
    {"name": "days_supply", "measure": "days_supply", "window": (1, 365)},
    {"name": "days_covered", "measure": "days_covered", "window": (0, 364)},
]


@dataclass(frozen=True)
class Population:
    """Made-up members: their block as the kernels get it, and a connection that holds the same feed as raw text."""

    block: dict[str, pa.Table]
    protocol: Protocol
    book: CodeBook
    sql: duckdb.DuckDBPyConnection

    @staticmethod
    def of(members, seed=11):
        spec = SynthSpec(members=members, seed=seed, dirt=NASTY)
        feed = generate(spec, 0, members)
        outcomes = [Outcome(title=told["name"], kind="count", **told) for told in OUTCOMES]
        protocol = synth_protocol(spec.index_year).model_copy(update={"outcomes": outcomes, "histories": HISTORIES})
        book = replace(synth_book(protocol), products=PRODUCTS, diagnoses=("elixhauser.hypertension",))
        return Population(block_of(feed), protocol, book, connected(feed, book))

    def ask(self, name, file, **values):
        """The answer of a file of SQL as a table of that name; tables asked for before may be read in it."""
        answer = self.sql.sql((HERE / f"{file}.sql").read_text(encoding="utf-8"), params=values).to_arrow_table()
        self.sql.register(name, answer)
        return answer.num_rows

    def differences(self, name, made):
        """Rows that only the answer of SQL or only ``made`` has, each as often as it is there."""
        self.sql.register("made", made)
        only = "select count(*) from (from {} except all from {})"
        return [self.sql.sql(only.format(*pair)).fetchall()[0][0] for pair in ((name, "made"), ("made", name))]


def connected(feed, book):
    """A database of the raw text, of the lists as files, and of what ``prepare.sql`` makes of them."""
    sql = duckdb.connect(config={"threads": 1})
    for name in TABLES:
        sql.register(name, feed[name])
    drugs = [(name, code) for name, drug in book.drugs.items() for code in drug.codes]
    sql.register("listed", pa.table({"list": [name for name, _ in drugs], "ndc": [code for _, code in drugs]}))
    sql.register("product", pa.Table.from_pylist([as_listed(one) for one in book.products]))
    for table, file in (("care_rule", "care_families"), ("factor", "mme_factors"), ("census", "states")):
        sql.execute(f"create table {table} as from read_csv('{LISTS / file}.csv', all_varchar = true)")
    parts = (f"select '{name}' as list, * from read_csv('{LISTS / name}.csv', all_varchar = true)" for name in GROUPED)
    sql.execute(f"create table diagnosis_rule as {' union all '.join(parts)}")
    sql.execute((HERE / "prepare.sql").read_text(encoding="utf-8"))
    return sql


def as_listed(one):
    worn = {"fentanyl": 3, "buprenorphine": 7}.get(one.ingredient, 0) if "Patch" in one.form else 0
    told = {name: getattr(one, name) for name in ("ndc", "ingredient", "form", "unit", "use")}
    return told | {"strength": str(one.strength), "worn": worn}


def compare(people):
    """Every fact by both ways: its name, its rows by SQL, and how many rows only one of the two has."""
    parts = (compare_spans, compare_candidates, compare_fills, compare_runs, compare_episodes, compare_outcomes)
    for part in parts:
        for name, rows, made in part(people):
            yield name, rows, people.differences(name, made)


def compare_spans(people):
    cover, who = claims_of_block(people.block, people.book).coverage, names_of(people)
    for benefit, held in (("medical", cover.medical), ("pharmacy", cover.pharmacy)):
        for name, gap in ((f"span_{benefit}", 0), (f"span_{benefit}_45", 45)):
            found = merge_spans(cover.member[held], cover.start[held], cover.stop[held], gap_days=gap)
            made = pa.table({"who": who.take(pa.array(found.member)), "start": found.start, "stop": found.stop})
            yield name, people.ask(name, "spans", gap=gap, benefit=benefit), made


def compare_candidates(people):
    found = candidates_of_block(people.block, people.protocol, people.book)
    bits, met = found["met"].to_numpy(), criteria_of(people.protocol)
    judged = {name: (bits >> k) % 2 == 1 for k, name in enumerate(met)}
    day = found["index_date"].cast(pa.int32())
    visits = np.stack([found[f"{family}_visits"].to_numpy() for family in VISITS], axis=1)
    made = pa.table({
        "who": found["person_id"], "treated": found["treated"], "day": day, "region": found["body_region"],
        **{name: judged[name] for name in met}, "years": found["age"],
        **{name: found[name] for name in ("sex", "census_region", "employer_id")}, "visits": visits.tolist(),
        "cents": np.rint(np.expm1(found["log_allowed"].to_numpy()) * 100).astype(np.int64),
        "comorbidities": found["comorbidity_count"],
    })  # fmt: skip
    first, last = (day_number(one) for one in people.protocol.study.index_window)
    yield "candidates", people.ask("candidates", "candidates", first=first, last=last), made


def compare_fills(people):
    """Three ways to repair a supply; the last one asked stands for what follows, the defaults of a protocol."""
    for edition, without, over in (("cdc_2016", "drop", "cap"), ("cdc_2018", "one_day", "drop"), DEFAULTS):
        rules = FillRules(mme_edition=edition, without_supply=without, over_365=over)
        found = _fills_of_block(people.block, PRODUCTS, rules)
        made = found.select(["person_id", "ndc_code", "ingredient", "drug_use", "repair", "days_supply", "mme"])
        made = made.add_column(1, "day", found["dispensing_date"].cast(pa.int32()))
        people.ask("fills", "fills", edition=edition, without_supply=without, over_365=over)
        shown = "select who, day, ndc, ingredient, use, repair, supply, mme from fills"
        yield "fills_shown", shown_rows(people, "fills_shown", shown), made


def compare_runs(people):
    for same_drug, gap in (("truncate", 0), ("concurrent", 7), ("carry_forward", 30)):
        rules = SupplyRules(same_drug=same_drug, gap_days=gap)
        found = _runs_of_block(people.block, PRODUCTS, FillRules(), rules)
        people.ask("laid", "laid", same_drug=same_drug)
        yield "runs", people.ask("runs", "runs", gap=gap), without_dates(found, "start_date", "stop_date")
    shown_rows(people, "supplied", "select distinct who, unnest(range(start, stop)) as day from laid")


def compare_episodes(people):
    for rules in EPISODES:
        found = _episodes_of_block(people.block, care_families(), rules)
        asked = {"gap": rules.gap_days, "clean": rules.clean_days, "course": rules.therapy_gap_days}
        asked |= {"settings": rules.settings, "positions": rules.diagnosis, "places": rules.places}
        rows = people.ask("episodes", "episodes", attach=rules.attach_days, **asked)
        yield "episodes", rows, without_dates(found, "start_date", "stop_date")


def compare_outcomes(people):
    found = candidates_of_block(people.block, people.protocol, people.book)
    asked = {"asked": found.select(["person_id", "treated", "index_date"])}
    made = count_asked({**people.block, **asked}, people.protocol, people.book)
    yield "outcomes", people.ask("outcomes", "outcomes"), made


def names_of(people):
    return people.block[MEMBERS]["person_id"]


def shown_rows(people, name, text):
    answer = people.sql.sql(text).to_arrow_table()
    people.sql.register(name, answer)
    return answer.num_rows


def without_dates(table, *columns):
    for name in columns:
        table = table.set_column(table.column_names.index(name), name, table[name].cast(pa.int32()))
    return table


def taken_back(members, seed=11):
    """A feed in which fills are taken back, at once and late, and lines come twice; only its dispensings count."""
    kinds = dict.fromkeys(("reversal", "late_reversal", "paid_twice", "overlapping_fill"), 0.3)
    return SynthSpec(members=members, seed=seed, dirt=NO_DIRT.model_copy(update=kinds))


def compare_net(spec, accepted):
    """Rows net of reversals by SQL, and how many rows only SQL or only ``accepted`` (those of an ingest) has."""
    sql = duckdb.connect(config={"threads": 1})
    sql.execute("create macro day_of(text) as date_diff('day', date '1970-01-01', cast(text as date))")
    sql.register("pharmacy_claim", generate(spec, 0, spec.members)["pharmacy_claim"])
    people = Population({}, None, None, sql)
    made = without_dates(accepted.select(NET), "dispensing_date")
    cents = pc.multiply(made["allowed_amount"], pa.scalar(Decimal(100))).cast(pa.int64())
    return people.ask("net", "net_fills"), people.differences("net", made.set_column(5, "cents", cents))
