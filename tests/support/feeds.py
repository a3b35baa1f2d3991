"""A feed judged without being written: what an ingest would accept and refuse, in one query a table."""

from claimtwin.config.deployment import Ingest
from claimtwin.schema.feed import Feed, find_sources
from claimtwin.spark.contract import Judged, judge, keep_accepted, keep_rejected


def judged_feed(feed: Feed, settings: Ingest) -> Judged:
    """Every rule judged; the feed has all columns that a table must have."""
    found = find_sources(feed, settings)
    assert found.faults == []
    return judge(feed, found.sources, settings)


def accepted_rows(feed: Feed, settings: Ingest) -> list[dict]:
    return keep_accepted(judged_feed(feed, settings)).toArrow().to_pylist()


def rejected_rows(feed: Feed, settings: Ingest) -> list[dict]:
    return keep_rejected(judged_feed(feed, settings), "test", "run").toArrow().to_pylist()
