"""The audit trail (row Q6): who did what to whom, and when. Append-only; `detail` never carries personal data."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, insert, or_, select
from sqlalchemy.types import BigInteger, Boolean, String

from core.db import Tx
from core.errors import InvariantBroken
from core.members.roles import ActingStaff, require
from core.members.tables import Audit, Member, Staff
from core.statements import Instant, Read, Write

PAGE_ROWS = 50
ACTORS = ("member", "staff", "system")


class AuditView(NamedTuple):
    """One entry as the desk lists it."""

    id: int
    at: datetime
    actor_kind: str
    actor_id: int | None
    action: str
    subject: str
    member_id: int | None
    detail: dict[str, Any]
    staff_login: str | None
    member_no: str | None


class AuditPage(NamedTuple):
    """Entries, newest first; `before_id` asks for the next page, None at the end."""

    entries: tuple[AuditView, ...]
    before_id: int | None


ADD = Write(
    insert(Audit).values(
        {
            name: bindparam(name)
            for name in ("id", "at", "actor_kind", "actor_id", "action", "subject", "member_id", "detail")
        }
    )
)
LIST = Read(
    AuditView,
    select(
        Audit.id,
        Audit.at,
        Audit.actor_kind,
        Audit.actor_id,
        Audit.action,
        Audit.subject,
        Audit.member_id,
        Audit.detail,
        Staff.login,
        Member.member_no,
    )
    .outerjoin(Staff, (Audit.actor_kind == "staff") & (Staff.id == Audit.actor_id))
    .outerjoin(Member, Member.id == Audit.member_id)
    .where(
        Audit.id < bindparam("before_id", type_=BigInteger),
        or_(bindparam("any_member", type_=Boolean), Audit.member_id == bindparam("wanted_member", type_=BigInteger)),
        or_(
            bindparam("any_staff", type_=Boolean),
            (Audit.actor_kind == "staff") & (Audit.actor_id == bindparam("staff")),
        ),
        or_(bindparam("any_action", type_=Boolean), Audit.action == bindparam("wanted_action", type_=String)),
        Audit.at >= bindparam("since", type_=Instant),
        Audit.at < bindparam("until", type_=Instant),
    )
    .order_by(Audit.id.desc())
    .limit(bindparam("count")),
)


def record(
    tx: Tx,
    *,
    actor_kind: str,
    actor_id: int | None = None,
    action: str,
    subject: str,
    member_id: int | None = None,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Write one entry in the transaction of the act itself: an act without its entry cannot be committed."""
    if actor_kind not in ACTORS:
        raise InvariantBroken(f"no such actor: {actor_kind}")
    tx.run(
        ADD,
        id=tx.ids.new(),
        at=tx.now,
        actor_kind=actor_kind,
        actor_id=actor_id,
        action=action,
        subject=subject,
        member_id=member_id,
        detail=dict(detail or {}),
    )


def list_audit(
    tx: Tx,
    staff: ActingStaff,
    *,
    member_id: int | None = None,
    staff_id: int | None = None,
    action: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    before_id: int | None = None,
    limit: int = PAGE_ROWS,
) -> AuditPage:
    """One page of the trail, newest first, for whoever has the right `see_audit`; a filter left out does not filter.

    `since` counts in, `until` does not. Errors: DomainError `forbidden`.
    """
    require(staff, "see_audit")
    rows = tx.all(
        LIST,
        before_id=before_id if before_id is not None else 2**62,
        any_member=member_id is None,
        wanted_member=member_id or 0,
        any_staff=staff_id is None,
        staff=staff_id or 0,
        any_action=action is None,
        wanted_action=action or "",
        since=since or datetime.fromisoformat("2000-01-01T00:00:00+00:00"),
        until=until or datetime.fromisoformat("9999-01-01T00:00:00+00:00"),
        count=limit + 1,
    )
    page = tuple(rows[:limit])
    return AuditPage(page, page[-1].id if len(rows) > limit else None)
