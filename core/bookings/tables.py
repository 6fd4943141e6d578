"""Reservation, requests about it, what was said about it."""

from datetime import date, datetime, time
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from core.statements import Base, Instant, Json


class Reservation(Base):
    """A reservation (予約). `used_on` to `until_on` are the days of use in Japan, both inclusive; the times may be open."""

    __tablename__ = "reservation"
    __table_args__ = (
        Index("ix_reservation_member_id", "member_id", "booked_at", "id"),
        Index("ix_reservation_facility_code", "facility_code", "used_on"),
        Index("ix_reservation_booked_at", "booked_at", "id"),
    )
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    reservation_no: Mapped[str] = mapped_column(String(40), unique=True)
    external_key: Mapped[str | None] = mapped_column(String(80), unique=True)  # the operator's key: imports repeat
    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("member.id"))
    facility_code: Mapped[str] = mapped_column(String(40))
    category_code: Mapped[str] = mapped_column(String(40))
    status: Mapped[str] = mapped_column(String(10))  # asked, waiting, confirmed, used, cancelled, declined
    used_on: Mapped[date]
    until_on: Mapped[date]
    used_from: Mapped[time | None]
    used_until: Mapped[time | None]
    purpose: Mapped[str] = mapped_column(String(300))
    details: Mapped[Any] = mapped_column(Json)  # the category's own fields: code → value
    booked_at: Mapped[datetime] = mapped_column(Instant)  # 予約完了日時
    confirmed_at: Mapped[datetime | None] = mapped_column(Instant)  # 予約確定日時
    amount_yen: Mapped[int | None] = mapped_column(BigInteger)  # None: not fixed yet
    payment_method: Mapped[str] = mapped_column(String(60))  # a code of the profile, or the operator's own words
    payment_due_on: Mapped[date | None]
    payment_state: Mapped[str] = mapped_column(String(8))  # unfixed, unpaid, paid, refunded, none
    contact_name: Mapped[str] = mapped_column(String(200))  # 担当者
    contact_phone: Mapped[str] = mapped_column(String(30))
    contact_email: Mapped[str] = mapped_column(String(254))
    billing_name: Mapped[str] = mapped_column(String(200))  # 請求担当者
    billing_postal_code: Mapped[str] = mapped_column(String(10))
    billing_address: Mapped[str] = mapped_column(String(300))
    billing_email: Mapped[str] = mapped_column(String(254))
    imported: Mapped[Any] = mapped_column(Json)  # what the file said last: who changed a value since, file or counter?
    revision: Mapped[int]  # counts changes: a decision belongs to what its maker saw
    created_at: Mapped[datetime] = mapped_column(Instant)
    updated_at: Mapped[datetime] = mapped_column(Instant)


class ReservationRequest(Base):
    """A member asks to change or cancel (変更・キャンセルの依頼). At most one open for a reservation."""

    __tablename__ = "reservation_request"
    __table_args__ = (
        Index(
            "uq_reservation_request_open",
            "reservation_id",
            unique=True,
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
        Index("ix_reservation_request_reservation_id", "reservation_id", "id"),
        Index("ix_reservation_request_ticket_id", "ticket_id"),
    )
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    reservation_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("reservation.id"))
    member_id: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str] = mapped_column(String(6))  # change, cancel
    state: Mapped[str] = mapped_column(String(8))  # open, accepted, declined
    wanted: Mapped[Any] = mapped_column(Json)  # field code → value
    before: Mapped[Any] = mapped_column(Json)  # the same fields as they were when it was asked
    note: Mapped[str] = mapped_column(Text)  # the member's own words
    revision: Mapped[int]  # of the reservation when it was asked
    chat_id: Mapped[int | None] = mapped_column(BigInteger)
    ticket_id: Mapped[int | None] = mapped_column(BigInteger)
    asked_at: Mapped[datetime] = mapped_column(Instant)
    decided_at: Mapped[datetime | None] = mapped_column(Instant)
    decided_by: Mapped[int | None] = mapped_column(BigInteger)
    answer: Mapped[str] = mapped_column(Text)  # staff's words to the member


class ReservationEntry(Base):
    """Something that happened to a reservation, for its contact history (コンタクト履歴); words of tickets stay there."""

    __tablename__ = "reservation_entry"
    __table_args__ = (Index("ix_reservation_entry_reservation_id", "reservation_id", "id"),)
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    reservation_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("reservation.id"))
    member_id: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime] = mapped_column(Instant)
    author: Mapped[str] = mapped_column(String(6))  # member, staff
    author_name: Mapped[str] = mapped_column(String(100))
    what: Mapped[str] = mapped_column(String(20))  # change_asked, cancel_asked, change_accepted, …
    wanted: Mapped[Any] = mapped_column(Json)
    words: Mapped[str] = mapped_column(Text)


class ReservationTicket(Base):
    """A ticket that is about a reservation: its public messages are part of the contact history (row F5)."""

    __tablename__ = "reservation_ticket"
    __table_args__ = (Index("ix_reservation_ticket_ticket_id", "ticket_id"),)
    reservation_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("reservation.id"), primary_key=True)
    ticket_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    linked_at: Mapped[datetime] = mapped_column(Instant)


class FacilityLock(Base):
    """Locked by whoever gives a time of a facility away, so that two cannot give the same one at once."""

    __tablename__ = "facility_lock"
    facility_code: Mapped[str] = mapped_column(String(40), primary_key=True)
    touched_at: Mapped[datetime] = mapped_column(Instant)
