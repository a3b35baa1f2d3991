"""The DE-SynPUF layout holds the population's own visits, lines and dispensings, in columns the adapter asks for."""

from collections import Counter

import pyarrow as pa
import pyarrow.compute as pc
from claimtwin.io.adapters.desynpuf import BENEFICIARIES, NEEDED
from claimtwin.synth import NO_DIRT, SynthSpec
from claimtwin.synth.desynpuf import LAYOUT, YEAR, desynpuf_of
from claimtwin.synth.feed import generate

SPEC = SynthSpec(members=300, index_year=YEAR, dirt=NO_DIRT)
FILES = {name: desynpuf_of(SPEC, name, 0, 300) for name in LAYOUT}
CLAIMS = ("carrier.csv", "outpatient.csv", "inpatient.csv")


def compact(days: pa.ChunkedArray) -> list[str]:
    return pc.replace_substring(days, "-", "").to_pylist()


def test_every_column_that_the_adapter_needs_is_there() -> None:
    kinds = {"bene.csv": BENEFICIARIES, "pde.csv": "prescription drug events"}
    for name, rows in FILES.items():
        wanted = NEEDED[kinds.get(name, name.removesuffix(".csv"))]
        assert {"DESYNPUF_ID", *wanted} <= set(rows.column_names)
        assert set(rows.schema.types) == {pa.string()}
        assert rows.num_rows > 0


def test_lines_and_dispensings_are_those_of_the_contract_form() -> None:
    feed = generate(SPEC, 0, 300)
    lines = Counter()
    for name in CLAIMS:
        for row in FILES[name].to_pylist():
            head = (row["DESYNPUF_ID"], row["CLM_ID"], row["CLM_FROM_DT"])
            codes = tuple(row[f"ICD9_DGNS_CD_{k}"] for k in (1, 2, 3))
            lines.update((*head, row[f"HCPCS_CD_{k}"], codes) for k in (1, 2, 3) if row[f"HCPCS_CD_{k}"])
    medical = feed["medical_claim"]
    columns = [medical[name].to_pylist() for name in ("person_id", "claim_id")] + [compact(medical["claim_start_date"])]
    codes = zip(*(medical[f"diagnosis_code_{k}"].to_pylist() for k in (1, 2, 3)), strict=True)
    assert lines == Counter(zip(*columns, medical["hcpcs_code"].to_pylist(), codes, strict=True))
    pharmacy, events = feed["pharmacy_claim"], FILES["pde.csv"]
    assert compact(pharmacy["dispensing_date"]) == events["SRVC_DT"].to_pylist()
    for ours, theirs in (("person_id", "DESYNPUF_ID"), ("ndc_code", "PROD_SRVC_ID"), ("days_supply", "DAYS_SUPLY_NUM")):
        assert pharmacy[ours].to_pylist() == events[theirs].to_pylist()


def test_money_is_kept() -> None:
    carrier = FILES["carrier.csv"]
    total = sum(float(v) for k in (1, 2, 3) for v in carrier[f"LINE_ALOWD_CHRG_AMT_{k}"].to_pylist())
    total += sum(float(v) for name in CLAIMS[1:] for v in FILES[name]["CLM_PMT_AMT"].to_pylist())
    amounts = generate(SPEC, 0, 300)["medical_claim"]["allowed_amount"].to_pylist()
    assert round(total * 100) == round(sum(map(float, amounts)) * 100)


def test_covered_months_follow_the_spans() -> None:
    """A member covered without a gap and with an open end has twelve months each year."""
    spans = generate(SPEC, 0, 300)["eligibility"].to_pylist()
    count = Counter(row["person_id"] for row in spans)
    whole = {
        row["person_id"] for row in spans
        if row["enrollment_start_date"] < "2007-01-01" and row["enrollment_end_date"] is None
        and count[row["person_id"]] == 1
    }  # fmt: skip
    rows = FILES["bene.csv"].to_pylist()
    assert {row["BENE_SMI_CVRAGE_TOT_MONS"] for row in rows if row["DESYNPUF_ID"] in whole} == {"12"}
    assert {row["BENE_YEAR"] for row in rows} == {"2007", "2008", "2009"}
    some = {row["BENE_SMI_CVRAGE_TOT_MONS"] for row in rows} - {"0", "12"}
    assert some


def test_all_diagnoses_are_icd_9() -> None:
    feed = generate(SPEC, 0, 300)["medical_claim"]
    assert set(feed["diagnosis_code_type"].to_pylist()) == {"icd-9-cm"}
