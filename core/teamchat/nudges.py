"""Who holds a ticket hears by themselves when half and four fifths of its time are over (dialogue-and-desk.md 1.6).

The clocks decide when (inside business hours, each stage once); a person's reminders of one day stand in one direct thread.
"""

from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, select
from sqlalchemy.dialects.postgresql import insert

from core.clock import day_in_japan
from core.db import Tx
from core.delivery import outbox
from core.members.identities import find_identity
from core.statements import Read, Write
from core.teamchat.tables import TeamDirect
from core.teamchat.threads import LANE
from core.tickets.clocks import OF_TICKET
from core.tickets.facts import TicketDue
from core.tickets.threads import TicketView, get_ticket

NUDGED = frozenset({"half", "soon"})  # at the end the channel is told


class DirectView(NamedTuple):
    """The day's thread with one person."""

    team: str
    user: str
    day: date
    place: str
    root_ref: str


class Nudge(NamedTuple):
    """What somebody is reminded of now; `direct` None: nothing was said to them today."""

    ticket: TicketView
    stage: str
    level: str
    due_at: datetime
    direct: DirectView | None


_DIRECT = tuple(getattr(TeamDirect, name) for name in DirectView._fields)
FIND = Read(
    DirectView,
    select(*_DIRECT).where(
        TeamDirect.team == bindparam("team_"),
        TeamDirect.user == bindparam("user_"),
        TeamDirect.day == bindparam("day_"),
    ),
)
KEEP = Write(insert(TeamDirect).values({name: bindparam(name) for name in DirectView._fields}).on_conflict_do_nothing())


def owe_nudge(tx: Tx, fact: TicketDue) -> None:
    """To the holder, if they are known in the messenger; once for each stage of a deadline."""
    if fact.stage not in NUDGED or fact.assignee_id is None:
        return
    person = find_identity(tx, staff_id=fact.assignee_id)
    if person is None:
        return
    outbox.owe(
        tx,
        channel=LANE,
        account="",
        address=person.user,
        order_key=f"{LANE}:direct:{person.user}",
        kind="nudge",
        payload={
            "op": "nudge", "team": person.team, "user": person.user, "staff_id": fact.assignee_id,
            "ticket_id": fact.ticket_id, "stage": fact.stage, "level": fact.level, "due_at": fact.due_at.isoformat(),
        },
        reason="reminder to one of staff",
        dedupe_key=f"nudge:{fact.ticket_id}:{fact.level}:{fact.stage}:{fact.due_at.isoformat()}",
    )  # fmt: skip


def read_nudge(tx: Tx, payload: dict[str, Any]) -> Nudge | None:
    """None: it has been answered, put off or given to somebody else since."""
    ticket = get_ticket(tx, ticket_id=int(payload["ticket_id"]))
    due_at = datetime.fromisoformat(payload["due_at"])
    runs = any(row.due_at == due_at and row.level == payload["level"] for row in tx.all(OF_TICKET, ticket_id=ticket.id))
    if not runs or ticket.assignee_id != payload["staff_id"]:
        return None
    direct = tx.first(FIND, team_=payload["team"], user_=payload["user"], day_=day_in_japan(tx.now))
    return Nudge(ticket, str(payload["stage"]), str(payload["level"]), due_at, direct)


def record_direct(tx: Tx, payload: dict[str, Any], *, place: str, root_ref: str) -> None:
    """The first reminder of a day: the others of that day stand below it."""
    tx.run(
        KEEP,
        team=str(payload["team"]),
        user=str(payload["user"]),
        day=day_in_japan(tx.now),
        place=place,
        root_ref=root_ref,
    )
