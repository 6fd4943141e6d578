"""Inquiries and the way to a person."""

from collections.abc import Sequence

from bot.screens.invoices import local
from bot.screens.model import Button, Card, Screen, answer
from bot.screens.talk import intent_button, menu_button
from bot.wording import Wording
from core.profiles.model import Profile
from core.tickets.threads import TicketView


def ask_kind(w: Wording, profile: Profile) -> Screen:
    """The kinds of the profile; the kind decides the queue."""
    rows = [(answer(local(w, kind.name), kind.code),) for kind in profile.support.kinds]
    return Screen(w("ticket.ask_kind"), buttons=tuple(rows))


def confirm(w: Wording, rows: Sequence[tuple[str, str]]) -> Screen:
    """Before it is sent."""
    return Screen(w("ticket.confirm"), cards=(Card(w("ticket.card"), tuple(rows)),))


def opened(w: Wording, profile: Profile, ticket_no: str) -> Screen:
    """Number, that a person reads it, by when."""
    text = w(
        "ticket.opened",
        ticket_no=ticket_no,
        promise=profile.support.first_answer.text("ja" if w.language == "ja" else "en"),
        hours=local(w, profile.operator.hours),
    )
    return Screen(text, buttons=((intent_button(w, "ticket_status"),), menu_button(w)))


def human(w: Wording, profile: Profile, ticket_no: str, *, already: bool) -> Screen:
    """A person from now on: what to do meanwhile, and how to leave."""
    text = w("ticket.human_already", ticket_no=ticket_no)
    if not already:
        text = w(
            "ticket.human",
            ticket_no=ticket_no,
            promise=profile.support.first_answer.text("ja" if w.language == "ja" else "en"),
            hours=local(w, profile.operator.hours),
            phone=profile.operator.phone,
        )
    return Screen(text, buttons=((Button(w("ticket.human_end"), "ticket.leave", style="quiet"),),))


def left(w: Wording, ticket_no: str) -> Screen:
    """The member went back to the bot by themselves."""
    return Screen(w("ticket.back_to_bot", ticket_no=ticket_no), buttons=(menu_button(w),))


def listed(w: Wording, tickets: Sequence[TicketView]) -> Screen:
    """Row Q1, status."""
    new = (Button(w("ticket.new"), "intent.open_ticket", style="primary"),)
    if not tickets:
        return Screen(w("ticket.none"), buttons=(new, menu_button(w)))
    cards = tuple(
        Card(
            ticket.ticket_no,
            ((w("ticket.row_subject"), ticket.subject), (w("ticket.row_opened"), w.time(ticket.created_at))),
            badge=w(f"ticket.state_{ticket.status}"),
            tone="good" if ticket.status == "solved" else "plain",
        )
        for ticket in tickets
    )
    return Screen(w("ticket.list"), cards=cards, buttons=(new, menu_button(w)))
