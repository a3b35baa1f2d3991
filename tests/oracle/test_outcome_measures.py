"""Measures as outcomes of a study: the names of the protocol, and what a block's pharmacy lines make of them."""

from datetime import date
from decimal import Decimal
from typing import get_args

import numpy as np
import pyarrow as pa
import pytest
from claimtwin.codes.opioids import Product
from claimtwin.config.histories import FillRules, Histories
from claimtwin.config.load import load_configuration
from claimtwin.config.measures import READINGS, MeasureName
from claimtwin.errors import ConfigError
from claimtwin.kernel.outcome_measures import MEASURES, measure
from claimtwin.kernel.outcomes import count_outcomes
from claimtwin.spark.blocks import empty_payload
from claimtwin.spark.code_book import CodeBook
from claimtwin.spark.histories import opioid_use

from tests.oracle.nasty import EMPTY, columns_of

OXYCODONE = Product("00000000001", "oxycodone", "Tablet", False, Decimal(10), "MG", "pain")
FILM = Product("00000000003", "buprenorphine", "Film", True, Decimal(8), "MG", "use_disorder")
DIAZEPAM = Product("00000000005", "diazepam", "Tablet", False, Decimal(5), "MG", "pain")
INDEX = date(2020, 1, 1)
# member, day about index, code, quantity, supply
ROWS = [
    (0, -40, "00000000001", 30, 30), (0, 5, "00000000001", 60, 10), (0, 15, "00000000001", 40, 20),
    (0, 5, "00000000005", 10, 30), (0, 30, "00000000005", 10, 30),
    (1, 3, "00000000001", 20, 10), (2, 3, "00000000003", 20, 10), (3, 3, "00000000009", 20, 10),
]  # fmt: skip


def pharmacy():
    """The lines of the four members as a block holds them."""
    start = (INDEX - date(1970, 1, 1)).days
    columns = {
        "member": pa.array([row[0] for row in ROWS], pa.int32()),
        "dispensing_date": pa.array([start + row[1] for row in ROWS], pa.int32()).cast(pa.date32()),
        "ndc_code": pa.array([row[2] for row in ROWS]).dictionary_encode(),
        "quantity": pa.array([Decimal(row[3]) for row in ROWS], pa.decimal128(12, 3)),
        "days_supply": pa.array([row[4] for row in ROWS], pa.int32()),
    }
    return pa.table(columns)


@pytest.fixture(scope="module")
def use():
    tables = {"pharmacy_claim": pharmacy(), "medical_claim": empty_payload("medical_claim")}
    book = CodeBook({}, (None, None), {}, {}, products=(OXYCODONE, FILM), benzodiazepines=(DIAZEPAM,))
    return opioid_use(tables, book, Histories(fills=FillRules(mme_edition="cdc_2018")))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("new_use", [0, 1, 0, 0]),
        ("continuing_use", [1, 0, 0, 0]),
        ("days_supply", [30, 10, 0, 0]),
        ("days_covered", [30, 10, 0, 0]),
        ("mme", [1500, 300, 0, 0]),
        ("high_dose_90", [1, 0, 0, 0]),
        ("high_dose_50", [1, 0, 0, 0]),
        ("benzodiazepine_days", [30, 0, 0, 0]),
        ("with_benzodiazepine", [1, 0, 0, 0]),
        ("long_first_supply", [0, 1, 0, 0]),
        ("continued_15_days", [1, 0, 0, 0]),
        ("continued_31_days", [0, 0, 0, 0]),
    ],
)
def test_a_measure_of_a_block(use, name, expected):
    day = np.full(4, (INDEX - date(1970, 1, 1)).days, np.int32)
    assert measure(use, name, np.arange(4), day, 1, 365).tolist() == expected


def test_every_name_of_a_protocol_has_its_measure():
    assert set(MEASURES) == set(get_args(MeasureName)) >= set(READINGS)


def test_a_measure_without_its_lists_is_refused():
    outcome = "study.outcomes=[{name: o, title: O, kind: binary, measure: with_benzodiazepine, window: [1, 365]}]"
    with pytest.raises(ConfigError, match=r"histories\.fills is not set"):
        load_configuration("jpr_s412081", "local", [outcome, "study.published=[]"])
    with pytest.raises(ConfigError, match=r"histories\.benzodiazepines"):
        load_configuration(
            "jpr_s412081", "local", [outcome, "study.published=[]", "study.histories.fills.products=opioid"]
        )


def test_a_measure_where_no_fills_were_laid_out_is_an_error_and_no_count():
    overrides = [
        "study.outcomes=[{name: any_opioid, title: O, kind: binary, measure: new_use, window: [1, 365]}]",
        "study.published=[]", "study.histories.fills.products=opioid",
    ]  # fmt: skip
    protocol, _ = load_configuration("jpr_s412081", "local", overrides)
    nobody = np.zeros(0, np.int64), np.zeros(0, np.int32)
    with pytest.raises(ConfigError, match="no fills were laid out"):
        count_outcomes(columns_of(EMPTY), protocol, *nobody)
