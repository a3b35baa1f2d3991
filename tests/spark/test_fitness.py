"""The whole page of data fitness on made-up claims in which every fault is planted and counted."""

from datetime import date
from decimal import Decimal

import pytest
from claimtwin.config.deployment import Env
from claimtwin.study.fitness import validate

from tests.support.claims import write_claims

pytestmark = pytest.mark.whole_way  # claims to page

LISTED = "00000000001"


def planted():
    """Twenty people of two employers; what is wrong with each is written beside it."""
    tables = {"eligibility": [], "medical_claim": [], "pharmacy_claim": [], "program_enrollment": []}
    for k in range(20):
        tables["eligibility"].append({
            "person_id": f"p{k}", "employer_id": "e1" if k < 15 else "e2", "payer": "x", "plan": "y",
            "enrollment_start_date": date(2020, 1, 1), "enrollment_end_date": date(2020, 12, 31),
            "medical_coverage": True, "pharmacy_coverage": True, "gender": "unknown" if k < 2 else "female",
            "birth_date": None if k == 0 else date(1890, 1, 1) if k == 1 else date(1980, 1, 1),
        })  # fmt: skip
        tables["pharmacy_claim"].append({
            "claim_id": f"r{k}", "claim_line_number": 1, "data_source": "d", "person_id": f"p{k}",
            "dispensing_date": date(2020, 3, 1), "ndc_code": LISTED if k < 12 else "00000000099",
            "quantity": Decimal(30), "days_supply": None if k < 3 else 0 if k < 5 else 10,
            "paid_date": date(2020, 3, 9),
        })  # fmt: skip
        tables["medical_claim"].append({
            "claim_id": f"m{k}", "claim_line_number": 1, "data_source": "d",
            "person_id": "nobody" if k == 0 else f"p{k}", "hcpcs_code": "97161" if k else "9716",
            "claim_start_date": date(2021, 1, 1) if k == 1 else date(2020, 6, 1), "diagnosis_code_1": "M545",
            "diagnosis_code_type": "icd-9-cm" if k < 4 else "icd-10-cm",
        })  # fmt: skip
    return tables


def test_every_planted_fault_is_found(spark, tmp_path):
    (tmp_path / "list.csv").write_text(f"NDC\n{LISTED}\n00000000002\n")
    env = Env(
        tables=f"{tmp_path}/tables", output=f"{tmp_path}/out", disclosure={"min_cell": 1},
        code_lists={
            "opioid": {"path": f"{tmp_path}/list.csv"},
            "product": {"path": f"{tmp_path}/list.csv", "match_digits": 9},
        },
        ingest={"ndc_reference": "opioid"},
    )  # fmt: skip
    write_claims(spark, planted(), env, partitions=1)
    said = []
    path = validate(spark, env, said.append)

    text = path.read_text()
    for line in (
        "people: birth date unknown: 1 of 20 people (5.00 %)",
        "people: over 110 years old: 1 of 20 people (5.00 %)",
        "people: gender unknown: 2 of 20 people (10.00 %)",
        "people: two genders: 0 of 20 people (0.00 %)",
        "pharmacy_claim: days' supply missing: 3 of 20 fills (15.00 %)",
        "pharmacy_claim: days' supply zero: 2 of 20 fills (10.00 %)",
        "medical_claim: person never enrolled: 1 of 20 lines (5.00 %)",
        "medical_claim: day not enrolled: 2 of 20 lines (10.00 %)",
        "medical_claim: ICD-9 from October 2015: 4 of 20 coded lines (20.00 %)",
        "medical_claim: completeness: no payment dates, so it cannot be told",
        "NDC not on the reference list: 8 of 20 fills (40.00 %)",
        "list opioid: 12 lines; 1 of 2 rules without any",
        "medical_claim: paid_date missing: 20 of 20 lines (100.00 %)",
        "medical_claim: months of service without a line: 2020-07, 2020-08, 2020-09, 2020-10, 2020-11, 2020-12",
        "pharmacy_claim: complete through: the end of 2020-03",
        "proposed ingest.data_through: withheld: of medical_claim it cannot be told",
        "employers whose fill rate stands out: cannot be told of fewer than 5 employers",
        "list product: told by the first 9 digits only: 8 of 20 lines (40.00 %)",
        "list product: 20 lines; 0 of 1 rules without any",
    ):
        assert any(line in one for one in said), line
        assert line.rsplit(": ", 1)[1] in text
    assert "## pharmacy_claim by month of service" in text and "| 2020-03 | 20 | 100 % | 20 |" in text
    therapy = next(line for line in said if "list care therapy" in line)
    assert "19 lines" in therapy and "almost: 9716 (1)" in therapy
