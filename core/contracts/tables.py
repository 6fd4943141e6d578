"""Contract, its changes, renewals, final confirmations."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.statements import Base, Instant, Json


class Contract(Base):
    """A contract (契約). `expires_on` (利用期限) is its only date: the last usable day, inclusive."""

    __tablename__ = "contract"
    __table_args__ = (
        Index("ix_contract_member_id", "member_id", "expires_on"),
        Index("ix_contract_label_key", "label_key"),
        Index(
            "ix_contract_milestone_on",
            "milestone_on",
            "id",
            sqlite_where=text("milestone_on IS NOT NULL"),
            postgresql_where=text("milestone_on IS NOT NULL"),
        ),
        Index(
            "ix_contract_live_expires_on",
            "expires_on",
            sqlite_where=text("status <> 'ended'"),
            postgresql_where=text("status <> 'ended'"),
        ),
        CheckConstraint("anchor BETWEEN 1 AND 31", name="anchor"),
    )
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    contract_no: Mapped[str] = mapped_column(String(40), unique=True)
    external_key: Mapped[str | None] = mapped_column(String(80), unique=True)
    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("member.id"))
    plan_code: Mapped[str] = mapped_column(String(40), ForeignKey("plan.code"))
    label: Mapped[str] = mapped_column(String(200))  # example.jp, srv001
    label_key: Mapped[str] = mapped_column(String(200))  # folded, for search
    status: Mapped[str] = mapped_column(String(10))  # trial, active, in_grace, ended, cancelled (row C6)
    auto_renewal: Mapped[bool]
    started_on: Mapped[date]
    expires_on: Mapped[date]
    anchor: Mapped[int]
    cycle_no: Mapped[int]  # counts extensions: "extended exactly once" is unique (contract, cycle_no)
    cycle_born_on: Mapped[date]  # milestones before it are suppressed (algorithms.md 8)
    milestone_on: Mapped[date | None]  # the day reminders look at it again; None: nothing more can come
    ended_on: Mapped[date | None]
    created_at: Mapped[datetime] = mapped_column(Instant)
    updated_at: Mapped[datetime] = mapped_column(Instant)


class ContractChange(Base):
    """Every change of a contract with its cause (row C6)."""

    __tablename__ = "contract_change"
    __table_args__ = (Index("ix_contract_change_contract_id", "contract_id", "id"),)
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    contract_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("contract.id"))
    at: Mapped[datetime] = mapped_column(Instant)
    cause: Mapped[str] = mapped_column(String(80))  # "renewal:…", "expired", "import"
    before: Mapped[Any] = mapped_column(Json)
    after: Mapped[Any] = mapped_column(Json)


class Renewal(Base):
    """One extension asked for (更新). At most one open for a contract; done exactly once for a cycle."""

    __tablename__ = "renewal"
    __table_args__ = (
        Index(
            "uq_renewal_open",
            "contract_id",
            unique=True,
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
        Index(
            "uq_renewal_done",
            "contract_id",
            "cycle_no",
            unique=True,
            sqlite_where=text("state = 'done'"),
            postgresql_where=text("state = 'done'"),
        ),
        Index("ix_renewal_invoice_id", "invoice_id"),
    )
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    contract_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("contract.id"))
    member_id: Mapped[int] = mapped_column(BigInteger)
    invoice_id: Mapped[int] = mapped_column(BigInteger)
    cycle_no: Mapped[int]  # the contract's when asked for
    plan_code: Mapped[str] = mapped_column(String(40))
    term_months: Mapped[int]
    to_month_end: Mapped[bool]
    old_expires_on: Mapped[date]
    new_expires_on: Mapped[date]
    new_anchor: Mapped[int]
    term_yen: Mapped[int] = mapped_column(BigInteger)
    daily_days: Mapped[int]
    daily_yen: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(String(9))  # open, done, lapsed, cancelled, returned
    asked_at: Mapped[datetime] = mapped_column(Instant)
    closed_at: Mapped[datetime | None] = mapped_column(Instant)


class FinalConfirmation(Base):
    """What the member was shown before ordering (row C10), word for word."""

    __tablename__ = "final_confirmation"
    __table_args__ = (UniqueConstraint("invoice_id"),)
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    invoice_id: Mapped[int] = mapped_column(BigInteger)
    member_id: Mapped[int] = mapped_column(BigInteger)
    chat_id: Mapped[int | None] = mapped_column(BigInteger)
    language: Mapped[str] = mapped_column(String(2))
    shown: Mapped[Any] = mapped_column(Json)
    at: Mapped[datetime] = mapped_column(Instant)
