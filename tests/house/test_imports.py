"""Imports go down only, Spark stays in its rooms, and the kernel knows numpy alone."""

import pytest

from tests.house.rules import faults_of, strange_imports, upward_imports


def test_every_module_imports_only_from_floors_below() -> None:
    assert faults_of(upward_imports) == []


def test_every_module_imports_only_what_its_room_may() -> None:
    assert faults_of(strange_imports) == []


@pytest.mark.parametrize(
    ("room", "text"),
    [
        ("kernel", "from claimtwin.spark import blocks"),
        ("kernel", "from claimtwin import study"),
        ("config", "import claimtwin.codes"),
        ("errors", "from claimtwin.config.load import load_env"),
        ("spark", "def f():\n    from claimtwin.io.tables import read_table"),
        ("app", "import jobs.run_study"),
        ("report", "from claimtwin.io.tables import Store"),
    ],
)
def test_a_step_up_is_seen(room: str, text: str) -> None:
    assert len(upward_imports(room, text)) == 1


@pytest.mark.parametrize(
    ("room", "text"),
    [
        ("stats", "from pyspark.sql import functions as F"),
        ("report", "import delta.tables"),
        ("kernel", "import pandas as pd"),
        ("kernel", "import pyarrow"),
        ("io", "import pickle"),
        ("synth", "from random import choice"),
    ],
)
def test_a_strange_import_is_seen(room: str, text: str) -> None:
    assert len(strange_imports(room, text)) == 1


def test_steps_down_and_numpy_are_fine() -> None:
    text = "import numpy as np\nimport dataclasses\nfrom claimtwin.config.protocol import Protocol"
    assert upward_imports("kernel", text) + strange_imports("kernel", text) == []
