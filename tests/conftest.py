"""One Spark session for all tests that need one."""

from collections.abc import Iterator

import pytest
from claimtwin.app.session import get_session
from pyspark.sql import SparkSession


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    session = get_session()
    yield session
    session.stop()
