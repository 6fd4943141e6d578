"""Staff of the operator (運営担当者): who may come in, with which role, and the log-in with its lock (row Q6).

Checking a password takes 50 ms and is done between two turns: `find_credentials` reads, `core.members.passwords` verifies
outside, `record_login` counts and opens the session. Every refusal reads the same and takes the same time.
"""

import re
import unicodedata
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import bindparam, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from core.db import Tx
from core.errors import DomainError
from core.members import sessions
from core.members.audit import record
from core.members.passwords import DUMMY_HASH
from core.members.roles import ROLES, ActingStaff, require
from core.members.sessions import NewSession
from core.members.tables import Staff
from core.statements import Read, Write

LOGIN = re.compile(r"[a-z0-9][a-z0-9._@-]{2,59}")
WRONG_LOGINS = 5
LOCKED_FOR = timedelta(minutes=15)


class StaffView(NamedTuple):
    """Somebody of the operator's."""

    id: int
    login: str
    name: str
    role: str
    language: str
    locked_until: datetime | None
    disabled_at: datetime | None
    created_at: datetime


class Credentials(NamedTuple):
    """What a log-in is checked against: of an unknown login too, so that both take the same time."""

    login: str
    password_hash: str


class _Row(NamedTuple):
    id: int
    password_hash: str
    failed_logins: int
    locked_until: datetime | None
    disabled_at: datetime | None


class _Id(NamedTuple):
    id: int


_VIEW = tuple(getattr(Staff, name) for name in StaffView._fields)
ADD = Read(
    _Id,
    upsert(Staff)
    .values(
        {
            name: bindparam(name)
            for name in (
                "id", "login", "name", "role", "language", "password_hash", "failed_logins", "locked_until", "disabled_at",
                "created_at",
            )
        }
    )
    .on_conflict_do_nothing(index_elements=["login"])
    .returning(Staff.id),
)  # fmt: skip
LIST = Read(StaffView, select(*_VIEW).order_by(Staff.login))
BY_ID = Read(StaffView, select(*_VIEW).where(Staff.id == bindparam("staff_id")))
BY_LOGIN = Read(StaffView, select(*_VIEW).where(Staff.login == bindparam("login")))
LOCK = Read(
    _Row,
    select(Staff.id, Staff.password_hash, Staff.failed_logins, Staff.locked_until, Staff.disabled_at)
    .where(Staff.login == bindparam("login"))
    .with_for_update(),
)
ADMINS = Read(
    _Id,
    select(Staff.id).where(Staff.role == "admin", Staff.disabled_at.is_(None)).order_by(Staff.id).with_for_update(),
)
DISABLE = Write(update(Staff).where(Staff.id == bindparam("staff_id")).values(disabled_at=bindparam("now")))
SET_ROLE = Write(update(Staff).where(Staff.id == bindparam("staff_id")).values(role=bindparam("new_role")))
COUNT_LOGIN = Write(
    update(Staff)
    .where(Staff.id == bindparam("staff_id"))
    .values(failed_logins=bindparam("wrong"), locked_until=bindparam("until"))
)

SET_PASSWORD = Write(
    update(Staff)
    .where(Staff.id == bindparam("staff_id"))
    .values(password_hash=bindparam("new_hash"), failed_logins=0, locked_until=None)
)


def fold_login(login: str) -> str:
    """The form a login is stored and looked up in: half-width, lower case."""
    return unicodedata.normalize("NFKC", login).strip().lower()


def add_staff(
    tx: Tx,
    *,
    by: ActingStaff | None,
    login: str,
    name: str,
    role: str,
    password_hash: str,
    language: str = "ja",
) -> StaffView:
    """Add somebody; `by` None is the command line, which is how the first operator comes in.

    `password_hash` comes from `core.members.passwords.hash_password`, made outside the turn.
    Errors: DomainError `forbidden`, `login_invalid`, `login_taken`, `name_missing`, `role_unknown`.
    """
    if by is not None:
        require(by, "manage_staff")
    login, name = fold_login(login), name.strip()
    if not LOGIN.fullmatch(login):
        raise DomainError("login_invalid", login=login)
    if not name:
        raise DomainError("name_missing")
    _check_role(role)
    staff_id = tx.ids.new()
    added = tx.first(
        ADD,
        id=staff_id,
        login=login,
        name=name[:100],
        role=role,
        language=language,
        password_hash=password_hash,
        failed_logins=0,
        locked_until=None,
        disabled_at=None,
        created_at=tx.now,
    )
    if added is None:
        raise DomainError("login_taken", login=login)
    _record(tx, by, "staff.added", login, role=role)
    return tx.one(BY_ID, staff_id=staff_id)


def list_staff(tx: Tx) -> list[StaffView]:
    """Everybody, the disabled too, by login."""
    return tx.all(LIST)


def get_staff(tx: Tx, *, staff_id: int) -> StaffView:
    """By id; a missing one is a broken invariant."""
    return tx.one(BY_ID, staff_id=staff_id)


def find_staff(tx: Tx, *, login: str) -> StaffView | None:
    """By login, in any case and width."""
    return tx.first(BY_LOGIN, login=fold_login(login))


