"""Invoice, line, payment, payment report, attempts at a provider, ledger."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.statements import Base, Instant, Json


class Invoice(Base):
    """A bill (請求書). Born issued: number, totals and lines never change; only its state does."""

    __tablename__ = "invoice"
    __table_args__ = (
        Index("ix_invoice_member_id", "member_id", "id"),
        Index(
            "ix_invoice_open_lapse_on",
            "lapse_on",
            sqlite_where=text("status = 'open'"),
            postgresql_where=text("status = 'open'"),
        ),
    )
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    invoice_no: Mapped[str] = mapped_column(String(20), unique=True)
    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("member.id"))
    status: Mapped[str] = mapped_column(String(6))  # open, paid, void
    method: Mapped[str] = mapped_column(String(20))
    payment_ref: Mapped[str] = mapped_column(String(8), unique=True)
    net_yen: Mapped[int] = mapped_column(BigInteger)
    tax_yen: Mapped[int] = mapped_column(BigInteger)
    total_yen: Mapped[int] = mapped_column(BigInteger)
    tax_rate: Mapped[int]
    tax_rounding: Mapped[str] = mapped_column(String(8))
    price_includes_tax: Mapped[bool]
    issued_at: Mapped[datetime] = mapped_column(Instant)
    issued_on: Mapped[date]
    due_on: Mapped[date]  # what the member is told
    lapse_on: Mapped[date]  # the last day of waiting for money sent in time (algorithms.md 9)
    paid_on: Mapped[date | None]  # value date
    closed_at: Mapped[datetime | None] = mapped_column(Instant)
    void_reason: Mapped[str | None] = mapped_column(String(40))


class InvoiceLine(Base):
    """A line (明細)."""

    __tablename__ = "invoice_line"
    __table_args__ = (UniqueConstraint("invoice_id", "position"), Index("ix_invoice_line_source_key", "source_key"))
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    invoice_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("invoice.id"))
    position: Mapped[int]
    source_key: Mapped[str] = mapped_column(String(60))  # "renewal:<id>": who listens to the payment
    description: Mapped[str] = mapped_column(String(300))
    amount_yen: Mapped[int] = mapped_column(BigInteger)


class Payment(Base):
    """Money that came (入金). What is not applied to an invoice is the member's credit, in suspense, or was given back."""

    __tablename__ = "payment"
    __table_args__ = (
        UniqueConstraint("provider", "reference"),
        Index("ix_payment_invoice_id", "invoice_id"),
        Index(
            "ix_payment_suspense",
            "suspense_yen",
            sqlite_where=text("suspense_yen > 0"),
            postgresql_where=text("suspense_yen > 0"),
        ),
    )
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    provider: Mapped[str] = mapped_column(String(20))  # bank, stripe
    reference: Mapped[str] = mapped_column(String(80))  # unique for ever: a repeat books nothing
    member_id: Mapped[int | None] = mapped_column(BigInteger)
    invoice_id: Mapped[int | None] = mapped_column(BigInteger)
    amount_yen: Mapped[int] = mapped_column(BigInteger)
    applied_yen: Mapped[int] = mapped_column(BigInteger)
    credit_yen: Mapped[int] = mapped_column(BigInteger)
    suspense_yen: Mapped[int] = mapped_column(BigInteger)
    returned_yen: Mapped[int] = mapped_column(BigInteger)  # given back out of credit or suspense
    payer_name: Mapped[str] = mapped_column(String(100))
    value_on: Mapped[date]
    recorded_at: Mapped[datetime] = mapped_column(Instant)
    recorded_by: Mapped[int | None] = mapped_column(BigInteger)  # staff


class PaymentReport(Base):
    """A member's claim to have paid (お支払報告): evidence, not money."""

    __tablename__ = "payment_report"
    __table_args__ = (
        Index("ix_payment_report_invoice_id", "invoice_id"),
        Index("ix_payment_report_member_id", "member_id", "id"),
        Index(
            "ix_payment_report_undecided",
            "id",
            sqlite_where=text("state IN ('open', 'asked')"),
            postgresql_where=text("state IN ('open', 'asked')"),
        ),
        CheckConstraint("amount_yen > 0", name="amount"),
    )
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("member.id"))
    chat_id: Mapped[int | None] = mapped_column(BigInteger)
    invoice_id: Mapped[int | None] = mapped_column(BigInteger)
    ticket_id: Mapped[int | None] = mapped_column(BigInteger)
    method: Mapped[str] = mapped_column(String(20))
    amount_yen: Mapped[int] = mapped_column(BigInteger)
    paid_on: Mapped[date]
    payer_name: Mapped[str] = mapped_column(String(100))
    note: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(9))  # open, asked, confirmed, rejected
    created_at: Mapped[datetime] = mapped_column(Instant)
    decided_at: Mapped[datetime | None] = mapped_column(Instant)
    decided_by: Mapped[int | None] = mapped_column(BigInteger)


