"""The subcommands of `madoguchi`, one module a topic, and what they share."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import click

from core.clock import SystemClock
from core.db import Database
from core.errors import MadoguchiError
from core.ids import SystemIds
from core.open_database import open_database
from core.profiles.files import ProfileError, load_profile
from core.profiles.model import Profile
from core.wiring import LISTENERS


@dataclass(frozen=True, slots=True)
class Settings:
    """What a command needs of the settings."""

    profile: str
    database_url: str


def load_settings() -> Settings:
    """From the environment."""
    return Settings(
        profile=os.environ.get("MADOGUCHI_PROFILE", "renewal-notice"),
        database_url=os.environ.get("MADOGUCHI_DATABASE_URL", "sqlite:///var/madoguchi.sqlite"),
    )


def profile_of(settings: Settings) -> Profile:
    """The operator's profile, or an end with every problem's file and line."""
    try:
        return load_profile(settings.profile)
    except ProfileError as error:
        raise click.ClickException(str(error)) from error


@contextmanager
def opened_database(settings: Settings | None = None) -> Iterator[Database]:
    """The database of the settings, for the length of one command."""
    settings = settings or load_settings()
    try:
        database = open_database(settings.database_url, SystemClock(), SystemIds(), LISTENERS, threads=2)
    except MadoguchiError as error:
        raise click.ClickException(str(error)) from error
    try:
        yield database
    finally:
        database.close()