def disable_staff(tx: Tx, *, by: ActingStaff | None, staff_id: int) -> StaffView:
    """End an account and all its sessions; repeating it changes nothing.

    Errors: DomainError `forbidden`, `last_admin` (somebody must be able to let others in).
    """
    if by is not None:
        require(by, "manage_staff")
    _keep_an_admin(tx, without=staff_id)
    found = tx.one(BY_ID, staff_id=staff_id)
    if found.disabled_at is not None:
        return found
    tx.run(DISABLE, staff_id=staff_id, now=tx.now)
    sessions.end_all_sessions(tx, staff_id=staff_id)
    _record(tx, by, "staff.disabled", found.login)
    return tx.one(BY_ID, staff_id=staff_id)


def set_role(tx: Tx, *, by: ActingStaff | None, staff_id: int, role: str) -> StaffView:
    """Give another role; open sessions have it from their next request.

    Errors: DomainError `forbidden`, `role_unknown`, `last_admin`.
    """
    if by is not None:
        require(by, "manage_staff")
    _check_role(role)
    if role != "admin":
        _keep_an_admin(tx, without=staff_id)
    found = tx.one(BY_ID, staff_id=staff_id)
    if found.role != role:
        tx.run(SET_ROLE, staff_id=staff_id, new_role=role)
        _record(tx, by, "staff.role_set", found.login, before=found.role, after=role)
    return tx.one(BY_ID, staff_id=staff_id)


def find_credentials(tx: Tx, *, login: str) -> Credentials:
    """First step of a log-in (reads only): what to verify the password against, outside the database."""
    login = fold_login(login)[:60]
    row = tx.first(BY_LOGIN_HASH, login=login)
    return Credentials(login, row.password_hash if row is not None else DUMMY_HASH)


def record_login(tx: Tx, *, credentials: Credentials, right: bool) -> NewSession | None:
    """Last step of a log-in: counts a wrong one, opens a session for a right one.

    None for every refusal (wrong, unknown, locked, disabled, changed meanwhile): the person is told the same each time.
    The fifth wrong password in a row locks for 15 minutes of the machine's clock; wrong ones while locked do not prolong it.
    """
    row = _admit(tx, credentials=credentials, right=right)
    if row is None:
        return None
    record(tx, actor_kind="staff", actor_id=row.id, action="staff.logged_in", subject=f"staff:{row.id}")
    return sessions.open_session(tx, staff_id=row.id)


def record_password_change(tx: Tx, *, credentials: Credentials, right: bool, password_hash: str, token: str) -> bool:
    """Last step of changing one's own password: all other sessions of the person end, the one of `token` stays.

    False when the present password was not right: counted and locked like a log-in, so that an unattended page is no place
    to guess it. A result and not an error: the count must be kept.
    """
    row = _admit(tx, credentials=credentials, right=right)
    if row is None:
        return False
    tx.run(SET_PASSWORD, staff_id=row.id, new_hash=password_hash)
    sessions.end_other_sessions(tx, staff_id=row.id, token=token)
    record(tx, actor_kind="staff", actor_id=row.id, action="staff.password_set", subject=f"staff:{credentials.login}")
    return True


def reset_password(tx: Tx, *, staff_id: int, password_hash: str) -> StaffView:
    """The command's way for somebody who has forgotten theirs: a new one, no lock any more, all sessions end."""
    found = tx.one(BY_ID, staff_id=staff_id)
    tx.run(SET_PASSWORD, staff_id=staff_id, new_hash=password_hash)
    sessions.end_all_sessions(tx, staff_id=staff_id)
    _record(tx, None, "staff.password_reset", found.login)
    return tx.one(BY_ID, staff_id=staff_id)


def _admit(tx: Tx, *, credentials: Credentials, right: bool) -> _Row | None:
    """The person, locked, if the password was right and may be used; else None, and the wrong try is counted."""
    row = tx.first(LOCK, login=credentials.login)
    locked = row is not None and row.locked_until is not None and row.locked_until > tx.real
    if row is None or row.disabled_at is not None or locked:
        record(
            tx,
            actor_kind="system",
            action="staff.login_refused",
            subject="staff:?" if row is None else f"staff:{row.id}",
        )
        return None
    if right and row.password_hash == credentials.password_hash:
        tx.run(COUNT_LOGIN, staff_id=row.id, wrong=0, until=None)
        return row
    wrong = row.failed_logins + 1
    locks = wrong >= WRONG_LOGINS
    tx.run(COUNT_LOGIN, staff_id=row.id, wrong=0 if locks else wrong, until=tx.real + LOCKED_FOR if locks else None)
    action = "staff.locked" if locks else "staff.login_refused"
    record(tx, actor_kind="system", action=action, subject=f"staff:{row.id}")
    return None


BY_LOGIN_HASH = Read(Credentials, select(Staff.login, Staff.password_hash).where(Staff.login == bindparam("login")))


def _keep_an_admin(tx: Tx, *, without: int) -> None:
    """Locks all admins first, so that two of them cannot remove each other at the same moment."""
    admins = [row.id for row in tx.all(ADMINS)]
    if admins == [without]:
        raise DomainError("last_admin")


def _check_role(role: str) -> None:
    if role not in ROLES:
        raise DomainError("role_unknown", role=role, roles=ROLES)


def _record(tx: Tx, by: ActingStaff | None, action: str, login: str, **detail: str) -> None:
    kind, actor_id = ("system", None) if by is None else ("staff", by.id)
    record(tx, actor_kind=kind, actor_id=actor_id, action=action, subject=f"staff:{login}", detail=detail)
