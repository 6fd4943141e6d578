"""What has happened to reservations; `core/wiring.py` and `bot/telling.py` say who listens."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ReservationRequested:
    """A member asked to change or cancel a reservation: staff get a ticket with this subject and body in this queue."""

    request_id: int
    reservation_id: int
    member_id: int
    chat_id: int | None
    queue: str
    subject: str
    body: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ReservationRequestDecided:
    """Staff accepted (the reservation has followed) or declined a request; the member is told in staff's words."""

    request_id: int
    reservation_id: int
    member_id: int
    kind: str  # change, cancel
    accepted: bool
    words: str = field(repr=False)
