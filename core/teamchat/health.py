"""Whether the staff's messenger can be reached; while it cannot, the browser desk says so, and what is urgent goes by mail."""

from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import bindparam, literal_column, select

from core.db import Tx
from core.delivery.settings import get_setting, set_setting
from core.statements import Read
from core.teamchat.tables import TeamThread
from core.tickets.tables import Ticket

KEY = "team_chat_health"
AWAY_AFTER = timedelta(minutes=10)  # a shorter outage is over before a mail is read (dialogue-and-desk.md 1.5)
MOST = 200  # urgent tickets at once


class Unseen(NamedTuple):
    """An urgent ticket whose thread does not show everything."""

    ticket_id: int
    ticket_no: str


UNSEEN = Read(
    Unseen,
    select(Ticket.id, Ticket.ticket_no)
    .join(TeamThread, TeamThread.ticket_id == Ticket.id)
    .where(
        TeamThread.open,
        TeamThread.shown_revision < TeamThread.revision,
        Ticket.priority == literal_column("'urgent'"),
    )
    .order_by(Ticket.id)
    .limit(bindparam("most")),
)


class Outage(NamedTuple):
    """Since when, and the messenger's own code for it (is_archived, token_revoked, ratelimited, unreachable, …)."""

    since: datetime
    why: str


def report_health(tx: Tx, *, why: str) -> None:
    """What the last call gave: the code of what is wrong, or nothing when all is well. Written only when it changes."""
    before = find_outage(tx)
    if (before.why if before is not None else "") == why:
        return
    since = before.since if before is not None and why else tx.now
    set_setting(tx, key=KEY, value={"why": why, "since": since.isoformat()} if why else {})
    tx.wake("desk")


def find_outage(tx: Tx) -> Outage | None:
    """What is wrong now; None: nothing that is known."""
    value = get_setting(tx, key=KEY, default={})
    return Outage(datetime.fromisoformat(value["since"]), str(value["why"])) if value else None


def list_unseen_urgent(tx: Tx, outage: Outage) -> list[Unseen]:
    """What staff must hear of by another way by now; nothing while the outage is young."""
    return tx.all(UNSEEN, most=MOST) if tx.now - outage.since >= AWAY_AFTER else []
