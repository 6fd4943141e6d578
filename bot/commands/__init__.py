"""The subcommands of `madoguchi`, one module each, and what they share."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click
from pydantic import ValidationError

from bot.deployment import Bot
from bot.settings import Settings
from bot.telling import listeners
from core.clock import SystemClock
from core.db import Database
from core.errors import MadoguchiError
from core.ids import SystemIds
from core.migrate import ensure_current
from core.open_database import open_database
from core.profiles.files import ProfileError, load_profile
from core.profiles.model import Profile


def load_settings() -> Settings:
    """The settings, or an end in plain words: which setting, and why; never its value (it may be a secret)."""
    try:
        return Settings()
    except ValidationError as error:
        for problem in error.errors():
            name = "MADOGUCHI_" + "_".join(str(part) for part in problem["loc"]).upper()
            click.echo(f"{name}: {problem['msg']}", err=True)
        sys.exit(2)


def profile_of(settings: Settings) -> Profile:
    """The operator's profile, or an end with every problem's file and line."""
    try:
        return load_profile(settings.profile)
    except ProfileError as error:
        raise click.ClickException(str(error)) from error


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
