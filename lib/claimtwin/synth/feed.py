"""The four contract tables as raw text, for any range of members: no Spark, no JVM."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from claimtwin.config.deployment import TableName
from claimtwin.schema.tables import CONTRACTS
from claimtwin.synth import text
from claimtwin.synth.calendar import STOP
from claimtwin.synth.care import draw_lines
from claimtwin.synth.catalogue import BODIES, catalogue
from claimtwin.synth.coverage import PLANS, draw_coverage
from claimtwin.synth.dirt import with_dirt
from claimtwin.synth.draws import Draws, Index
from claimtwin.synth.fills import draw_dispensings
from claimtwin.synth.people import STATES, People, draw_people
from claimtwin.synth.spec import SynthSpec
from claimtwin.synth.starts import PROGRAM, draw_starts

DATA_SOURCE = "synth"
PAYER = "payer_one"
CHUNK = 2_000
"""Members generated at once; only a matter of memory, no row depends on it."""

Columns = dict[str, pa.Array]


def generate(spec: SynthSpec, first: int, stop: int) -> dict[TableName, pa.Table]:
    """Rows of members ``first`` to ``stop`` - 1 in all four tables, in contract columns, all text.

    Rows are in the order of members; ranges side by side, put together, are the whole range.
    """
    return {name: generate_table(spec, name, first, stop) for name in CONTRACTS}


def generate_table(spec: SynthSpec, name: TableName, first: int, stop: int) -> pa.Table:
    """Rows of one table; see ``generate``."""
    people = draw_people(spec, first, stop)
    person, columns = _BUILDERS[name](spec, people)
    layout = text_schema(name)
    known = {**columns, "person_id": text.person_ids(people.number).take(pa.array(person))}
    known["employer_id"] = text.employer_ids(people.employer[person])
    rows = pa.table({field: known.get(field, pa.nulls(len(person), pa.string())) for field in layout.names}, layout)
    return with_dirt(spec, name, people, person, rows)


def text_schema(name: TableName) -> pa.Schema:
    """The columns of a contract table, all text."""
    return pa.schema([(column, pa.string()) for column in CONTRACTS[name].names])


def _eligibility(spec: SynthSpec, people: People) -> tuple[Index, Columns]:
    cover = draw_coverage(Draws(spec.seed), people)
    person, span = np.nonzero(cover.stop > cover.start)
    stop = cover.stop[person, span]
    states = [state for region in STATES for state in region]
    return person, {
        "payer": text.words([PAYER], person * 0),
        "plan": text.words(PLANS, cover.plan[person, span]),
        "enrollment_start_date": text.iso_days(cover.start[person, span]),
        "enrollment_end_date": text.iso_days(stop - 1, null=cover.open[person] & (stop == STOP)),
        "medical_coverage": text.yes_no(person >= 0),
        "pharmacy_coverage": text.yes_no(cover.pharmacy[person]),
        "birth_date": text.iso_days(people.birth[person]),
        "gender": text.words(["male", "female"], people.female[person].astype(np.int64)),
        "state": text.words(states, (people.region * len(STATES[0]) + people.state)[person]),
    }


def _medical_claim(spec: SynthSpec, people: People) -> tuple[Index, Columns]:
    draws, goods = Draws(spec.seed), catalogue()
    lines = draw_lines(draws, people, draw_coverage(draws, people))
    ids, day = text.person_ids(people.number).take(pa.array(lines.person)), text.iso_days(lines.day)
    codes = [*goods.codes[0], *goods.codes[1]]
    later = len(goods.codes[0]) * lines.late
    return lines.person, {
        "claim_id": text.claim_ids("M", ids, lines.claim),
        "claim_line_number": text.whole(lines.line),
        "data_source": text.words([DATA_SOURCE], lines.person * 0),
        "claim_start_date": day,
        "claim_end_date": day,
        **{column: text.words(values, lines.item) for column, values in goods.procedures.items()},
        "diagnosis_code_type": text.words(["icd-10-cm"], lines.person * 0),
        **{
            f"diagnosis_code_{k + 1}": text.words(codes, np.where(found >= 0, found + later, -1))
            for k, found in enumerate(lines.diagnoses.T)
        },
        "allowed_amount": text.dollars(lines.cents),
        "paid_date": text.iso_days(lines.paid),
    }


def _pharmacy_claim(spec: SynthSpec, people: People) -> tuple[Index, Columns]:
    draws = Draws(spec.seed)
    fills = draw_dispensings(draws, people, draw_coverage(draws, people), spec.fills)
    ids = text.person_ids(people.number).take(pa.array(fills.person))
    return fills.person, {
        "claim_id": text.claim_ids("R", ids, fills.claim),
        "claim_line_number": text.whole(fills.person * 0 + 1),
        "data_source": text.words([DATA_SOURCE], fills.person * 0),
        "dispensing_date": text.iso_days(fills.day),
        "ndc_code": text.words(catalogue().ndcs, fills.item),
        "quantity": text.whole(fills.quantity),
        "days_supply": text.whole(fills.supply),
        "paid_date": text.iso_days(fills.day + 3),
        "allowed_amount": text.dollars(fills.cents),
    }


def _program_enrollment(spec: SynthSpec, people: People) -> tuple[Index, Columns]:
    starts = draw_starts(Draws(spec.seed), people)
    return starts.person, {
        "program": text.words([PROGRAM], starts.person * 0),
        "body_region": text.words(BODIES, starts.body),
        "start_date": text.iso_days(starts.day),
    }


_BUILDERS: dict[TableName, Callable[[SynthSpec, People], tuple[Index, Columns]]] = {
    "eligibility": _eligibility,
    "medical_claim": _medical_claim,
    "pharmacy_claim": _pharmacy_claim,
    "program_enrollment": _program_enrollment,
}