class PayLink(Base):
    """The address of an invoice's own payment page (`/m/pay/…`): unguessable, the same for ever (row P2)."""

    __tablename__ = "pay_link"
    invoice_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("invoice.id"), primary_key=True, autoincrement=False)
    token: Mapped[str] = mapped_column(String(32), unique=True)


class PaymentAttempt(Base):
    """One try to pay an invoice at a provider (決済): a hosted page, a convenience-store number. Not money itself."""

    __tablename__ = "payment_attempt"
    __table_args__ = (
        Index("ix_payment_attempt_invoice_id", "invoice_id"),
        Index("ix_payment_attempt_session", "provider", "session_ref"),
        Index("ix_payment_attempt_payment", "provider", "payment_ref"),
        Index(
            "ix_payment_attempt_live",
            "look_at",
            sqlite_where=text("state IN ('created', 'open', 'pending')"),
            postgresql_where=text("state IN ('created', 'open', 'pending')"),
        ),
    )
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    invoice_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("invoice.id"))
    member_id: Mapped[int] = mapped_column(BigInteger)
    provider: Mapped[str] = mapped_column(String(20))
    method: Mapped[str] = mapped_column(String(20))  # credit_card, konbini
    amount_yen: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(String(8))  # created, open, pending, captured, expired, mismatch
    session_ref: Mapped[str | None] = mapped_column(String(120))
    payment_ref: Mapped[str | None] = mapped_column(String(80))
    url: Mapped[str | None] = mapped_column(Text)
    expires_at: Mapped[datetime | None] = mapped_column(Instant)  # of the page, later of the number
    numbers: Mapped[Any] = mapped_column(Json)  # {store: {confirmation_number, payment_code}}, {} until they are known
    look_at: Mapped[datetime] = mapped_column(Instant)  # when the provider is asked what became of it
    created_at: Mapped[datetime] = mapped_column(Instant)
    updated_at: Mapped[datetime] = mapped_column(Instant)


class PaymentReturn(Base):
    """Money that a provider gave back: a refund (返金) or a chargeback (チャージバック); row P8."""

    __tablename__ = "payment_return"
    __table_args__ = (
        UniqueConstraint("provider", "reference"),
        Index("ix_payment_return_payment", "provider", "payment_ref"),
    )
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    provider: Mapped[str] = mapped_column(String(20))
    reference: Mapped[str] = mapped_column(String(80))  # of the refund or dispute
    payment_ref: Mapped[str] = mapped_column(String(80))  # of the payment, which may arrive later than its refund
    payment_id: Mapped[int | None] = mapped_column(BigInteger)  # set when it is booked
    kind: Mapped[str] = mapped_column(String(10))  # refund, chargeback
    amount_yen: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(String(8))  # waiting, given, undone
    at: Mapped[datetime] = mapped_column(Instant)


class LedgerEntry(Base):
    """One step of money (仕訳); Σ of its postings is 0, checked in the transaction (algorithms.md 5)."""

    __tablename__ = "ledger_entry"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(Instant)
    kind: Mapped[str] = mapped_column(String(30))
    source_key: Mapped[str] = mapped_column(String(80), unique=True)


class Posting(Base):
    """One side of an entry; positive is debit."""

    __tablename__ = "posting"
    __table_args__ = (
        UniqueConstraint("entry_id", "position"),
        Index("ix_posting_account", "account", "member_id"),
        Index("ix_posting_invoice_id", "invoice_id"),
    )
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    entry_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("ledger_entry.id"))
    position: Mapped[int]
    account: Mapped[str] = mapped_column(String(30))
    member_id: Mapped[int | None] = mapped_column(BigInteger)
    invoice_id: Mapped[int | None] = mapped_column(BigInteger)
    amount_yen: Mapped[int] = mapped_column(BigInteger)
