"""Log-ins of the desk: 12 hours at most, 2 hours without a request; only a hash of the cookie's value is stored.

All times are the machine's (`tx.real`): a demo clock that is moved logs nobody out.
"""

import hashlib
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import bindparam, delete, insert, select, update

from core.db import Tx
from core.members.tables import Staff, StaffSession
from core.statements import Read, Write

LONGEST = timedelta(hours=12)
IDLE = timedelta(hours=2)
TOUCH_EVERY = timedelta(minutes=1)  # a page with ten pictures writes once
TOKEN_LENGTH = 43


class NewSession(NamedTuple):
    """A session just opened: `token` is the cookie's value and is known to nobody else."""

    token: str
    csrf: str
    staff_id: int
    expires_at: datetime


class SessionView(NamedTuple):
    """Who is logged in (`id` is of the staff row); `csrf` must come back with everything that changes something."""

    id: int
    login: str
    name: str
    role: str
    language: str
    csrf: str
    seen_at: datetime
    expires_at: datetime


class _Ended(NamedTuple):
    token_hash: str


ADD = Write(
    insert(StaffSession).values(
        {name: bindparam(name) for name in ("token_hash", "staff_id", "csrf", "created_at", "seen_at", "expires_at")}
    )
)
FIND = Read(
    SessionView,
    select(
        Staff.id,
        Staff.login,
        Staff.name,
        Staff.role,
        Staff.language,
        StaffSession.csrf,
        StaffSession.seen_at,
        StaffSession.expires_at,
    )
    .join(Staff, Staff.id == StaffSession.staff_id)
    .where(
        StaffSession.token_hash == bindparam("token_hash"),
        StaffSession.expires_at > bindparam("real"),
        StaffSession.seen_at > bindparam("idle_since"),
        Staff.disabled_at.is_(None),
    ),
)
TOUCH = Write(
    update(StaffSession).where(StaffSession.token_hash == bindparam("token_hash")).values(seen_at=bindparam("real"))
)
END = Write(delete(StaffSession).where(StaffSession.token_hash == bindparam("token_hash")))
END_OTHERS = Write(
    delete(StaffSession).where(
        StaffSession.staff_id == bindparam("staff_id"), StaffSession.token_hash != bindparam("token_hash")
    )
)
END_ALL = Write(delete(StaffSession).where(StaffSession.staff_id == bindparam("staff_id")))
PURGE = Read(
    _Ended,
    delete(StaffSession)
    .where((StaffSession.expires_at <= bindparam("real")) | (StaffSession.seen_at <= bindparam("idle_since")))
    .returning(StaffSession.token_hash),
)


def open_session(tx: Tx, *, staff_id: int) -> NewSession:
    """A fresh session; the token is a new one, whatever the browser brought."""
    session = NewSession(tx.ids.token(TOKEN_LENGTH), tx.ids.token(32), staff_id, tx.real + LONGEST)
    tx.run(
        ADD,
        token_hash=_hash(session.token),
        staff_id=staff_id,
        csrf=session.csrf,
        created_at=tx.real,
        seen_at=tx.real,
        expires_at=session.expires_at,
    )
    return session


def find_session(tx: Tx, *, token: str) -> SessionView | None:
    """Who this cookie belongs to (reads only); None when it ran out, ended, or its owner was disabled."""
    return tx.first(FIND, token_hash=_hash(token), real=tx.real, idle_since=tx.real - IDLE)


def is_touch_due(session: SessionView, *, real: datetime) -> bool:
    """Whether this request should be noted by `touch_session`: at most one write a minute."""
    return real - session.seen_at >= TOUCH_EVERY


def touch_session(tx: Tx, *, token: str) -> None:
    """Note that the session is in use. One that has run out stays so: `find_session` is asked before."""
    if find_session(tx, token=token) is not None:
        tx.run(TOUCH, token_hash=_hash(token), real=tx.real)


def end_session(tx: Tx, *, token: str) -> None:
    """Log out; repeating it changes nothing."""
    tx.run(END, token_hash=_hash(token))


def end_all_sessions(tx: Tx, *, staff_id: int) -> None:
    """Log out everywhere."""
    tx.run(END_ALL, staff_id=staff_id)


def end_other_sessions(tx: Tx, *, staff_id: int, token: str) -> None:
    """Log out everywhere but here."""
    tx.run(END_OTHERS, staff_id=staff_id, token_hash=_hash(token))


def purge_sessions(tx: Tx) -> int:
    """Delete the rows of sessions that have run out; how many there were."""
    return len(tx.all(PURGE, real=tx.real, idle_since=tx.real - IDLE))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
