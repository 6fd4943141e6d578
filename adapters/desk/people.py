"""Staff and the audit trail: what only an admin sees."""

import asyncio
from datetime import date, datetime, time, timedelta

from starlette.responses import Response

from adapters.desk.reading import number_in_path, query_day, query_number, query_text, with_query
from adapters.desk.texts import list_codes
from adapters.desk.visits import Visit
from core.clock import at_in_japan
from core.db import Tx
from core.errors import DomainError
from core.ids import SystemIds
from core.members.audit import AuditPage, list_audit
from core.members.passwords import hash_password
from core.members.roles import ROLES, require
from core.members.service import find_member
from core.members.staff import StaffView, add_staff, disable_staff, list_staff, set_role

SALT = SystemIds()  # secrets of the operating system


async def show_staff(visit: Visit) -> Response:
    """Everybody, and the form for one more."""

    def look(tx: Tx) -> tuple[list[StaffView], datetime]:
        require(visit.staff, "manage_staff")
        return list_staff(tx), tx.real

    people, real = await visit.read(look)
    return visit.show("staff.html", people=people, real=real, roles=ROLES)


async def add_person(visit: Visit) -> Response:
    """One more; the password is hashed on a thread of its own."""
    require(visit.staff, "manage_staff")  # before 50 ms of hashing; the use case asks again
    form = visit.need_form()
    login, password = form.text("login", limit=60), form.text("password", limit=1_000, trimmed=False)
    hashed = await asyncio.to_thread(hash_password, SALT, login=login, password=password)
    await visit.write(
        lambda tx: add_staff(
            tx,
            by=visit.staff,
            login=login,
            name=form.text("name", limit=100),
            role=form.text("role", limit=10),
            password_hash=hashed,
            language="en" if form.text("language") == "en" else "ja",
        ),
        name="add_staff",
    )
    return visit.go("/desk/staff", done="staff_added")


async def disable_person(visit: Visit) -> Response:
    """Ends an account and its sessions."""
    staff_id = number_in_path(visit, "staff_id")
    await visit.write(
        lambda tx: disable_staff(tx, by=visit.staff, staff_id=_known(tx, visit, staff_id)), name="disable_staff"
    )
    return visit.go("/desk/staff", done="staff_disabled")


async def change_role(visit: Visit) -> Response:
    """Another role, from the person's next request on."""
    staff_id, role = number_in_path(visit, "staff_id"), visit.need_form().text("role", limit=10)
    await visit.write(
        lambda tx: set_role(tx, by=visit.staff, staff_id=_known(tx, visit, staff_id), role=role), name="set_role"
    )
    return visit.go("/desk/staff", done="role_set")


def _known(tx: Tx, visit: Visit, staff_id: int) -> int:
    require(visit.staff, "manage_staff")
    if all(person.id != staff_id for person in list_staff(tx)):
        raise DomainError("staff_not_found")
    return staff_id


async def show_audit(visit: Visit) -> Response:
    """The trail with its filters, newest first."""
    given = {name: query_text(visit, name, limit=60) for name in ("member", "who", "action", "since", "until")}
    since, until = query_day(visit, "since"), query_day(visit, "until")
    before_id = query_number(visit, "before")
    who = query_number(visit, "who")

    def look(tx: Tx) -> tuple[AuditPage, list[StaffView]]:
        require(visit.staff, "see_audit")
        member = find_member(tx, member_no=given["member"]) if given["member"] else None
        member_id = None if not given["member"] else member.id if member else -1
        page = list_audit(
            tx,
            visit.staff,
            member_id=member_id,
            staff_id=who,
            action=given["action"] or None,
            since=_midnight(since),
            until=_midnight(until + timedelta(days=1)) if until else None,
            before_id=before_id,
        )
        return page, list_staff(tx)

    page, people = await visit.read(look)
    older = with_query(visit, before=page.before_id) if page.before_id else ""
    return visit.show(
        "audit.html", entries=page.entries, older=older, given=given, people=people, actions=list_codes("audit_action")
    )


def _midnight(day: date | None) -> datetime | None:
    return None if day is None else at_in_japan(day, time.min)
