"""The decision to remind, one row for each (contract, cycle, milestone)."""

from datetime import date, datetime

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.statements import Base, Instant


class Reminder(Base):
    """A milestone decided (更新案内): queued, superseded or suppressed; never twice (row X4)."""

    __tablename__ = "reminder"
    __table_args__ = (
        UniqueConstraint("contract_id", "expires_on", "milestone"),
        Index("ix_reminder_member_id", "member_id", "id"),
        Index("ix_reminder_bundle_id", "bundle_id"),
    )
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    contract_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("contract.id"))
    member_id: Mapped[int] = mapped_column(BigInteger)
    expires_on: Mapped[date]  # with the contract it names the cycle
    milestone: Mapped[int]  # days from expires_on
    due_on: Mapped[date]
    state: Mapped[str] = mapped_column(String(10))  # queued, superseded, suppressed
    reason: Mapped[str] = mapped_column(String(40))
    bundle_id: Mapped[int | None] = mapped_column(BigInteger)  # several contracts of a member on one day: one message
    decided_at: Mapped[datetime] = mapped_column(Instant)
