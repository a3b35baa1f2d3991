"""Dirt that a contract accepts: rows changed, repeated, taken back or lost, each kind against the clean rows alone.

Every kind but those that lose rows and ``overlapping_fill`` leaves a perfect reader with the clean facts: what is
added nets to nothing or counts nowhere. A reader that settles nothing counts the added dispensings.
"""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from claimtwin.config.deployment import TableName
from claimtwin.synth import text
from claimtwin.synth.calendar import FIRST, INDEX_FIRST, day_of, shift_of
from claimtwin.synth.catalogue import opioid_codes
from claimtwin.synth.changes import NONE, Change, Made, all_of, chosen, copies_of, negative, with_columns
from claimtwin.synth.draws import Draws, Flags, Index
from claimtwin.synth.fills import FOLLOW_UP, first_fill
from claimtwin.synth.people import People
from claimtwin.synth.spec import SynthSpec

PER_ROW = ("stopped_feed", "late_claim")
"""Kinds that lose rows."""
LONG_HISTORY = 50_000
STOPPED = day_of(2020, 7, 1)


def unsettled_changes(
    spec: SynthSpec, name: TableName, people: People, person: Index, rows: pa.Table
) -> dict[str, Change]:
    """By kind what becomes of the rows of one table; see ``dirt.with_dirt`` for the arguments."""
    found = {}
    for kind, make in KINDS_OF.get(name, {}).items():
        off = not getattr(spec.dirt, kind)
        marked = NONE if kind in PER_ROW else chosen(spec, name, kind, people)
        found[kind] = Change() if off else make(Made(spec, people, person, rows, marked))
    return found


def _missing_supply(made: Made) -> Change:
    places = made.first_rows(made.person >= 0)
    return Change(replaced={"days_supply": (places, pa.nulls(len(places), pa.string()))})


def _zero_supply(made: Made) -> Change:
    """Not of those whose supply is missing."""
    missing = chosen(made.spec, "pharmacy_claim", "missing_supply", made.people)
    places = made.first_rows(~np.isin(made.person, missing))
    return Change(replaced={"days_supply": (places, pa.array(["0"] * len(places), pa.string()))})


def _hyphenated_ndc(made: Made) -> Change:
    """The ten digits and two hyphens of a label: 4-4-2, 5-3-2 or 5-4-1 where a zero can be left out, else 5-4-2."""
    places = made.first_rows(made.person >= 0)
    codes = made.rows["ndc_code"].take(pa.array(places))
    whole = pc.replace_substring_regex(codes, r"^(\d{5})(\d{4})(\d{2})$", r"\1-\2-\3")
    short = pc.replace_substring_regex(whole, r"^(\d{5})-0(\d{3})-(\d{2})$", r"\1-\2-\3")
    return Change(replaced={"ndc_code": (places, short.combine_chunks())})


def _dotted_icd(made: Made) -> Change:
    """Every diagnosis of the marked people in lower case, with its dot."""
    places = np.flatnonzero(np.isin(made.person, made.marked))
    columns = ("diagnosis_code_1", "diagnosis_code_2", "diagnosis_code_3")
    found = {}
    for column in columns:
        codes = pc.utf8_lower(made.rows[column].take(pa.array(places)))
        found[column] = (places, pc.replace_substring_regex(codes, r"^(.{3})(.+)$", r"\1.\2").combine_chunks())
    return Change(replaced=found)


def _invalid_code(made: Made) -> Change:
    """One more line without money whose diagnosis and procedure are on no list."""
    rows = made.first_rows(made.person >= 0)
    values = {"diagnosis_code_1": "ZZZ99", "diagnosis_code_2": None, "diagnosis_code_3": None, "hcpcs_code": "00000",
              "hcpcs_modifier_1": None, "revenue_center_code": None, "place_of_service_code": "11",
              "allowed_amount": "0.00"}  # fmt: skip
    return Change(copies_of(made, rows, "-X", values), made.person[rows])


def _index_day_fill(made: Made) -> Change:
    """One more opioid on the index day, of those who begin opioids later."""
    rows = _first_opioids(made)
    day = text.iso_days(made.people.index[made.person[rows]] + shift_of(made.spec.index_year))
    return Change(copies_of(made, rows, "-I", {}, dispensing_date=day, paid_date=day), made.person[rows])


def _overlapping_fill(made: Made) -> Change:
    """One more real dispensing on the day after the first, which it overlaps; still within a year of the index."""
    rows = _first_opioids(made)
    day = made.days("dispensing_date")[rows] + 1
    within = day <= made.people.index[made.person[rows]] + FOLLOW_UP
    rows, words = rows[within], text.iso_days(day[within] + shift_of(made.spec.index_year))
    return Change(copies_of(made, rows, "-O", {}, dispensing_date=words, paid_date=words), made.person[rows])


def _reversal(made: Made) -> Change:
    return _taken_back(made, 2)


def _late_reversal(made: Made) -> Change:
    return _taken_back(made, 35)


def _taken_back(made: Made, days: int) -> Change:
    """An opioid billed beside the first one and taken back: the same claim, line 2, money below nothing."""
    rows = _first_opioids(made)
    billed = copies_of(made, rows, f"-V{days}", {})
    paid = text.iso_days(made.days("paid_date")[rows] + days + shift_of(made.spec.index_year))
    amount = negative(billed["allowed_amount"])
    back = with_columns(billed, claim_line_number=all_of("2", len(rows)), allowed_amount=amount, paid_date=paid)
    owner = made.person[rows]
    return Change(pa.concat_tables([billed, back]), np.concatenate([owner, owner]))


