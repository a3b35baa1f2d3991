"""A few hundred random members as typed claims tables: enough to match, small enough to read."""

from datetime import date, timedelta
from decimal import Decimal
from random import Random

from claimtwin.config.deployment import Env
from claimtwin.io.tables import Store, write_table
from claimtwin.schema.tables import TABLES, spark_schema
from pyspark.sql import DataFrame, SparkSession

OPIOID, OTHER = "99999000101", "99999000202"
BACK, KNEE, OTHER_DIAGNOSIS = "M545", "M1711", "I10"
STATES = ("NY", "IL", "TX", "CA")
Row = dict[str, object]


def random_claims(members: int, seed: int = 1) -> dict[str, list[Row]]:
    """Rows of the four tables; a third each begin the programme, physical therapy, or neither."""
    dice = Random(seed)
    tables: dict[str, list[Row]] = {name: [] for name in TABLES}
    for number in range(members):
        _add_member(tables, f"person{number:05d}", dice)
    return tables


def _add_member(tables: dict[str, list[Row]], person: str, dice: Random) -> None:
    index = date(2020, 1, 1) + timedelta(dice.randrange(300))
    region = dice.choice([(BACK, "back"), (KNEE, "knee")])
    role = dice.choice(["program", "therapy", "neither"])
    start, stop = date(2018, 6, 1), dice.choice([None, None, None, date(2020, 8, 1)])
    tables["eligibility"].append({
        "person_id": person, "employer_id": f"employer{dice.randrange(3)}", "payer": "payer", "plan": "plan",
        "enrollment_start_date": start, "enrollment_end_date": stop, "medical_coverage": True,
        "pharmacy_coverage": True, "birth_date": date(1940 + dice.randrange(70), 1 + dice.randrange(12), 2),
        "gender": dice.choice(["female", "male"]), "state": dice.choice(STATES),
    })  # fmt: skip
    visits = [("99213", OTHER_DIAGNOSIS, index - timedelta(dice.randrange(1, 500))) for _ in range(dice.randrange(6))]
    if role == "program":
        tables["program_enrollment"].append({
            "person_id": person, "employer_id": "employer0", "program": "digital", "body_region": region[1],
            "start_date": index,
        })  # fmt: skip
    if role == "therapy":
        visits += [("97161", region[0], index), ("97161", region[0], index + timedelta(7))]
    for code, diagnosis, day in visits:
        tables["medical_claim"].append(_line(person, len(tables["medical_claim"]), code, diagnosis, day, dice))
    for _ in range(dice.choice([0, 0, 1, 3])):
        day = index + timedelta(dice.randrange(-450, 450))
        ndc = dice.choice([OPIOID, OTHER])
        tables["pharmacy_claim"].append({
            "claim_id": f"rx{len(tables['pharmacy_claim'])}", "claim_line_number": 1, "data_source": "test",
            "person_id": person, "employer_id": "employer0", "dispensing_date": day, "ndc_code": ndc,
            "quantity": Decimal("30.000"), "days_supply": 5, "allowed_amount": Decimal("12.50"),
        })  # fmt: skip


def _line(person: str, number: int, code: str, diagnosis: str, day: date, dice: Random) -> Row:
    return {
        "claim_id": f"m{number}", "claim_line_number": 1, "data_source": "test", "person_id": person,
        "employer_id": "employer0", "claim_start_date": day, "claim_end_date": day, "hcpcs_code": code,
        "diagnosis_code_type": "icd-10-cm", "diagnosis_code_1": diagnosis,
        "allowed_amount": Decimal(dice.randrange(1000, 30000)).scaleb(-2),
    }  # fmt: skip


def as_frames(spark: SparkSession, tables: dict[str, list[Row]], partitions: int = 2) -> dict[str, DataFrame]:
    """The rows as frames of the contract's schemas, spread over so many partitions."""
    return {name: _frame(spark, name, rows).repartition(partitions) for name, rows in tables.items()}


def write_claims(spark: SparkSession, tables: dict[str, list[Row]], env: Env, partitions: int = 2) -> None:
    """Write the rows as the claims tables of a deployment."""
    for name, frame in as_frames(spark, tables, partitions).items():
        write_table(frame, Store(env.tables).table(name))


def _frame(spark: SparkSession, name: str, rows: list[Row]) -> DataFrame:
    schema = spark_schema(name)
    return spark.createDataFrame([tuple(row.get(field) for field in schema.names) for row in rows], schema)
