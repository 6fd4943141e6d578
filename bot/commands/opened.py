"""The database, for the length of one command."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from bot.commands import load_settings, profile_of
from bot.deployment import Bot
from bot.settings import Settings
from bot.telling import listeners
from core.clock import SystemClock
from core.db import Database
from core.errors import MadoguchiError
from core.ids import SystemIds
from core.migrate import ensure_current
from core.open_database import open_database


@contextmanager
def opened_database(settings: Settings | None = None) -> Iterator[Database]:
    """The database of the settings, on the current schema, for the length of one command."""
    settings = settings or load_settings()
    profile = profile_of(settings)
    try:
        ensure_current(settings.database_url)
        bot = Bot(profile, settings.public_url.rstrip("/"))
        database = open_database(settings.database_url, SystemClock(), SystemIds(), listeners(bot), threads=2)
    except MadoguchiError as error:
        raise click.ClickException(str(error)) from error
    try:
        yield database
    finally:
        database.close()
