"""Chat, message, form."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.statements import Base, Instant, Json


class Chat(Base):
    """One conversation partner on one channel. Its row is locked first in every turn: order, one turn at a time."""

    __tablename__ = "chat"
    __table_args__ = (
        UniqueConstraint("channel", "account", "address"),
        Index(
            "ix_chat_human",
            "speaker",
            sqlite_where=text("speaker = 'human'"),
            postgresql_where=text("speaker = 'human'"),
        ),
    )
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    channel: Mapped[str] = mapped_column(String(16))
    account: Mapped[str] = mapped_column(String(64))
    address: Mapped[str] = mapped_column(String(64))
    language: Mapped[str | None] = mapped_column(String(2))  # None: not chosen yet, the platform's hint counts
    hint: Mapped[str] = mapped_column(String(2))
    display_name: Mapped[str] = mapped_column(String(100))
    reachable: Mapped[bool]
    speaker: Mapped[str] = mapped_column(String(5))  # bot, human
    member_id: Mapped[int | None] = mapped_column(BigInteger)  # the active membership; links are in chat_link
    ticket_id: Mapped[int | None] = mapped_column(BigInteger)  # the ticket a person is talking in
    last_seq: Mapped[int] = mapped_column(BigInteger)
    misses: Mapped[int]  # consecutive messages the bot did not understand
    window_at: Mapped[datetime] = mapped_column(Instant)  # flood guard
    window_count: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(Instant)
    last_inbound_at: Mapped[datetime | None] = mapped_column(Instant)


class Message(Base):
    """One bubble, either way. `seq` orders a chat without gaps, so that a page can catch up after a reload."""

    __tablename__ = "message"
    __table_args__ = (
        UniqueConstraint("chat_id", "seq"),
        Index(
            "ix_message_platform_ref",
            "chat_id",
            "platform_ref",
            sqlite_where=text("platform_ref IS NOT NULL"),
            postgresql_where=text("platform_ref IS NOT NULL"),
        ),
    )
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    chat_id: Mapped[int] = mapped_column(BigInteger)
    seq: Mapped[int] = mapped_column(BigInteger)
    author: Mapped[str] = mapped_column(String(6))  # member, bot, staff
    author_name: Mapped[str | None] = mapped_column(String(100))
    kind: Mapped[str] = mapped_column(String(24))
    body: Mapped[Any] = mapped_column(Json)  # an inbound's or a screen's public form
    actions: Mapped[Any] = mapped_column(Json)  # what its buttons do; never leaves the database
    screen_key: Mapped[str | None] = mapped_column(String(12))
    platform_ref: Mapped[str | None] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(Instant)
    edited_at: Mapped[datetime | None] = mapped_column(Instant)


class FormRun(Base):
    """A multi-step form under way or done (row X2): survives restarts; its revision makes old buttons harmless."""

    __tablename__ = "form_run"
    __table_args__ = (
        Index(
            "uq_form_run_active",
            "chat_id",
            unique=True,
            sqlite_where=text("state = 'active'"),
            postgresql_where=text("state = 'active'"),
        ),
        Index("ix_form_run_chat_id", "chat_id", "id"),
        Index(
            "ix_form_run_live",
            "state",
            "touched_at",
            sqlite_where=text("state IN ('active', 'parked')"),
            postgresql_where=text("state IN ('active', 'parked')"),
        ),
    )
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    chat_id: Mapped[int] = mapped_column(BigInteger)
    member_id: Mapped[int | None] = mapped_column(BigInteger)
    name: Mapped[str] = mapped_column(String(40))
    form_version: Mapped[int]
    state: Mapped[str] = mapped_column(String(9))  # active, parked, done, cancelled, expired, closed
    step: Mapped[str] = mapped_column(String(80))
    answers: Mapped[Any] = mapped_column(Json)
    revision: Mapped[int]
    wrong: Mapped[int]  # wrong answers to the present step
    result: Mapped[Any | None] = mapped_column(Json)  # what to show again at a second press
    started_at: Mapped[datetime] = mapped_column(Instant)
    touched_at: Mapped[datetime] = mapped_column(Instant)
