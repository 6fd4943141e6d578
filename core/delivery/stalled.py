"""Lanes that do not move: what was tried, was not sent and still waits (a token refused, a quota used up, an outage)."""

from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import bindparam, func, or_, select

from core.db import Tx
from core.delivery.tables import Outbox
from core.statements import Read, among

PATIENCE = timedelta(minutes=2)  # shorter troubles mend themselves before anybody has read of them
LONG_PAUSE = timedelta(minutes=1)  # whoever is told to wait so long stands still, however new the message


class StalledView(NamedTuple):
    """A channel on which messages wait: how many were tried in vain, since when, and what the platform said last."""

    channel: str
    waiting: int
    since: datetime
    answer: str | None


class _Stalled(NamedTuple):
    channel: str
    waiting: int
    since: datetime
    newest_id: int


class _Answer(NamedTuple):
    answer: str | None


STALLED = Read(
    _Stalled,
    select(Outbox.channel, func.count(), func.min(Outbox.due_at), func.max(Outbox.id))
    .where(
        among(Outbox.state, "queued", "sending"),  # the partial index's own words
        Outbox.state == "queued",
        Outbox.attempts > 0,
        Outbox.due_at <= bindparam("now"),
        or_(Outbox.due_at <= bindparam("patient"), Outbox.next_try_at > bindparam("soon")),
    )
    .group_by(Outbox.channel)
    .order_by(Outbox.channel),
)
ANSWER = Read(_Answer, select(Outbox.answer).where(Outbox.id == bindparam("outbox_id")))


def list_stalled(tx: Tx) -> list[StalledView]:
    """The channels that stand still now, for staff; a chat's later messages wait behind those counted."""
    found = tx.all(STALLED, now=tx.now, patient=tx.now - PATIENCE, soon=tx.real + LONG_PAUSE)
    return [
        StalledView(row.channel, row.waiting, row.since, tx.one(ANSWER, outbox_id=row.newest_id).answer)
        for row in found
    ]
