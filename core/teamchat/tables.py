"""Threads of tickets in the staff's messenger, the posts in them, answers on their way to the member."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.statements import Base, Instant, Json


class TeamThread(Base):
    """The thread of a ticket. Its root is named by channel and message together, never by the message alone."""

    __tablename__ = "team_thread"
    __table_args__ = (
        UniqueConstraint("place", "root_ref"),
        Index("ix_team_thread_open", "open", "read_at"),
    )
    ticket_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    place: Mapped[str] = mapped_column(String(32))  # the messenger's channel: C…
    root_ref: Mapped[str | None] = mapped_column(String(32))  # the root's ts, text; None: not posted yet
    revision: Mapped[int] = mapped_column(BigInteger)  # counts what has happened to the ticket
    shown_revision: Mapped[int] = mapped_column(BigInteger)  # up to which the thread shows it
    card: Mapped[str] = mapped_column(String(64))  # digest of the root as it was last drawn
    painted_at: Mapped[datetime | None] = mapped_column(Instant)  # machine's clock
    claimed_at: Mapped[datetime | None] = mapped_column(Instant)  # since when its present holder has it
    seen_ref: Mapped[str] = mapped_column(String(32))  # what staff wrote is known up to here
    read_at: Mapped[datetime] = mapped_column(Instant)  # when it was last read for what was missed (machine's clock)
    open: Mapped[bool] = mapped_column(Boolean)  # read for missed messages


class TeamPost(Base):
    """One message in a thread that is ours, or one of staff's that we know; posts ↔ entries of the ticket."""

    __tablename__ = "team_post"
    __table_args__ = (
        Index("ix_team_post_ticket_id", "ticket_id", "id"),
        Index("ix_team_post_ref", "place", "ref"),
        Index("ix_team_post_message_id", "message_id"),
    )
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    ticket_id: Mapped[int] = mapped_column(BigInteger)
    place: Mapped[str] = mapped_column(String(32))
    ref: Mapped[str | None] = mapped_column(String(32))  # None: not known whether it was posted
    kind: Mapped[str] = mapped_column(String(10))  # root, entry, digest, change, file, staff; alarm: see threads.ALARM
    part: Mapped[int]  # an entry's text, then its files: 0, 1, …
    message_id: Mapped[int | None] = mapped_column(BigInteger)  # the entry of the ticket
    digest: Mapped[str] = mapped_column(String(64))  # of what it shows: another one by now is drawn again
    file_refs: Mapped[Any] = mapped_column(Json)  # the messenger's ids of files that we brought there
    author: Mapped[str] = mapped_column(String(64))  # of staff's own: team and user; of ours: the mark of the post
    at: Mapped[datetime] = mapped_column(Instant)  # machine's clock


class TeamRelease(Base):
    """Words of staff on their way to the member: held for a moment, waiting for their files or for a second press."""

    __tablename__ = "team_release"
    __table_args__ = (
        Index(
            "ix_team_release_waiting",
            "due_at",
            sqlite_where=text("state = 'held'"),
            postgresql_where=text("state = 'held'"),
        ),
        Index("ix_team_release_ticket_id", "ticket_id", "id"),
    )
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    ticket_id: Mapped[int] = mapped_column(BigInteger)
    staff_id: Mapped[int] = mapped_column(BigInteger)
    team: Mapped[str] = mapped_column(String(32))
    user: Mapped[str] = mapped_column(String(32))
    source_key: Mapped[str] = mapped_column(String(100), unique=True)  # one release of one message of staff
    text: Mapped[str] = mapped_column(Text)
    files: Mapped[Any] = mapped_column(Json)  # ids of stored files, as text
    seen_id: Mapped[int] = mapped_column(BigInteger)  # the member's last entry that the writer could see
    state: Mapped[str] = mapped_column(String(10))  # held, asked, released, cancelled, refused
    confirmed: Mapped[bool] = mapped_column(Boolean)  # the writer was warned, and pressed again
    why: Mapped[str] = mapped_column(String(40))  # the code of a refusal or a question
    message_id: Mapped[int | None] = mapped_column(BigInteger)  # the answer it became
    due_at: Mapped[datetime] = mapped_column(Instant)  # machine's clock
    created_at: Mapped[datetime] = mapped_column(Instant)


class TeamDirect(Base):
    """The day's direct thread with one person of staff: what they are reminded of stands in one place (1.6)."""

    __tablename__ = "team_direct"
    team: Mapped[str] = mapped_column(String(32), primary_key=True)
    user: Mapped[str] = mapped_column(String(32), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    place: Mapped[str] = mapped_column(String(32))  # D…
    root_ref: Mapped[str] = mapped_column(String(32))
