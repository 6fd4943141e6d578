"""Ticket, what was said in it, its clocks, who is writing an answer, how it was rated; staff's prepared answers."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from core.statements import Base, Instant, Json


class Ticket(Base):
    """An inquiry or a payment report for staff (お問い合わせ)."""

    __tablename__ = "ticket"
    __table_args__ = (
        Index("ix_ticket_status", "status", "touched_at"),
        Index("ix_ticket_member_id", "member_id", "id"),
        Index("ix_ticket_chat_id", "chat_id", "id"),
        Index(
            "ix_ticket_silence_at",
            "silence_at",
            sqlite_where=text("silence_at IS NOT NULL"),
            postgresql_where=text("silence_at IS NOT NULL"),
        ),
        Index(
            "ix_ticket_snoozed_until",
            "snoozed_until",
            sqlite_where=text("snoozed_until IS NOT NULL"),
            postgresql_where=text("snoozed_until IS NOT NULL"),
        ),
        Index(
            "ix_ticket_solved_at",
            "solved_at",
            sqlite_where=text("solved_at IS NOT NULL"),
            postgresql_where=text("solved_at IS NOT NULL"),
        ),
    )
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    ticket_no: Mapped[str] = mapped_column(String(20), unique=True)
    kind: Mapped[str] = mapped_column(String(40))  # a kind of the profile, or payment_report
    queue: Mapped[str] = mapped_column(String(40))  # a queue of the profile: accounting (経理), technical
    status: Mapped[str] = mapped_column(String(8))  # new, open, waiting (for the member), solved
    subject: Mapped[str] = mapped_column(String(200))
    member_id: Mapped[int | None] = mapped_column(BigInteger)
    chat_id: Mapped[int | None] = mapped_column(BigInteger)
    previous_id: Mapped[int | None] = mapped_column(BigInteger)  # the solved ticket that this one goes on from (row Q1)
    assignee_id: Mapped[int | None] = mapped_column(BigInteger)
    unread: Mapped[int]  # messages of the member that no staff has opened
    created_at: Mapped[datetime] = mapped_column(Instant)
    touched_at: Mapped[datetime] = mapped_column(Instant)
    answered_at: Mapped[datetime | None] = mapped_column(Instant)
    solved_at: Mapped[datetime | None] = mapped_column(Instant)
    revision: Mapped[int]  # counts changes of what a card's buttons depend on: state, holder, priority, snooze
    priority: Mapped[str] = mapped_column(String(6))  # low, normal, high, urgent
    snoozed_until: Mapped[datetime | None] = mapped_column(Instant)
    origin: Mapped[str] = mapped_column(String(16))  # form, human, misses, urgent, report, follow_up, provider, staff
    details: Mapped[Any] = mapped_column(Json)  # the kind's own fields: [{code, ja, en, value}]
    due_at: Mapped[datetime | None] = mapped_column(Instant)  # the nearest of its clocks; None: we owe nothing
    due_for: Mapped[str | None] = mapped_column(String(12))  # first_answer, next_answer, resolution
    member_wrote_at: Mapped[datetime | None] = mapped_column(Instant)
    replied_at: Mapped[datetime | None] = mapped_column(Instant)  # staff's latest words to the member
    silence_at: Mapped[datetime | None] = mapped_column(
        Instant
    )  # when silence is next spoken about, or ends the ticket
    silence_told_at: Mapped[datetime | None] = mapped_column(Instant)
    away_told_at: Mapped[datetime | None] = mapped_column(Instant)  # the member heard that nobody is there now


class TicketMessage(Base):
    """One entry of a ticket's thread: the member's words, staff's answers, internal notes, what happened."""

    __tablename__ = "ticket_message"
    __table_args__ = (Index("ix_ticket_message_ticket_id", "ticket_id", "id"),)
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    ticket_id: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime] = mapped_column(Instant)
    author: Mapped[str] = mapped_column(String(6))  # member, staff, bot
    author_id: Mapped[int | None] = mapped_column(BigInteger)
    author_name: Mapped[str] = mapped_column(String(100))
    visibility: Mapped[str] = mapped_column(String(8))  # public, internal
    body: Mapped[str] = mapped_column(Text)
    files: Mapped[Any] = mapped_column(Json)
    outbox_id: Mapped[int | None] = mapped_column(BigInteger)  # where its delivery can be seen
    client_key: Mapped[str | None] = mapped_column(String(80), unique=True)  # a second press of "send" sends nothing


