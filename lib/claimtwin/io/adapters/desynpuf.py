"""The CMS 2008-2010 Data Entrepreneurs' Synthetic Public Use File (DE-SynPUF), Samples 1 to 20.

Columns are mapped to the contract and wide rows unfolded; nothing is judged: what cannot be mapped is handed on
as it is, for the contract to refuse. docs/desynpuf.md says what is assumed. All dates are text ``yyyyMMdd``.
"""

import re
from functools import reduce

from pyspark.sql import Column as Cell
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from claimtwin.codes.states import ABROAD, ssa_states
from claimtwin.config.deployment import Ingest, TableName
from claimtwin.errors import InputError
from claimtwin.io.adapters.files import read_csv, refuse_column_map
from claimtwin.schema.feed import CORRUPT, Feed, employer_of, named
from claimtwin.schema.tables import DIAGNOSES, spark_schema

DAY = "yyyyMMdd"
YEARS = (2008, 2009, 2010)
PUBLISHED = {
    "carrier": ("*DE1_0_2008_to_2010_Carrier_Claims_Sample_*.csv*", "carrier.csv"),
    "outpatient": ("*DE1_0_2008_to_2010_Outpatient_Claims_Sample_*.csv*", "outpatient.csv"),
    "inpatient": ("*DE1_0_2008_to_2010_Inpatient_Claims_Sample_*.csv*", "inpatient.csv"),
    "prescription drug events": ("*DE1_0_2008_to_2010_Prescription_Drug_Events_Sample_*.csv*", "pde.csv"),
}
BENEFICIARIES = "beneficiary summary"
SEXES = {"1": "male", "2": "female", "0": "unknown"}
NEEDED = {
    BENEFICIARIES: ("BENE_BIRTH_DT", "BENE_DEATH_DT", "BENE_SEX_IDENT_CD", "SP_STATE_CODE",
                    "BENE_SMI_CVRAGE_TOT_MONS", "PLAN_CVRG_MOS_NUM"),
    "carrier": ("CLM_ID", "CLM_FROM_DT", "CLM_THRU_DT", "HCPCS_CD_1", "LINE_ALOWD_CHRG_AMT_1", "LINE_ICD9_DGNS_CD_1"),
    "outpatient": ("CLM_ID", "SEGMENT", "CLM_FROM_DT", "CLM_THRU_DT", "CLM_PMT_AMT", "HCPCS_CD_1", "ICD9_DGNS_CD_1"),
    "inpatient": ("CLM_ID", "SEGMENT", "CLM_FROM_DT", "CLM_THRU_DT", "CLM_PMT_AMT", "HCPCS_CD_1", "ICD9_DGNS_CD_1"),
    "prescription drug events": ("PDE_ID", "SRVC_DT", "PROD_SRVC_ID", "QTY_DSPNSD_NUM", "DAYS_SUPLY_NUM",
                                 "TOT_RX_CST_AMT"),
}  # fmt: skip


def read_desynpuf(spark: SparkSession, settings: Ingest, source: str) -> list[Feed]:
    """The four contract tables out of a folder of DE-SynPUF files; the roster is empty.

    Args:
        spark: The session.
        settings: ``assign_employers`` is heeded; a column map is not.
        source: A folder with files under their published names, a prefix allowed, or under five shorter names.

    Raises:
        ConfigError: A column map or constants are set.
        InputError: A file or a published column is missing; all are named.
    """
    refuse_column_map(settings, "docs/desynpuf.md")
    files = _open(spark, source.rstrip("/"))
    people, drugs = files.pop(BENEFICIARIES), files.pop("prescription drug events")
    lines = [_lines(frame, kind) for kind, frame in files.items()]
    medical = reduce(DataFrame.unionByName, lines)
    return [
        _feed("eligibility", _with_employer(_spans(people), settings), {BENEFICIARIES: people}),
        _feed("medical_claim", _with_employer(medical, settings), files),
        _feed("pharmacy_claim", _with_employer(_fills(drugs), settings), {"prescription drug events": drugs}),
        Feed("program_enrollment", spark.createDataFrame([], spark_schema("program_enrollment"))),
    ]


def _feed(table: TableName, frame: DataFrame, counted: dict[str, DataFrame]) -> Feed:
    return Feed(table, frame, DAY, counted=dict(counted), tells_corrupt=True)


