"""Fixtures for all tests: databases (SQLite and PostgreSQL), a manual clock, seeded ids."""

import gc
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import settings

from core.clock import ManualClock
from core.db import Database
from core.ids import SeededIds
from core.open_database import open_database
from core.wiring import LISTENERS
from tests.support.databases import PostgresServer, sqlite_database

MEMORY = Path("/dev/shm")
settings.register_profile("busy", deadline=None)  # speed is measured in benchmarks/, never by a test
settings.load_profile("busy")


def pytest_configure() -> None:
    """Databases of tests lie in memory where there is room: a commit waits for the disk forty times as long."""
    gc.disable()  # importing everything makes millions of objects that stay: looking through them costs a third of it
    if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > 1 << 30:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


LONG = ("tests/simulation/", "tests/browser/", "tests/e2e/test_start_and_stop.py", "tests/e2e/test_sending_faults.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long ones first, so that in the end no worker is alone with one of them; all else in the order of the files."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))


def pytest_collection_finish() -> None:
    """What was imported stays for the whole run."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A real PostgreSQL, from a package."""
    server = PostgresServer()
    yield server
    server.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A fresh database with all tables; every test that asks for it runs on both."""
    if request.param == "sqlite":
        with sqlite_database(tmp_path) as url:
            yield url
    else:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        with server.database() as url:
            yield url


@pytest.fixture
def clock() -> ManualClock:
    """Sunday, 22 November 2026, noon in Japan; it moves only when told to."""
    return ManualClock(datetime(2026, 11, 22, 3, 0, tzinfo=UTC))


@pytest.fixture
def ids() -> SeededIds:
    """The same ids and codes in every run."""
    return SeededIds()


@pytest.fixture
def database(database_url: str, clock: ManualClock, ids: SeededIds) -> Iterator[Database]:
    """An open database on both kinds, with the core's own wiring."""
    opened = open_database(database_url, clock, ids, LISTENERS)
    yield opened
    opened.close()
