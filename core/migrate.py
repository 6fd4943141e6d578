"""Bringing a database to the current schema, and saying whether it is there."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, func, select
from sqlalchemy.exc import DBAPIError

from core.errors import PermanentError
from core.open_database import ensure_folder, parse_url
from core.schema import METADATA

MIGRATIONS = Path(__file__).parent / "migrations"


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


@contextmanager
def _connected(url_text: str) -> Iterator[Connection]:
    url = parse_url(url_text)
    if url.get_backend_name() == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
        arguments: dict[str, Any] = {"connect_timeout": 5}
    else:
        arguments = {"timeout": 10}
        ensure_folder(url)
    engine = create_engine(url, connect_args=arguments)
    try:
        with engine.begin() as connection:
            yield connection
    except DBAPIError as error:
        where = f"the database file {url.database}" if url.get_backend_name() == "sqlite" else "the database"
        raise PermanentError(f"{where} does not answer: {_plain(error)}") from error
    finally:
        engine.dispose()


def _plain(error: DBAPIError) -> str:
    """The first line of what the database said; the URL with its password never is in it."""
    lines = [line.strip() for line in str(error.orig).splitlines() if line.strip()]
    return lines[0] if lines else type(error.orig).__name__


def head() -> str:
    """The revision that this program needs."""
    found = ScriptDirectory.from_config(_config()).get_current_head()
    if found is None:
        raise PermanentError("this installation has no migrations")
    return found


def current(url: str) -> str | None:
    """The revision a database is on; None for an empty one."""
    with _connected(url) as connection:
        return MigrationContext.configure(connection).get_current_revision()


def clock_difference_seconds(url: str, real: Callable[[], datetime]) -> float:
    """How far this machine's clock is ahead of a PostgreSQL server's; 0 for an embedded database, which has none of its own.

    Leases and pauses are instants of the machine that writes them: processes on machines whose clocks differ by more than a
    lease would both believe that they hold it.
    """
    if parse_url(url).get_backend_name() != "postgresql":
        return 0.0
    with _connected(url) as connection:
        theirs = connection.execute(select(func.clock_timestamp())).scalar_one()
        return float((real() - theirs).total_seconds())


def upgrade(url: str) -> None:
    """Bring the database to the current schema; nothing happens when it is there."""
    with _connected(url) as connection:
        command.upgrade(_config(connection), "head")


def ensure_current(url: str) -> None:
    """Refuses any schema but the current one, and says what to do."""
    found = current(url)
    if found != head():
        state = "is empty" if found is None else f"is on schema {found}"
        raise PermanentError(f"the database {state}, this program needs {head()}: run `madoguchi migrate`")


def differences(url: str) -> list[Any]:
    """What the tables say and the migrated database does not: must be empty (test)."""
    with _connected(url) as connection:
        return list(compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), METADATA))


def write_revision(url: str, message: str, revision_id: str) -> None:
    """Developers: write the next migration from the difference between tables and database (`make migration`)."""
    with _connected(url) as connection:
        command.revision(_config(connection), message=message, autogenerate=True, rev_id=revision_id)