def _open(spark: SparkSession, folder: str) -> dict[str, DataFrame]:
    """Frames by kind of file; beneficiaries with the column BENE_YEAR.

    Raises:
        InputError: Files or columns are missing.
    """
    found = {BENEFICIARIES: _beneficiaries(spark, folder)}
    for kind, (published, short) in PUBLISHED.items():
        frame = read_csv(spark, f"{folder}/{published}")
        found[kind] = frame if frame is not None else read_csv(spark, f"{folder}/{short}")
    faults = [f"no {kind} file" for kind, frame in found.items() if frame is None]
    opened = {kind: frame for kind, frame in found.items() if frame is not None}
    for kind, frame in opened.items():
        needed = ("DESYNPUF_ID", *NEEDED[kind], *(["BENE_YEAR"] if kind == BENEFICIARIES else []))
        faults += [f"{kind}: column '{name}' is missing" for name in needed if name not in frame.columns]
    if faults:
        raise InputError(
            "The DE-SynPUF files cannot be used: " + "; ".join(faults) + ".",
            folder,
            "docs/desynpuf.md",
            "unpack all files of a sample into one folder and leave their names and headers as CMS published them",
        )
    return opened


def _beneficiaries(spark: SparkSession, folder: str) -> DataFrame | None:
    """One row a beneficiary and year: the published files of each year, or ``bene.csv`` with its column BENE_YEAR."""
    years = []
    for year in YEARS:
        frame = read_csv(spark, f"{folder}/*DE1_0_{year}_Beneficiary_Summary_File_Sample_*.csv*")
        if frame is not None:
            years.append(frame.withColumn("BENE_YEAR", F.lit(str(year))))
    return reduce(DataFrame.unionByName, years) if years else read_csv(spark, f"{folder}/bene.csv")


def _spans(people: DataFrame) -> DataFrame:
    """One row a stretch of coverage: k covered months of a year are taken as its first k; cut at death.

    Where both benefits have the same months, one row (``part_b_d``); else a row each (``part_b``, ``part_d``);
    where neither has any, one row that covers nothing (``none``) and keeps the person's birth, sex and state.
    """
    medical, drugs = _months("BENE_SMI_CVRAGE_TOT_MONS"), _months("PLAN_CVRG_MOS_NUM")
    same = medical == drugs
    spans = F.array_compact(
        F.array(
            F.when(same & (medical == 0), _span("none", False, False, F.lit(12), F.lit("12"))),
            F.when(same & (medical != 0), _span("part_b_d", True, True, medical, F.col("BENE_SMI_CVRAGE_TOT_MONS"))),
            F.when(~same & (medical != 0), _span("part_b", True, False, medical, F.col("BENE_SMI_CVRAGE_TOT_MONS"))),
            F.when(~same & (drugs != 0), _span("part_d", False, True, drugs, F.col("PLAN_CVRG_MOS_NUM"))),
        )
    )
    return people.select("*", F.explode(spans).alias("span")).select(
        F.col("DESYNPUF_ID").alias("person_id"),
        F.lit("cms").alias("payer"),
        "span.*",
        F.col("BENE_BIRTH_DT").alias("birth_date"),
        F.nullif(F.trim("BENE_DEATH_DT"), F.lit("")).alias("death_date"),
        _word("BENE_SEX_IDENT_CD", SEXES).alias("gender"),
        _state().alias("state"),
        CORRUPT,
    )


def _months(name: str) -> Cell:
    """Covered months, 0 to 12; -1 for anything else."""
    months = F.when(F.col(name).rlike(r"^\s*[0-9]{1,2}(\.0*)?\s*$"), F.col(name).try_cast("double").try_cast("int"))
    return F.when(months.between(0, 12), months).otherwise(F.lit(-1))


def _span(plan: str, medical: bool, drugs: bool, months: Cell, text: Cell) -> Cell:
    """A span from New Year; what cannot be a span gets an end that says so and is no date."""
    year = F.when(F.col("BENE_YEAR").rlike("^[0-9]{4}$"), F.col("BENE_YEAR"))
    month = F.concat(year, F.lpad(F.when(months > 0, months).cast("string"), 2, "0"), F.lit("01"))
    last = F.last_day(F.try_to_date(month, DAY))
    died = F.try_to_date(F.nullif(F.trim("BENE_DEATH_DT"), F.lit("")), DAY)
    end = F.when(months < 0, F.concat(F.lit("months: "), F.coalesce(text, F.lit("none")))).otherwise(
        F.date_format(F.least(last, died), DAY)
    )
    return F.struct(
        F.lit(plan).alias("plan"),
        F.concat(year, F.lit("0101")).alias("enrollment_start_date"),
        end.alias("enrollment_end_date"),
        F.lit(medical).alias("medical_coverage"),
        F.lit(drugs).alias("pharmacy_coverage"),
    )


def _word(name: str, words: dict[str, str]) -> Cell:
    """The word of a code; a code that is not on the list goes on as it is."""
    known = F.create_map(*(F.lit(text) for pair in words.items() for text in pair))
    return F.coalesce(F.try_element_at(known, F.trim(name)), F.col(name))


