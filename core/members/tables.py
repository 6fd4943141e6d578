"""Member, link, confirmation code, staff, session, audit."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.statements import Base, Instant, Json


class Member(Base):
    """A member of the operator (会員)."""

    __tablename__ = "member"
    __table_args__ = (Index("ix_member_email_key", "email_key"), Index("ix_member_name_key", "name_key"))
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    member_no: Mapped[str] = mapped_column(String(40), unique=True)
    external_key: Mapped[str | None] = mapped_column(String(80), unique=True)  # the old system's key: imports repeat
    kind: Mapped[str] = mapped_column(String(10))  # individual, corporate
    name: Mapped[str] = mapped_column(String(200))
    name_kana: Mapped[str] = mapped_column(String(200))
    name_key: Mapped[str] = mapped_column(String(200))  # folded kana of payers (algorithms.md 6)
    email: Mapped[str | None] = mapped_column(String(254))
    email_key: Mapped[str | None] = mapped_column(String(254))  # lower case, NFKC: comparing only
    sub_email: Mapped[str | None] = mapped_column(String(254))
    phone: Mapped[str | None] = mapped_column(String(30))
    postal_code: Mapped[str | None] = mapped_column(String(10))
    address: Mapped[str | None] = mapped_column(String(300))
    birth_on: Mapped[date | None]
    language: Mapped[str] = mapped_column(String(2))
    status: Mapped[str] = mapped_column(String(10))  # active, withdrawn
    early_reminder: Mapped[bool]  # asked for the reminder of 40 days before (row R2)
    reminders_off: Mapped[bool]
    search_text: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Instant)
    updated_at: Mapped[datetime] = mapped_column(Instant)


class ChatLink(Base):
    """A chat connected with a membership (連携). Ended links stay as a record."""

    __tablename__ = "chat_link"
    __table_args__ = (
        Index(
            "uq_chat_link_live",
            "chat_id",
            "member_id",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index("ix_chat_link_member_id", "member_id"),
    )
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    chat_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("chat.id"))
    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("member.id"))
    linked_at: Mapped[datetime] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    ended_by: Mapped[str | None] = mapped_column(String(60))


class LinkCode(Base):
    """A 確認ID under way (row M1). `member_id` None: nobody matched, and the answer is the same as if somebody had."""

    __tablename__ = "link_code"
    __table_args__ = (
        Index("ix_link_code_chat_id", "chat_id", "created_at"),
        Index("ix_link_code_member_id", "member_id", "created_at"),
        Index("ix_link_code_source_hash", "source_hash", "created_at"),
        Index("ix_link_code_network_hash", "network_hash", "created_at"),
    )
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    chat_id: Mapped[int] = mapped_column(BigInteger)
    member_id: Mapped[int | None] = mapped_column(BigInteger)
    source_hash: Mapped[str] = mapped_column(String(64))  # the mail address asked for, hashed: 30 codes an hour each
    network_hash: Mapped[str | None] = mapped_column(String(64))  # the network address asked from, hashed: 30 as well
    code_hash: Mapped[str] = mapped_column(String(64))
    tries: Mapped[int]
    state: Mapped[str] = mapped_column(String(6))  # open, used, dead
    created_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant)


class LinkToken(Base):
    """A one-time way to connect a chat (row M1): a deep link of a member, LINE's page of a chat, or the nonce between them."""

    __tablename__ = "link_token"
    __table_args__ = (Index("ix_link_token_member_id", "member_id", "created_at"),)
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(
        String(6)
    )  # deep (a member's link), page (a chat's page at ours), nonce (for LINE)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)  # the token itself is never stored
    member_id: Mapped[int | None] = mapped_column(BigInteger)
    chat_id: Mapped[int | None] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(String(6))  # open, used, dead
    created_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant)


class Staff(Base):
    """Somebody of the operator's (運営担当者) who logs in to the desk."""

    __tablename__ = "staff"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    login: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    role: Mapped[str] = mapped_column(String(10))  # viewer, agent, accountant, admin (row Q6)
    language: Mapped[str] = mapped_column(String(2))
    password_hash: Mapped[str] = mapped_column(String(200))
    failed_logins: Mapped[int]
    locked_until: Mapped[datetime | None] = mapped_column(Instant)
    disabled_at: Mapped[datetime | None] = mapped_column(Instant)
    created_at: Mapped[datetime] = mapped_column(Instant)


class StaffIdentity(Base):
    """Who somebody of staff is in the messenger of the staff (Slack): team and user together, ids only (row Q2)."""

    __tablename__ = "staff_identity"
    __table_args__ = (UniqueConstraint("staff_id", "channel"),)
    channel: Mapped[str] = mapped_column(String(16), primary_key=True)  # slack
    team: Mapped[str] = mapped_column(String(32), primary_key=True)  # T…
    user: Mapped[str] = mapped_column(String(32), primary_key=True)  # U…, W…
    staff_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("staff.id"))
    added_at: Mapped[datetime] = mapped_column(Instant)


class StaffSession(Base):
    """A log-in of the desk; the cookie's value is never stored, only its hash. Times are real, not demo time."""

    __tablename__ = "staff_session"
    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    staff_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("staff.id"))
    csrf: Mapped[str] = mapped_column(String(32))
    created_at: Mapped[datetime] = mapped_column(Instant)
    seen_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant)


class Audit(Base):
    """Who did what to whom, and when: append-only, without personal data in `detail`."""

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_member_id", "member_id", "id"), Index("ix_audit_at", "at"))
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(Instant)
    actor_kind: Mapped[str] = mapped_column(String(6))  # member, staff, system
    actor_id: Mapped[int | None] = mapped_column(BigInteger)
    action: Mapped[str] = mapped_column(String(60))
    subject: Mapped[str] = mapped_column(String(80))  # "invoice:INV-2026-000123"
    member_id: Mapped[int | None] = mapped_column(BigInteger)
    detail: Mapped[Any] = mapped_column(Json)
