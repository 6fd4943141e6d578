"""The shipped profiles, read once: they are frozen, so that tests may share them."""

from functools import cache

from core.profiles.files import load_profile
from core.profiles.model import Profile


@cache
def shipped(name: str) -> Profile:
    """A shipped profile by its name."""
    return load_profile(name)