def _paid_twice(made: Made) -> Change:
    """The first claim line, or the first opioid after index, again under another claim id."""
    pharmacy = "dispensing_date" in made.rows.column_names
    rows = _first_opioids(made) if pharmacy else made.first_rows(made.person >= 0)
    return Change(copies_of(made, rows, "-2", {}), made.person[rows])


def _adjusted_new_id(made: Made) -> Change:
    return _adjusted(made, np.zeros(len(made.people.number), np.bool_))


def _adjusted_same_id(made: Made) -> Change:
    return _adjusted(made, np.ones(len(made.people.number), np.bool_))


def _adjusted_mixed(made: Made) -> Change:
    return _adjusted(made, made.people.number % 2 == 0)


def _adjusted(made: Made, same_id: Flags) -> Change:
    """A first bill of twice the amount and its taking back, so that the clean line is the corrected one.

    With ``same_id`` of the person both are lines of the clean claim (numbers 201 and 101 on), else each is a new claim.
    """
    rows = made.first_rows(made.person >= 0)
    owner = made.person[rows]
    kept, ids = same_id[owner], made.rows["claim_id"].take(pa.array(rows))
    line = pc.cast(made.rows["claim_line_number"].take(pa.array(rows)), pa.int64()).to_numpy()
    wrong = pc.replace_substring_regex(made.rows["allowed_amount"].take(pa.array(rows)), r"^(\d+)\.", r"1\1.")
    parts = []
    for number, letter, amount in ((200, "-A", wrong), (100, "-B", negative(wrong))):
        new = pc.if_else(pa.array(kept), ids, pc.binary_join_element_wise(ids, letter, ""))
        lines = text.whole(np.where(kept, line + number, line))
        parts.append(
            with_columns(made.rows.take(pa.array(rows)), claim_id=new, claim_line_number=lines, allowed_amount=amount)
        )
    return Change(pa.concat_tables(parts), np.concatenate([owner, owner]))


def _void_and_replace(made: Made) -> Change:
    """A claim, its void under its own id, and the clean line as its replacement under a new id."""
    rows = made.first_rows(made.person >= 0)
    billed = copies_of(made, rows, "-W", {})
    void = with_columns(
        billed, claim_line_number=all_of("101", len(rows)), allowed_amount=negative(billed["allowed_amount"])
    )
    owner = made.person[rows]
    return Change(pa.concat_tables([billed, void]), np.concatenate([owner, owner]))


def _long_history(made: Made) -> Change:
    """Fifty thousand more lines of one claim, without money or a studied code, on the first day of claims."""
    rows = np.repeat(made.first_rows(made.person >= 0), LONG_HISTORY)
    n, day = len(rows), np.full(len(rows), FIRST + shift_of(made.spec.index_year))
    values = {"diagnosis_code_1": None, "diagnosis_code_2": None, "diagnosis_code_3": None, "hcpcs_code": "99499",
              "diagnosis_code_type": None, "hcpcs_modifier_1": None, "revenue_center_code": None,
              "place_of_service_code": "11", "allowed_amount": "0.00"}  # fmt: skip
    lines = text.whole(np.arange(n) % LONG_HISTORY + 1)
    first = text.iso_days(day)
    copies = copies_of(made, rows, "-L", values, claim_line_number=lines, claim_start_date=first, claim_end_date=first)
    return Change(copies, made.person[rows])


def _stopped_feed(made: Made) -> Change:
    """No dispensing of some employers from July 2020 on."""
    employers = np.arange(1, made.spec.employers + 1)
    chance = made.spec.dirt.stopped_feed
    stopped = employers[Draws(made.spec.seed).chance("stopped feed", employers, chance)]
    ids = text.employer_ids(stopped)
    gone = pc.is_in(made.rows["employer_id"], value_set=ids).to_numpy() & (made.days("dispensing_date") >= STOPPED)
    return Change(removed=np.flatnonzero(gone))


def _late_claim(made: Made) -> Change:
    """Lines paid only after the extract, so that it does not hold them; of days from the index window on."""
    column = "dispensing_date" if "dispensing_date" in made.rows.column_names else "claim_start_date"
    first = np.searchsorted(made.person, made.person)
    place = np.arange(len(made.person)) - first
    draws, rate = Draws(made.spec.seed), made.spec.dirt.late_claim
    late = draws.chance(f"late {column}", made.people.number[made.person], rate, place)
    return Change(removed=np.flatnonzero(late & (made.days(column) >= INDEX_FIRST)))


def _first_opioids(made: Made) -> Index:
    """Row of the first opioid after index of each marked person that begins opioids."""
    day = first_fill(made.spec, made.people)[0]
    opioid = pc.is_in(made.rows["ndc_code"], value_set=pa.array(opioid_codes())).to_numpy()
    begins = made.people.begins[made.person]
    return made.first_rows(opioid & begins & (made.days("dispensing_date") == day[made.person]))


KINDS_OF: dict[TableName, dict[str, Callable[[Made], Change]]] = {
    "medical_claim": {
        "dotted_icd": _dotted_icd,
        "invalid_code": _invalid_code,
        "paid_twice": _paid_twice,
        "adjusted_new_id": _adjusted_new_id,
        "adjusted_same_id": _adjusted_same_id,
        "adjusted_mixed": _adjusted_mixed,
        "void_and_replace": _void_and_replace,
        "long_history": _long_history,
        "late_claim": _late_claim,
    },
    "pharmacy_claim": {
        "missing_supply": _missing_supply,
        "zero_supply": _zero_supply,
        "hyphenated_ndc": _hyphenated_ndc,
        "index_day_fill": _index_day_fill,
        "overlapping_fill": _overlapping_fill,
        "reversal": _reversal,
        "late_reversal": _late_reversal,
        "paid_twice": _paid_twice,
        "stopped_feed": _stopped_feed,
        "late_claim": _late_claim,
    },
}
