"""What members think of how they were answered (row Q1): asked once for a ticket; the last face counts, words beside."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Integer, bindparam, select, update
from sqlalchemy.dialects.postgresql import insert

from core.db import Tx
from core.errors import DomainError
from core.statements import Read
from core.tickets.entries import wake_desk
from core.tickets.tables import TicketRating

SCORES = (3, 2, 1)  # satisfied, so-so, not satisfied: three faces, which everybody can tell apart
LONGEST_WORDS = 1_000


class RatingView(NamedTuple):
    """A ticket's rating; `score` None: asked and not answered."""

    ticket_id: int
    member_id: int | None
    asked_at: datetime
    score: int | None
    words: str
    rated_at: datetime | None


_VIEW = tuple(getattr(TicketRating, name) for name in RatingView._fields)
ASK = Read(
    RatingView,
    insert(TicketRating)
    .values({name: bindparam(name) for name in RatingView._fields})
    .on_conflict_do_nothing()
    .returning(*_VIEW),
)
OF_TICKET = Read(RatingView, select(*_VIEW).where(TicketRating.ticket_id == bindparam("ticket_id")))
RATE = Read(
    RatingView,
    update(TicketRating)
    .where(
        TicketRating.ticket_id == bindparam("ticket_id"),
        TicketRating.score.is_distinct_from(bindparam("new_score", type_=Integer)),
    )
    .values(score=bindparam("new_score"), rated_at=bindparam("now"))
    .returning(*_VIEW),
)
ADD_WORDS = Read(
    RatingView,
    update(TicketRating)
    .where(TicketRating.ticket_id == bindparam("ticket_id"), TicketRating.words == "")
    .values(words=bindparam("new_words"))
    .returning(*_VIEW),
)


def ask_rating(tx: Tx, *, ticket_id: int, member_id: int | None) -> bool:
    """Whether to ask now: the first time a ticket is solved, never again."""
    row = RatingView(ticket_id, member_id, tx.now, None, "", None)
    return tx.first(ASK, **row._asdict()) is not None


def find_rating(tx: Tx, *, ticket_id: int) -> RatingView | None:
    """None: never asked."""
    return tx.first(OF_TICKET, ticket_id=ticket_id)


def rate(tx: Tx, *, ticket_id: int, score: int) -> RatingView:
    """The member's press: another face corrects the one before, the same again changes nothing.

    Errors: DomainError `rating_unknown`.
    """
    if score not in SCORES:
        raise DomainError("rating_unknown")
    rated = tx.first(RATE, ticket_id=ticket_id, new_score=score, now=tx.now) or find_rating(tx, ticket_id=ticket_id)
    if rated is None:
        raise DomainError("rating_unknown")
    wake_desk(tx, ticket_id)
    return rated


def add_rating_words(tx: Tx, *, ticket_id: int, words: str) -> None:
    """A word beside the score, once."""
    if words.strip():
        tx.first(ADD_WORDS, ticket_id=ticket_id, new_words=words.strip()[:LONGEST_WORDS])
        wake_desk(tx, ticket_id)