class TicketMessageVersion(Base):
    """What an entry said before it was changed: kept, whoever changed it."""

    __tablename__ = "ticket_message_version"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    message_id: Mapped[int] = mapped_column(BigInteger, index=True)
    body: Mapped[str] = mapped_column(Text)  # before
    new_body: Mapped[str] = mapped_column(Text)
    change: Mapped[str] = mapped_column(String(8))  # edited, removed, unsent (then both are empty)
    by: Mapped[str] = mapped_column(String(24))  # member, staff:ID
    at: Mapped[datetime] = mapped_column(Instant)


class TicketClock(Base):
    """A running or paused clock of a ticket (row Q1): "answer" (first or next) or "resolution"."""

    __tablename__ = "ticket_clock"
    __table_args__ = (
        Index(
            "ix_ticket_clock_half_at",
            "half_at",
            sqlite_where=text("half_at IS NOT NULL"),
            postgresql_where=text("half_at IS NOT NULL"),
        ),
        Index(
            "ix_ticket_clock_soon_at",
            "soon_at",
            sqlite_where=text("soon_at IS NOT NULL"),
            postgresql_where=text("soon_at IS NOT NULL"),
        ),
        Index(
            "ix_ticket_clock_late_at",
            "late_at",
            sqlite_where=text("late_at IS NOT NULL"),
            postgresql_where=text("late_at IS NOT NULL"),
        ),
    )
    ticket_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    clock: Mapped[str] = mapped_column(String(10), primary_key=True)  # answer, resolution
    level: Mapped[str] = mapped_column(String(12))  # first_answer, next_answer, resolution
    used_seconds: Mapped[int] = mapped_column(BigInteger)  # before `from_at`
    from_at: Mapped[datetime | None] = mapped_column(Instant)  # None: paused
    due_at: Mapped[datetime | None] = mapped_column(Instant)  # None: paused
    half_at: Mapped[datetime | None] = mapped_column(Instant)  # when its holder is told that half is over; None: told
    soon_at: Mapped[datetime | None] = mapped_column(Instant)  # when staff are told that it will be due; None: told
    late_at: Mapped[datetime | None] = mapped_column(Instant)  # when staff are told that it is late; None: told


class TicketComposing(Base):
    """Somebody of staff has an answer to this ticket in their hands; each sign of it holds for seconds."""

    __tablename__ = "ticket_composing"
    ticket_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    staff_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    until: Mapped[datetime] = mapped_column(Instant)  # the machine's clock


class TicketRating(Base):
    """What the member thought of how a ticket was answered; asked once."""

    __tablename__ = "ticket_rating"
    ticket_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    member_id: Mapped[int | None] = mapped_column(BigInteger)
    asked_at: Mapped[datetime] = mapped_column(Instant)
    score: Mapped[int | None]  # 1 (not satisfied) to 3 (satisfied)
    words: Mapped[str] = mapped_column(Text)
    rated_at: Mapped[datetime | None] = mapped_column(Instant)


class CannedReply(Base):
    """A prepared answer of the catalogue (定型文), with places for a member's values."""

    __tablename__ = "canned_reply"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    title: Mapped[str] = mapped_column(String(80), unique=True)
    queue: Mapped[str] = mapped_column(String(40))  # "": for every queue
    text_ja: Mapped[str] = mapped_column(Text)
    text_en: Mapped[str] = mapped_column(Text)
    updated_at: Mapped[datetime] = mapped_column(Instant)
