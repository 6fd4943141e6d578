"""Passwords of staff: the rules, and argon2id. About 50 ms of work each: never inside a turn of the database."""

import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from core.errors import DomainError
from core.ids import Ids

LEAST_LENGTH = 12
MOST_LENGTH = 200  # a longer one only makes the server work
_HASHER = PasswordHasher()  # RFC 9106, second recommendation: argon2id, 64 MiB, 3 passes, 4 lanes
_SALT_LENGTH = 16
# Of no password anybody knows: whoever tries an unknown login waits as long as for a known one.
DUMMY_HASH = "$argon2id$v=19$m=65536,t=3,p=4$bWFkb2d1Y2hpLWR1bW15IQ$K+beovjx/f8s5xRfQGU4t6qRqagJi7YZh7506ozT4J0"


def check_password(*, login: str, password: str) -> None:
    """Refuse a password that is too easy to guess.

    Errors: DomainError `password_too_short` (least), `password_too_long` (most), `password_is_login`,
    `password_too_plain` (one or two characters over and over).
    """
    text = unicodedata.normalize("NFKC", password)
    if len(text) < LEAST_LENGTH:
        raise DomainError("password_too_short", least=LEAST_LENGTH)
    if len(text) > MOST_LENGTH:
        raise DomainError("password_too_long", most=MOST_LENGTH)
    if text.casefold() == login.casefold():
        raise DomainError("password_is_login")
    if len(set(text)) < 3:
        raise DomainError("password_too_plain")


def hash_password(ids: Ids, *, login: str, password: str) -> str:
    """The argon2id hash of a password that keeps the rules (see `check_password` for the errors)."""
    check_password(login=login, password=password)
    return _HASHER.hash(unicodedata.normalize("NFKC", password), salt=ids.token(_SALT_LENGTH).encode())


def is_password_right(password_hash: str, password: str) -> bool:
    """Whether the password belongs to the hash; takes the same time for every answer."""
    try:
        return _HASHER.verify(password_hash, unicodedata.normalize("NFKC", password[: MOST_LENGTH + 1]))
    except VerifyMismatchError:
        return False
    except (VerificationError, InvalidHashError):
        return False
