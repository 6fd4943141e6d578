"""What members are told about their reservations by themselves; `bot.telling` says which fact is told by what."""

from bot.deployment import Bot
from bot.owing import as_mail, tell_member
from bot.saying import Why
from bot.screens import reservation_requests as screens
from bot.screens.model import Screen
from bot.wording import Wording
from core.bookings.facts import ReservationRequestDecided
from core.bookings.requests import fee_of, get_request
from core.bookings.service import get_reservation
from core.clock import day_in_japan
from core.db import Tx
from core.members import service as members


def request_decided(bot: Bot, tx: Tx, fact: ReservationRequestDecided) -> None:
    """Row F4: in the chat, else by mail; the reservation has followed already."""
    member = members.get_member(tx, member_id=fact.member_id)
    reservation = get_reservation(tx, reservation_id=fact.reservation_id)
    asked_on = day_in_japan(get_request(tx, request_id=fact.request_id).asked_at)
    owes = fact.accepted and fact.kind == "cancel"
    fee = fee_of(bot.profile, reservation, asked_on=asked_on) if owes else None
    why = Why(
        "reservation request decided",
        kind="staff_reply",
        member_id=member.id,
        dedupe_key=f"request-decided:{fact.request_id}",
    )

    def screen(w: Wording) -> Screen:
        return screens.decided(w, bot.profile, reservation, fact.kind, fact.words, accepted=fact.accepted, fee=fee)

    tell_member(tx, bot, member, why, screen=screen, mail=as_mail(bot, screen))
