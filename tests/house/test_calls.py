"""Nothing is called that leaks rows, needs the JVM, differs from run to run, or runs text as code."""

import pytest

from tests.house.rules import faults_of, forbidden_calls


def test_no_module_calls_anything_forbidden() -> None:
    assert faults_of(forbidden_calls) == []


@pytest.mark.parametrize(
    "text",
    [
        "rows = frame.collect()",
        "frame.toPandas()",
        "for row in frame.toLocalIterator(): pass",
        "frame.foreach(print)",
        "frame.rdd",
        "spark.sparkContext.setLogLevel('OFF')",
        "frame._jdf",
        "spark.sql('select 1')",
        "F.expr('a + 1')",
        "frame.selectExpr('a')",
        "F.udf(str)",
        "@F.pandas_udf('long')\ndef f(x): return x",
        "F.monotonically_increasing_id()",
        "F.rand()",
        "F.uuid()",
        "eval('1')",
        "exec('x = 1')",
        "yaml.load(text, Loader=yaml.Loader)",
        "hash('a')",
        "subprocess.run('ls', shell=True)",
    ],
)
def test_a_forbidden_call_is_seen(text: str) -> None:
    assert len(forbidden_calls("spark", text)) == 1


def test_the_door_may_collect_and_the_rest_of_the_rules_holds_for_it_too() -> None:
    assert forbidden_calls("io", "frame.toArrow()") == []
    assert len(forbidden_calls("io", "spark.sql('select 1')")) == 1


def test_harmless_calls_pass() -> None:
    assert forbidden_calls("spark", "F.xxhash64('a')\nyaml.safe_load('a')\nframe.groupBy('a').count()") == []
