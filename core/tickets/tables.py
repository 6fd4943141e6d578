"""Ticket and what was said in it."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from core.statements import Base, Instant, Json


class Ticket(Base):
    """An inquiry or a payment report for staff (お問い合わせ)."""

    __tablename__ = "ticket"
    __table_args__ = (
        Index("ix_ticket_status", "status", "touched_at"),
        Index("ix_ticket_member_id", "member_id", "id"),
        Index("ix_ticket_chat_id", "chat_id", "id"),
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
