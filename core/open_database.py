"""From a URL to a database."""

from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from core.clock import Clock
from core.db import Database, Listeners
from core.errors import PermanentError
from core.ids import Ids
from core.postgresql import PostgresDatabase
from core.sqlite import SqliteDatabase


def parse_url(text: str) -> URL:
    """`sqlite:///…` or `postgresql://…`; anything else is refused in plain words, without repeating the password."""
    try:
        url = make_url(text)
    except ArgumentError as error:
        raise PermanentError("MADOGUCHI_DATABASE_URL is no database URL (sqlite:///… or postgresql://…)") from error
    if url.get_backend_name() not in ("sqlite", "postgresql"):
        raise PermanentError(
            f"MADOGUCHI_DATABASE_URL: {url.drivername} is not supported (sqlite:///… or postgresql://…)"
        )
    return url


def ensure_folder(url: URL) -> None:
    """The folder of a SQLite file, made when it is not there. Errors: PermanentError with the folder's path."""
    if not url.database:
        return
    folder = Path(url.database).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PermanentError(f"the folder of the database cannot be made: {folder}: {error.strerror}") from error


def open_database(text: str, clock: Clock, ids: Ids, listeners: Listeners, *, threads: int = 4) -> Database:
    """Opens the database of a URL and starts its threads; `threads` counts for PostgreSQL only."""
    url = parse_url(text)
    if url.get_backend_name() == "sqlite":
        return SqliteDatabase(url, clock, ids, listeners)
    return PostgresDatabase(url, clock, ids, listeners, threads=threads)
