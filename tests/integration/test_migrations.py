"""Schema: the migrations run on both databases and end where the tables are."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.commands.serve import MOST_CLOCK_SECONDS, need_same_time
from core.clock import SystemClock
from core.errors import PermanentError
from core.migrate import clock_difference_seconds, current, differences, ensure_current, head, upgrade
from tests.support.databases import PostgresServer, sqlite_database


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without any table."""
    if request.param == "sqlite":
        with sqlite_database(tmp_path, empty=True) as url:
            yield url
    else:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        with server.database(empty=True) as url:
            yield url


def test_migrations_end_where_the_tables_are(empty_url: str) -> None:
    upgrade(empty_url)
    assert differences(empty_url) == []
    assert current(empty_url) == head()


def test_migrating_twice_changes_nothing(empty_url: str) -> None:
    upgrade(empty_url)
    upgrade(empty_url)
    assert current(empty_url) == head()


def test_another_schema_is_refused_and_told_how_to_mend(empty_url: str) -> None:
    with pytest.raises(PermanentError, match="madoguchi migrate"):
        ensure_current(empty_url)


def test_a_clock_far_from_the_databases_keeps_the_product_from_starting(empty_url: str) -> None:
    clock = SystemClock()
    assert abs(clock_difference_seconds(empty_url, clock.real)) < MOST_CLOCK_SECONDS
    ahead = clock_difference_seconds(empty_url, lambda: clock.real() + timedelta(seconds=60))
    assert ahead == 0 if empty_url.startswith("sqlite") else 50 < ahead < 70  # SQLite has no clock of its own
    need_same_time(0)
    for seconds in (60.0, -60.0):
        with pytest.raises(PermanentError, match="NTP"):
            need_same_time(seconds)
