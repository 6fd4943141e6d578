"""The subcommands of `madoguchi`, one module each, and what they share."""

import sys

import click
from pydantic import ValidationError

from bot.settings import Settings
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
