"""The OMOP tables of fifty people, read once for all tests of this folder."""

import pytest
from claimtwin.config.deployment import Ingest
from claimtwin.io.adapters.omop import read_omop

from tests.support.feeds import accepted_rows
from tests.support.shared import shared_data


@pytest.fixture(scope="session")
def omop(spark):
    """The folder, and the feeds that the adapter makes of it."""
    folder = shared_data("omop-synpuf-50")
    return folder, read_omop(spark, Ingest(), str(folder))


@pytest.fixture(scope="session")
def omop_rows(omop):
    """What an ingest would accept, by table."""
    return {feed.table: accepted_rows(feed, Ingest()) for feed in omop[1]}
