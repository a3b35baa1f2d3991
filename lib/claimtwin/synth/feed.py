"""The four contract tables as raw text, for any range of members: no Spark, no JVM."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from claimtwin.config.deployment import TableName
from claimtwin.schema.tables import CONTRACTS
from claimtwin.synth import text
from claimtwin.synth.calendar import ERAS, shift_of
from claimtwin.synth.care import draw_lines
from claimtwin.synth.catalogue import BODIES, SYSTEMS, catalogue
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

Built = tuple[Index, Index, dict[str, pa.Array]]
"""Place of each row's person among the people, its employer, and the other columns."""


def generate(spec: SynthSpec, first: int, stop: int) -> dict[TableName, pa.Table]:
    """Rows of members ``first`` to ``stop`` - 1 in all four tables, in contract columns, all text.

    Rows are in the order of members; ranges side by side, put together, are the whole range.
    """
    return {name: generate_table(spec, name, first, stop) for name in CONTRACTS}


def generate_table(spec: SynthSpec, name: TableName, first: int, stop: int) -> pa.Table:
    """Rows of one table; see ``generate``."""
    return build_table(spec, name, draw_people(spec, first, stop))[0]


def build_table(spec: SynthSpec, name: TableName, people: People) -> tuple[pa.Table, dict[str, int]]:
    """Rows of some people in one table, and by kind of dirt how many were added, changed or lost."""
    person, employer, columns = _BUILDERS[name](spec, people)
    layout = text_schema(name)
    known = {**columns, "person_id": text.person_ids(people.number).take(pa.array(person))}
    known["employer_id"] = text.employer_ids(employer)
    rows = pa.table({field: known.get(field, pa.nulls(len(person), pa.string())) for field in layout.names}, layout)
    return with_dirt(spec, name, people, person, rows)


def text_schema(name: TableName) -> pa.Schema:
    """The columns of a contract table, all text."""
    return pa.schema([(column, pa.string()) for column in CONTRACTS[name].names])


def _eligibility(spec: SynthSpec, people: People) -> Built:
    cover, moved = draw_coverage(Draws(spec.seed), people), shift_of(spec.index_year)
    person, span = np.nonzero(cover.stop > cover.start)
    states = [state for region in STATES for state in region]
    return person, cover.employer[person, span], {
        "payer": text.words([PAYER], person * 0),
        "plan": text.words(PLANS, cover.plan[person, span]),
        "enrollment_start_date": text.iso_days(cover.start[person, span] + moved),
        "enrollment_end_date": text.iso_days(cover.stop[person, span] - 1 + moved, null=cover.open[person, span]),
        "medical_coverage": text.yes_no(person >= 0),
        "pharmacy_coverage": text.yes_no(cover.pharmacy[person, span]),
        "birth_date": text.iso_days(people.birth[person] + moved),
        "gender": text.words(["male", "female"], people.female[person].astype(np.int64)),
        "state": text.words(states, (people.region * len(STATES[0]) + people.state)[person]),
    }  # fmt: skip


def _medical_claim(spec: SynthSpec, people: People) -> Built:
    cover, goods, moved = draw_coverage(Draws(spec.seed), people), catalogue(), shift_of(spec.index_year)
    lines = draw_lines(spec, people, cover)
    ids, day = text.person_ids(people.number).take(pa.array(lines.person)), text.iso_days(lines.day + moved)
    era = np.searchsorted(ERAS, lines.day + moved, "right")
    codes = [code for listed in goods.codes for code in listed]
    later = len(goods.codes[0]) * era
    return lines.person, cover.employer_on(lines.person, lines.day), {
        "claim_id": text.claim_ids("M", ids, lines.claim),
        "claim_line_number": text.whole(lines.line),
        "data_source": text.words([DATA_SOURCE], lines.person * 0),
        "claim_start_date": day,
        "claim_end_date": day,
        **{column: text.words(values, lines.item) for column, values in goods.procedures.items()},
        "diagnosis_code_type": text.words(SYSTEMS, era),
        **{
            f"diagnosis_code_{k + 1}": text.words(codes, np.where(found >= 0, found + later, -1))
            for k, found in enumerate(lines.diagnoses.T)
        },
        "allowed_amount": text.dollars(lines.cents),
        "paid_date": text.iso_days(lines.paid + moved),
    }  # fmt: skip


def _pharmacy_claim(spec: SynthSpec, people: People) -> Built:
    cover, moved = draw_coverage(Draws(spec.seed), people), shift_of(spec.index_year)
    fills = draw_dispensings(spec, people, cover)
    ids = text.person_ids(people.number).take(pa.array(fills.person))
    return fills.person, cover.employer_on(fills.person, fills.day), {
        "claim_id": text.claim_ids("R", ids, fills.claim),
        "claim_line_number": text.whole(fills.person * 0 + 1),
        "data_source": text.words([DATA_SOURCE], fills.person * 0),
        "dispensing_date": text.iso_days(fills.day + moved),
        "ndc_code": text.words(catalogue().ndcs, fills.item),
        "quantity": text.whole(fills.quantity),
        "days_supply": text.whole(fills.supply),
        "paid_date": text.iso_days(fills.paid + moved),
        "allowed_amount": text.dollars(fills.cents),
    }  # fmt: skip


def _program_enrollment(spec: SynthSpec, people: People) -> Built:
    starts = draw_starts(Draws(spec.seed), people)
    return starts.person, people.employer[starts.person], {
        "program": text.words([PROGRAM], starts.person * 0),
        "body_region": text.words(BODIES, starts.body),
        "start_date": text.iso_days(starts.day + shift_of(spec.index_year)),
    }  # fmt: skip


_BUILDERS: dict[TableName, Callable[[SynthSpec, People], Built]] = {
    "eligibility": _eligibility,
    "medical_claim": _medical_claim,
    "pharmacy_claim": _pharmacy_claim,
    "program_enrollment": _program_enrollment,
}
