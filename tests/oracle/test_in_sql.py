"""The kernels' facts against SQL written from the rules; ``python -m bench.sql_oracle`` does the same for 50,000."""

import pytest
from claimtwin.config.deployment import Ingest, Settle
from claimtwin.schema.feed import Feed
from claimtwin.spark.contract import keep_accepted
from claimtwin.synth import synth_frames
from claimtwin.synth.calendar import DATA_THROUGH

from tests.oracle.in_sql import NET, Population, compare, compare_net, compare_spans, taken_back
from tests.support.feeds import judged_feed

FACTS = {
    "span_medical": 2000, "span_medical_45": 2000, "span_pharmacy": 1900, "span_pharmacy_45": 1900, "candidates": 1000,
    "fills_shown": 8000, "runs": 6000, "episodes": 5000, "outcomes": 1000,
}  # fmt: skip
"""What is compared, and how many rows there must be at least."""


def test_every_fact_is_the_answer_of_sql():
    found = list(compare(Population.of(2000)))
    assert [(name, differences) for name, _, differences in found if differences != [0, 0]] == []
    assert {name: rows > FACTS[name] for name, rows, _ in found} == dict.fromkeys(FACTS, True)


def test_another_rule_is_another_answer():
    """What would be told if a rule were read in another way: the comparison sees a gap that should not be there."""
    people = Population.of(300)
    (_, _, none), (_, _, some), *_ = compare_spans(people)
    assert people.differences("span_medical", none) == people.differences("span_medical_45", some) == [0, 0]
    assert min(people.differences("span_medical", some)) > 0


@pytest.mark.whole_way  # a feed through the judge
def test_fills_net_of_reversals_are_the_answer_of_sql(spark):
    spec = taken_back(160)
    rules = Ingest(data_through=DATA_THROUGH, settle=Settle(pharmacy="net_reversals"))
    feed = Feed("pharmacy_claim", synth_frames(spark, spec, partitions=1)["pharmacy_claim"])
    rows, differences = compare_net(spec, keep_accepted(judged_feed(feed, rules)).select(*NET).toArrow())
    assert (rows > 500, differences) == (True, [0, 0])
