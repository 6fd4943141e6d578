"""Inquiries and the way to a person."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from bot.screens.invoices import local
from bot.screens.model import Button, Card, Screen, answer
from bot.screens.promises import promise, staffed
from bot.screens.talk import intent_button, menu_button
from bot.wording import Wording
from core.profiles.model import Profile
from core.profiles.rules import TicketField
from core.tickets.policy import DECIDED
from core.tickets.ratings import SCORES
from core.tickets.threads import TicketMessageView, TicketView

RECEIPT = "receipt"  # kind of a bubble that tells a member their words arrived
LAST_WORDS = 3  # of the conversation, in the detail
LONGEST_QUOTE = 120
SUBJECT_IN_LABEL = 14


def ask_kind(w: Wording, profile: Profile) -> Screen:
    """The kinds of the profile; the kind decides the queue."""
    rows = [(answer(local(w, kind.name), kind.code),) for kind in profile.support.kinds]
    return Screen(w("ticket.ask_kind"), buttons=tuple(rows))


def ask_field(w: Wording, field: TicketField, choices: Sequence[tuple[str, str]]) -> Screen:
    """Something that this kind of inquiry asks for besides; `choices`: value and label of what can be pressed."""
    text = w("ticket.ask_field", what=local(w, field.name))
    if field.type in ("date", "number"):
        text += "\n" + w(f"ticket.ask_typed_{field.type}")
    return Screen(text, buttons=tuple((answer(label, value),) for value, label in choices))


def confirm(w: Wording, rows: Sequence[tuple[str, str]]) -> Screen:
    """Before it is sent."""
    return Screen(w("ticket.confirm"), cards=(Card(w("ticket.card"), tuple(rows)),))


def opened(w: Wording, profile: Profile, ticket: TicketView, due_at: datetime | None, now: datetime) -> Screen:
    """Number, that a person reads it, by when; hours and phone."""
    text = w("ticket.opened", ticket_no=ticket.ticket_no, **staffed(w, profile, due_at, now))
    return Screen(text, buttons=((intent_button(w, "ticket_status"),), menu_button(w)))


def human(
    w: Wording, profile: Profile, ticket_no: str, due_at: datetime | None, now: datetime, *, already: bool
) -> Screen:
    """A person from now on: what to do meanwhile, by when, and how to leave."""
    text = w("ticket.human_already", ticket_no=ticket_no)
    if not already:
        text = w("ticket.human", ticket_no=ticket_no, **staffed(w, profile, due_at, now))
    return Screen(text, buttons=(_way_back(w),))


def _way_back(w: Wording) -> tuple[Button, ...]:
    return (Button(w("ticket.human_end"), "ticket.leave", style="quiet"),)


def wait_here(w: Wording, profile: Profile, ticket: TicketView, due_at: datetime | None, now: datetime) -> Screen:
    """A person was asked for before, and has not answered yet: the same inquiry, no second one."""
    text = w("ticket.wait_here", ticket_no=ticket.ticket_no, **staffed(w, profile, due_at, now))
    write = Button(w("ticket.write"), "ticket.write", {"ticket": ticket.id}, style="primary")
    return Screen(text, buttons=((write,), _way_back(w)), fresh=True)


def received(w: Wording, ticket_no: str) -> Screen:
    """A sign that words reached staff while nobody answers, and the way back, which has scrolled away by then."""
    text = w("ticket.received", ticket_no=ticket_no)
    return Screen(text, buttons=(_way_back(w), menu_button(w)), kind=RECEIPT, fresh=True)


def away(w: Wording, profile: Profile, due_at: datetime | None, now: datetime) -> Screen:
    """Out of hours, while the member talks to a person: honest words about when (row Q4)."""
    text = w("ticket.away", **staffed(w, profile, due_at, now))
    return Screen(text, buttons=(_way_back(w), menu_button(w)), kind=RECEIPT, fresh=True)


def left(w: Wording, ticket_no: str) -> Screen:
    """The member went back to the bot by themselves."""
    return Screen(w("ticket.back_to_bot", ticket_no=ticket_no), buttons=(menu_button(w),))


def listed(w: Wording, tickets: Sequence[TicketView], *, next_skipped: int = 0) -> Screen:
    """Row Q1, status: each can be opened by its number. `next_skipped`: where the next page begins; 0: there is none."""
    new = (Button(w("ticket.new"), "intent.open_ticket", style="primary"),)
    if not tickets:
        return Screen(w("ticket.none"), buttons=(new, menu_button(w)))
    cards = tuple(_card(w, ticket) for ticket in tickets)
    rows = [(show_button(w, ticket),) for ticket in tickets]
    if next_skipped:
        rows.append((Button(w("ticket.more"), "ticket.list", {"skipped": next_skipped}),))
    return Screen(w("ticket.list"), cards=cards, buttons=(*rows, new, menu_button(w)))


def _card(w: Wording, ticket: TicketView, more: Sequence[tuple[str, str]] = ()) -> Card:
    return Card(
        ticket.ticket_no,
        (
            (w("ticket.row_subject"), ticket.subject),
            (w("ticket.row_opened"), w.time(ticket.created_at)),
            *more,
        ),
        badge=w(f"ticket.state_{ticket.status}"),
        tone="good" if ticket.status == "solved" else "plain",
    )


def named(w: Wording, ticket: TicketView) -> str:
    """受付番号 and the first words: how a member tells their inquiries apart."""
    subject = ticket.subject
    short = subject if len(subject) <= SUBJECT_IN_LABEL else subject[: SUBJECT_IN_LABEL - 1] + "…"
    return w("ticket.named", ticket_no=ticket.ticket_no, subject=short)


def show_button(w: Wording, ticket: TicketView) -> Button:
    """To one inquiry's own screen."""
    return Button(named(w, ticket), "ticket.show", {"ticket": ticket.id})


