"""Inbox, outbox, leases, stored files, settings of the deployment."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.statements import Base, Instant, Json


class Inbox(Base):
    """One delivery from outside. Its key is stored in the same transaction as its effect: that is "exactly one effect"."""

    __tablename__ = "inbox"
    __table_args__ = (
        UniqueConstraint("channel", "account", "delivery_key"),
        Index(
            "ix_inbox_unfinished",
            "chat_key",
            "id",
            sqlite_where=text("state IN ('retry', 'waiting')"),
            postgresql_where=text("state IN ('retry', 'waiting')"),
        ),
        Index("ix_inbox_received_at", "received_at"),
        Index("ix_inbox_dead", "state", sqlite_where=text("state = 'dead'"), postgresql_where=text("state = 'dead'")),
    )
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    channel: Mapped[str] = mapped_column(String(16))
    account: Mapped[str] = mapped_column(String(64))  # the bot's own id: update ids repeat across bots
    delivery_key: Mapped[str] = mapped_column(String(128))
    chat_key: Mapped[str] = mapped_column(String(160))
    state: Mapped[str] = mapped_column(String(8))  # done, retry, waiting (behind a retry of its chat), dead, ignored
    payload: Mapped[Any] = mapped_column(Json)
    attempts: Mapped[int]
    next_try_at: Mapped[datetime | None] = mapped_column(Instant)
    received_at: Mapped[datetime] = mapped_column(Instant)
    done_at: Mapped[datetime | None] = mapped_column(Instant)
    error: Mapped[str | None] = mapped_column(String(200))


class Outbox(Base):
    """One thing that must leave, owed since its turn committed; also the delivery record of what became of it (row X5)."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index(
            "ix_outbox_unfinished",
            "channel",
            "order_key",
            "id",
            sqlite_where=text("state IN ('queued', 'sending')"),
            postgresql_where=text("state IN ('queued', 'sending')"),
        ),
        Index("ix_outbox_member_id", "member_id", "id"),
        Index("ix_outbox_state", "state", "id"),
        Index("ix_outbox_subject_key", "subject_key"),
        Index("ix_outbox_repeats", "repeats", sqlite_where=text("repeats > 0"), postgresql_where=text("repeats > 0")),
    )
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    channel: Mapped[str] = mapped_column(String(16))  # the lane: telegram, webchat, mail
    account: Mapped[str] = mapped_column(String(64))
    address: Mapped[str] = mapped_column(String(320))  # frozen when owed
    order_key: Mapped[str] = mapped_column(String(340))
    kind: Mapped[str] = mapped_column(String(24))  # reply, code, staff_reply, money, reminder, notice
    payload: Mapped[Any] = mapped_column(Json)
    reason: Mapped[str] = mapped_column(String(80))  # why it was created, and why by this channel
    subject_key: Mapped[str | None] = mapped_column(
        String(64)
    )  # "reminder:…": asked again at sending whether still wanted
    dedupe_key: Mapped[str | None] = mapped_column(String(160), unique=True)
    chat_id: Mapped[int | None] = mapped_column(BigInteger)
    message_id: Mapped[int | None] = mapped_column(BigInteger)
    member_id: Mapped[int | None] = mapped_column(BigInteger)
    ticket_id: Mapped[int | None] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(String(10))  # queued, sending, sent, unknown, dead, cancelled, mailed, moved
    attempts: Mapped[int]
    repeats: Mapped[int]  # times it was sent again after an unknown outcome: each may have doubled a message
    due_at: Mapped[datetime] = mapped_column(Instant)  # business clock
    next_try_at: Mapped[datetime] = mapped_column(Instant)  # real clock
    lease_owner: Mapped[str | None] = mapped_column(String(40))
    lease_until: Mapped[datetime | None] = mapped_column(Instant)
    created_at: Mapped[datetime] = mapped_column(Instant)
    finished_at: Mapped[datetime | None] = mapped_column(Instant)
    platform_ref: Mapped[str | None] = mapped_column(String(64))
    answer: Mapped[str | None] = mapped_column(String(200))


class Lease(Base):
    """Who leads (scheduler) or sends (a lane) at present; lost leases run out by themselves."""

    __tablename__ = "lease"
    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    owner: Mapped[str] = mapped_column(String(40))
    until: Mapped[datetime] = mapped_column(Instant)


class SetAside(Base):
    """One row that a timed job could not do: left out of its portions until the next try, shown to staff."""

    __tablename__ = "set_aside"
    job: Mapped[str] = mapped_column(String(16), primary_key=True)
    subject_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    member_id: Mapped[int | None] = mapped_column(BigInteger)
    error: Mapped[str] = mapped_column(String(80))
    attempts: Mapped[int]
    first_at: Mapped[datetime] = mapped_column(Instant)  # business clock, as staff read it
    last_at: Mapped[datetime] = mapped_column(Instant)
    next_try_at: Mapped[datetime] = mapped_column(Instant)  # real clock


class StoredFile(Base):
    """A file from or for a member. In the database, so that every replica has it and a backup is whole."""

    __tablename__ = "stored_file"
    __table_args__ = (
        Index("ix_stored_file_chat_id", "chat_id", "created_at"),
        Index("ix_stored_file_source_hash", "source_hash", "created_at"),
    )
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    chat_id: Mapped[int | None] = mapped_column(BigInteger)
    name: Mapped[str] = mapped_column(String(200))
    mime: Mapped[str] = mapped_column(String(100))
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str | None] = mapped_column(String(64))
    content: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    state: Mapped[str] = mapped_column(String(8))  # stored, pending (still at the platform), failed, erased
    remote_ref: Mapped[str | None] = mapped_column(String(200))
    source_hash: Mapped[str | None] = mapped_column(String(64))  # the network address it came from, as a keyed hash
    token: Mapped[str] = mapped_column(String(32), unique=True)  # in its address; unguessable
    created_at: Mapped[datetime] = mapped_column(Instant)


class Setting(Base):
    """Facts of the deployment that all processes share (demo clock offset, schema of the demo data)."""

    __tablename__ = "setting"
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[Any] = mapped_column(Json)


class Counter(Base):
    """Numbers without gaps, by series and calendar year (algorithms.md 4); the last lock of the turn that takes one."""

    __tablename__ = "counter"
    series: Mapped[str] = mapped_column(String(16), primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True)
    n: Mapped[int] = mapped_column(BigInteger)