def _state() -> Cell:
    code = F.lpad(F.trim("SP_STATE_CODE"), 2, "0")
    known = F.create_map(*(F.lit(text) for pair in ssa_states().items() for text in pair))
    return F.when(~code.isin(*ABROAD), F.coalesce(F.try_element_at(known, code), F.col("SP_STATE_CODE")))


def _lines(claims: DataFrame, kind: str) -> DataFrame:
    """One row a service line of a claim; a claim without a line that tells anything keeps its first."""
    places = sorted(int(n.rpartition("_")[2]) for n in claims.columns if re.fullmatch(r"HCPCS_CD_[0-9]+", n))
    carrier = kind == "carrier"
    lines = F.array(*(_line(k, carrier=carrier) for k in places))
    told = F.filter(lines, lambda line: line["told"])
    kept = F.when(F.size(told) > 0, told).otherwise(F.slice(lines, 1, 1))
    header = [named(n) for n in claims.columns if re.fullmatch(r"ICD9_DGNS_CD_[0-9]+", n)]
    unfolded = claims.select("*", F.posexplode(kept).alias("place", "line"))
    stated = [F.nullif(F.trim(c), F.lit("")) for c in (F.col("line.diagnosis"), *header)]
    unfolded = unfolded.withColumn("codes", F.array_distinct(F.array_compact(F.array(*stated))))
    codes = F.col("codes")
    return unfolded.select(
        _claim_id(carrier).alias("claim_id"),
        F.col("line.number").alias("claim_line_number"),
        F.lit(kind).alias("data_source"),
        F.col("DESYNPUF_ID").alias("person_id"),
        F.col("CLM_FROM_DT").alias("claim_start_date"),
        F.col("CLM_THRU_DT").alias("claim_end_date"),
        F.lit("21" if kind == "inpatient" else None).cast("string").alias("place_of_service_code"),
        F.col("line.hcpcs").alias("hcpcs_code"),
        F.when(F.size(codes) > 0, F.lit("icd-9-cm")).alias("diagnosis_code_type"),
        *(F.get(codes, k).alias(name) for k, name in enumerate(DIAGNOSES)),
        (F.col("line.amount") if carrier else F.when(F.col("place") == 0, F.col("CLM_PMT_AMT"))).alias(
            "allowed_amount"
        ),
        CORRUPT,
    )


def _line(k: int, *, carrier: bool) -> Cell:
    """Line k, and whether it tells anything: a procedure, or on carrier claims its own diagnosis or money."""
    none = F.lit(None).cast("string")
    hcpcs = F.trim(f"HCPCS_CD_{k}")
    diagnosis = F.trim(f"LINE_ICD9_DGNS_CD_{k}") if carrier else none
    amount = F.col(f"LINE_ALOWD_CHRG_AMT_{k}") if carrier else none
    told = F.coalesce(hcpcs != "", F.lit(False)) | F.coalesce(diagnosis != "", F.lit(False))
    told = told | ~F.coalesce(F.trim(amount).rlike(r"^(0*(\.0*)?)$"), F.lit(True))
    parts = {"number": F.lit(k), "hcpcs": hcpcs, "diagnosis": diagnosis, "amount": amount, "told": told}
    return F.struct(*(cell.alias(name) for name, cell in parts.items()))


def _claim_id(carrier: bool) -> Cell:
    if carrier:
        return F.col("CLM_ID")
    segment = F.regexp_replace(F.trim("SEGMENT"), r"\.0*$", "")
    return F.concat("CLM_ID", F.when(segment != "", F.concat(F.lit("-"), segment)).otherwise(F.lit("")))


def _fills(events: DataFrame) -> DataFrame:
    """One row a prescription drug event; an NDC of fewer than 11 digits has lost its leading zeros."""
    code = F.trim("PROD_SRVC_ID")
    return events.select(
        F.col("PDE_ID").alias("claim_id"),
        F.lit(1).alias("claim_line_number"),
        F.lit("pde").alias("data_source"),
        F.col("DESYNPUF_ID").alias("person_id"),
        F.col("SRVC_DT").alias("dispensing_date"),
        F.when(code.rlike("^[0-9]{1,10}$"), F.lpad(code, 11, "0")).otherwise(code).alias("ndc_code"),
        F.col("QTY_DSPNSD_NUM").alias("quantity"),
        F.col("DAYS_SUPLY_NUM").alias("days_supply"),
        F.col("TOT_RX_CST_AMT").alias("allowed_amount"),
        CORRUPT,
    )


def _with_employer(rows: DataFrame, settings: Ingest) -> DataFrame:
    count = settings.assign_employers
    employer = employer_of(F.col("person_id"), count) if count else F.lit("none")
    return rows.withColumn("employer_id", employer)