def detail(
    w: Wording,
    profile: Profile,
    ticket: TicketView,
    messages: Sequence[TicketMessageView],
    due_at: datetime | None,
    now: datetime,
) -> Screen:
    """One inquiry: state, by when, what was said last; write on, or say that it is solved."""
    more: list[tuple[str, str]] = []
    if due_at is not None and due_at > now:
        more.append((w("ticket.row_promise"), promise(w, profile, due_at, now)))
    for message in messages[-LAST_WORDS:]:
        who = w("ticket.row_you") if message.author == "member" else message.author_name or w("ticket.row_counter")
        words = message.body if len(message.body) <= LONGEST_QUOTE else message.body[: LONGEST_QUOTE - 1] + "…"
        more.append((who, words or w("ticket.row_files", n=len(message.files))))
    rows: list[tuple[Button, ...]] = [
        (Button(w("ticket.write"), "ticket.write", {"ticket": ticket.id}, style="primary"),)
    ]
    if ticket.status == "waiting" and ticket.kind not in DECIDED:
        rows.append((Button(w("ticket.settle"), "ticket.settle", {"ticket": ticket.id}),))
    rows.append((Button(w("ticket.all"), "ticket.list", style="quiet"), *menu_button(w)))
    return Screen(w("ticket.detail", ticket_no=ticket.ticket_no), cards=(_card(w, ticket, more),), buttons=tuple(rows))


def ask_which(w: Wording, tickets: Sequence[TicketView]) -> Screen:
    """Several inquiries are open: which one the words are for."""
    rows = [(answer(named(w, ticket), ticket.id),) for ticket in tickets]
    return Screen(w("ticket.ask_which"), buttons=(*rows, (answer(w("ticket.new"), "new"),)), fresh=True)


def added(
    w: Wording, profile: Profile, effect: str, values: Mapping[str, str], due_at: datetime | None, now: datetime
) -> Screen:
    """Where the words went: an inquiry under way, one opened again, or a new one after a long time.

    `values`: ticket_no, previous_no (of a new one).
    """
    return Screen(
        w(f"ticket.effect_{effect}", **values, **staffed(w, profile, due_at, now)),
        buttons=((intent_button(w, "ticket_status"),), menu_button(w)),
        kind=RECEIPT,
    )


def rating_buttons(w: Wording, ticket_id: int) -> tuple[tuple[Button, ...], ...]:
    """Three faces, each with its word."""
    return (
        tuple(
            Button(w(f"ticket.score_{score}"), "ticket.rate", {"ticket": ticket_id, "score": score}) for score in SCORES
        ),
    )


def solved(w: Wording, ticket_id: int, ticket_no: str, *, key: str, rating: bool) -> Screen:
    """Said once; with the question how it was, where it has not been asked before."""
    text = w(key, ticket_no=ticket_no)
    rows: list[tuple[Button, ...]] = [
        (Button(w("ticket.unsettled"), "ticket.write", {"ticket": ticket_id}),),
        menu_button(w),
    ]
    if rating:
        text += "\n\n" + w("ticket.ask_rating")
        rows = [*rating_buttons(w, ticket_id), *rows]
    return Screen(text, buttons=tuple(rows), fresh=True)


def quiet(w: Wording, ticket_id: int, values: Mapping[str, object]) -> Screen:
    """Before a ticket ends in silence: is all well?"""
    return Screen(
        w("ticket.quiet", **values),
        buttons=(
            (Button(w("ticket.settle"), "ticket.settle", {"ticket": ticket_id}, style="primary"),),
            (Button(w("ticket.unsettled"), "ticket.write", {"ticket": ticket_id}),),
        ),
        fresh=True,
    )


def ask_rating(w: Wording, ticket_id: int) -> Screen:
    """The question how it was by itself."""
    return Screen(w("ticket.ask_rating"), buttons=(*rating_buttons(w, ticket_id), menu_button(w)))


def thanked(w: Wording, ticket_id: int, *, words: bool) -> Screen:
    """After the rating, which may be put right."""
    again = (Button(w("ticket.rate_again"), "ticket.rerate", {"ticket": ticket_id}, style="quiet"),)
    return Screen(w("ticket.rated_words" if words else "ticket.rated"), buttons=(again, menu_button(w)))
