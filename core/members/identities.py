"""Who staff are in their own messenger (Slack): team id and user id together, added by an admin (row Q2)."""

import re
from typing import NamedTuple

from sqlalchemy import bindparam, delete, select
from sqlalchemy.dialects.postgresql import insert

from core.db import Tx
from core.errors import DomainError
from core.members.audit import record
from core.members.roles import ActingStaff, require
from core.members.staff import StaffView, find_staff
from core.members.tables import Staff, StaffIdentity
from core.statements import Read, Write

SLACK = "slack"
_SHAPES = {SLACK: (re.compile(r"T[A-Z0-9]{2,20}"), re.compile(r"[UW][A-Z0-9]{2,20}"))}


class IdentityView(NamedTuple):
    """One person's ids there."""

    channel: str
    team: str
    user: str
    staff_id: int


_STAFF = tuple(getattr(Staff, name) for name in StaffView._fields)
_VIEW = tuple(getattr(StaffIdentity, name) for name in IdentityView._fields)
BY_IDENTITY = Read(
    StaffView,
    select(*_STAFF)
    .join(StaffIdentity, StaffIdentity.staff_id == Staff.id)
    .where(
        StaffIdentity.channel == bindparam("channel_"),
        StaffIdentity.team == bindparam("team_"),
        StaffIdentity.user == bindparam("user_"),
        Staff.disabled_at.is_(None),
    ),
)
OF_STAFF = Read(IdentityView, select(*_VIEW).where(StaffIdentity.staff_id == bindparam("staff_")))
ALL = Read(
    IdentityView, select(*_VIEW).where(StaffIdentity.channel == bindparam("channel_")).order_by(StaffIdentity.staff_id)
)
ADD = Read(
    IdentityView,
    insert(StaffIdentity)
    .values({name: bindparam(name) for name in (*IdentityView._fields, "added_at")})
    .on_conflict_do_nothing(index_elements=["channel", "team", "user"])
    .returning(*_VIEW),
)
DROP = Write(
    delete(StaffIdentity).where(
        StaffIdentity.staff_id == bindparam("staff_"), StaffIdentity.channel == bindparam("channel_")
    )
)


def set_identity(
    tx: Tx, *, by: ActingStaff | None, login: str, team: str, user: str, channel: str = SLACK
) -> IdentityView:
    """Say who somebody of staff is there; an earlier answer is replaced. `by` None is the command line.

    Errors: DomainError `forbidden`, `staff_unknown`, `identity_invalid`, `identity_taken` (login of whose it is).
    """
    if by is not None:
        require(by, "manage_staff")
    team_shape, user_shape = _SHAPES[channel]
    if not team_shape.fullmatch(team) or not user_shape.fullmatch(user):
        raise DomainError("identity_invalid", team=team, user=user)
    staff = find_staff(tx, login=login)
    if staff is None or staff.disabled_at is not None:
        raise DomainError("staff_unknown", login=login)
    tx.run(DROP, staff_=staff.id, channel_=channel)
    added = tx.first(ADD, channel=channel, team=team, user=user, staff_id=staff.id, added_at=tx.now)
    if added is None:
        holder = find_by_identity(tx, team=team, user=user, channel=channel)
        raise DomainError("identity_taken", login=holder.login if holder is not None else "")
    record(
        tx,
        actor_kind="system" if by is None else "staff",
        actor_id=None if by is None else by.id,
        action="staff.identity_set",
        subject=f"staff:{staff.login}",
        detail={"channel": channel, "team": team, "user": user},
    )
    return added


def drop_identity(tx: Tx, *, by: ActingStaff | None, login: str, channel: str = SLACK) -> None:
    """They can do nothing there any more; repeating it changes nothing. Errors: DomainError `forbidden`, `staff_unknown`."""
    if by is not None:
        require(by, "manage_staff")
    staff = find_staff(tx, login=login)
    if staff is None:
        raise DomainError("staff_unknown", login=login)
    tx.run(DROP, staff_=staff.id, channel_=channel)
    record(
        tx,
        actor_kind="system" if by is None else "staff",
        actor_id=None if by is None else by.id,
        action="staff.identity_dropped",
        subject=f"staff:{staff.login}",
        detail={"channel": channel},
    )


def find_by_identity(tx: Tx, *, team: str, user: str, channel: str = SLACK) -> StaffView | None:
    """Who acts there; None: nobody an admin has added, or somebody who has left."""
    return tx.first(BY_IDENTITY, channel_=channel, team_=team, user_=user)


def list_identities(tx: Tx, *, channel: str = SLACK) -> list[IdentityView]:
    """Everybody who is known there."""
    return tx.all(ALL, channel_=channel)


def find_identity(tx: Tx, *, staff_id: int, channel: str = SLACK) -> IdentityView | None:
    """Where to reach somebody of staff."""
    return next((row for row in tx.all(OF_STAFF, staff_=staff_id) if row.channel == channel), None)
