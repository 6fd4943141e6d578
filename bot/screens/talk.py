"""Menu, misunderstandings, refusals: the screens around every conversation."""

from collections.abc import Sequence

from bot.inbound import MAX_TEXT
from bot.screens.model import Button, Screen
from bot.wording import Wording
from core.errors import DomainError
from core.profiles.model import Profile

PLAN_ROWS = (("check_expiry", "renew"), ("list_unpaid", "report_payment"))
BOOKING_ROWS = (("reservation_status",), ("change_reservation", "cancel_reservation"))
LABELS = {
    "check_expiry": "menu.expiry",
    "renew": "menu.renew",
    "list_unpaid": "menu.unpaid",
    "pay_invoice": "menu.unpaid",
    "report_payment": "menu.report",
    "open_ticket": "menu.ticket",
    "ticket_status": "menu.tickets",
    "talk_to_human": "menu.human",
    "reminder_settings": "menu.settings",
    "change_language": "menu.language",
    "reservation_status": "menu.reservations",
    "change_reservation": "menu.change_reservation",
    "cancel_reservation": "menu.cancel_reservation",
    "link_account": "menu.link",
    "show_menu": "menu.menu",
}


def intent_button(w: Wording, name: str, *, primary: bool = False) -> Button:
    """A button that says an intent in the member's place."""
    key = LABELS.get(name, f"intents.{name}")
    return Button(w(key), f"intent.{name}", style="primary" if primary else "normal")


def menu_button(w: Wording) -> tuple[Button, ...]:
    """The way back to the beginning, on every last screen."""
    return (Button(w("menu.menu"), "intent.show_menu", style="quiet"),)


def menu_rows(profile: Profile) -> tuple[tuple[str, ...], ...]:
    """The everyday things of this operator, by rows of the home screen."""
    return (
        *(PLAN_ROWS if profile.plans else ()),
        *(BOOKING_ROWS if profile.bookings is not None else ()),
        ("open_ticket", "talk_to_human"),
        ("reminder_settings" if profile.plans else "ticket_status", "change_language"),
    )


def menu_screen(
    w: Wording, profile: Profile, *, operator: str, name: str | None, again: bool, resume: Sequence[Button]
) -> Screen:
    """The home screen: the everyday things, or linking first."""
    if name is None:
        buttons: list[tuple[Button, ...]] = [
            (intent_button(w, "link_account", primary=True),),
            (intent_button(w, "open_ticket"), intent_button(w, "change_language")),
        ]
        return Screen(
            w("menu.hello_unlinked", operator=operator), buttons=(*((button,) for button in resume), *buttons)
        )
    rows = [tuple(intent_button(w, item) for item in row) for row in menu_rows(profile)]
    rows = [*((button,) for button in resume), *rows]
    text = w("menu.hello_again") if again else w("menu.hello", name=name)
    return Screen(text, buttons=tuple(rows))


def guesses_screen(w: Wording, names: Sequence[str], articles: Sequence[Button] = ()) -> Screen:
    """A question back instead of a wrong guess; `articles`: to frequent questions that are like it."""
    rows: list[tuple[Button, ...]] = [
        *((button,) for button in articles),
        *((intent_button(w, name),) for name in names),
    ]
    rows.append((Button(w("talk.guesses_none"), "intent.show_menu", style="quiet"), intent_button(w, "talk_to_human")))
    return Screen(w("talk.guesses"), buttons=tuple(rows))


def miss_screen(
    w: Wording, misses: int, *, linked: bool, going_on: Sequence[Button] = (), articles: Sequence[Button] = ()
) -> Screen:
    """1st: say it again; 2nd: a person; 3rd: shall we send it to staff? `going_on`: to an inquiry that is open;
    `articles`: to frequent questions that are like it.
    """
    common = (
        ("check_expiry", "reservation_status", "list_unpaid", "report_payment")
        if linked
        else ("link_account", "open_ticket")
    )
    rows = [*((button,) for button in (*articles, *going_on)), *((intent_button(w, name),) for name in common)]
    if misses >= 2:
        rows.append((intent_button(w, "talk_to_human"),))
    if misses >= 3:
        return Screen(
            w("talk.miss3"),
            buttons=(
                (Button(w("talk.send_to_staff"), "ticket.from_misses", style="primary"),),
                *((button,) for button in going_on),
                menu_button(w),
            ),
        )
    return Screen(w(f"talk.miss{misses}"), buttons=(*rows, menu_button(w)))


def urgent_screen(w: Wording, more: Sequence[Button]) -> Screen:
    """Anger, or something that must not wait for a bot: one press brings the words to a person (dialogue-and-desk.md 2.5)."""
    send = Button(w("talk.send_to_staff"), "ticket.from_misses", {"urgent": True}, style="primary")
    rows: list[tuple[Button, ...]] = [(send,)]
    rows += [(intent_button(w, "talk_to_human"),), *((button,) for button in more)]
    return Screen(w("talk.urgent"), buttons=tuple(rows))


def other_screen(w: Wording, what: str) -> Screen:
    """A sticker, a voice message, something unknown: never silence."""
    key = f"talk.{what}"
    return Screen(
        w("talk.other", what=w(key) if w.has(key) else w("talk.unknown")),
        buttons=((intent_button(w, "open_ticket"), intent_button(w, "talk_to_human")), menu_button(w)),
    )


def not_here_screen(w: Wording, intent: str, said: int, articles: Sequence[Button] = ()) -> Screen:
    """Understood, but not among what this counter does: a person helps, or (`articles`) a frequent question like it.

    `said`: number of the member's message, whose words staff get.
    """
    what = w(f"intents.{intent}")
    send = Button(w("talk.send_to_staff"), "ticket.about", {"subject": what, "said": said}, style="primary")
    rows = (*((button,) for button in articles), (send,), menu_button(w))
    return Screen(w("talk.not_here", what=what), buttons=rows)


def old_button_screen(w: Wording) -> Screen:
    """A button whose bubble is gone."""
    return Screen(w("talk.old_button"), buttons=(menu_button(w),), toast=w("talk.old_button"), fresh=True)


def flood_screen(w: Wording) -> Screen:
    """Once for each window."""
    return Screen(w("talk.flood"))


def files_refused_screen(w: Wording) -> Screen:
    """The files of this message were not taken; its text was."""
    return Screen(w("talk.files_refused"))


def masked_screen(w: Wording) -> Screen:
    """Row X12: the member is told that a number was hidden."""
    return Screen(w("talk.masked"))


def cut_screen(w: Wording) -> Screen:
    """More than the counter takes at once: what was kept, so that the rest can be sent again."""
    return Screen(w("talk.cut", most=MAX_TEXT))


def private_only_screen(w: Wording) -> Screen:
    """In groups the bot says only this (row M1)."""
    return Screen(w("talk.private_only"))


def sorry_screen(w: Wording, profile: Profile) -> Screen:
    """After the third failure: staff know, and here is a person."""
    operator = profile.operator
    hours = operator.hours.ja if w.language == "ja" else operator.hours.en
    text = w("talk.sorry", phone=operator.phone, hours=hours)
    return Screen(text, buttons=((intent_button(w, "talk_to_human", primary=True),), menu_button(w)), fresh=True)


REFUSAL_WAYS = {
    "not_linked": ("link_account",),
    "renewal_open": ("list_unpaid",),
    "renewal_overtaken": ("open_ticket",),
    "invoice_not_found": ("list_unpaid",),
    "contract_not_found": ("check_expiry",),
    "payment_reported": ("talk_to_human",),
    "nothing_to_cancel": ("talk_to_human",),
    "after_window": ("open_ticket",),
    "ended": ("open_ticket",),
    "cancelled": ("open_ticket",),
    "member_withdrawn": ("open_ticket",),
    "too_many_codes": ("open_ticket",),
    "faq_unknown": ("open_ticket",),
    "ticket_unknown": ("ticket_status",),
    "reservation_not_found": ("reservation_status",),
    "reservation_over": ("reservation_status",),
    "request_open": ("reservation_status",),
    "request_too_late": ("talk_to_human",),
}


def refusal_screen(w: Wording, error: DomainError) -> Screen:
    """Why not, and where to go from here."""
    key = f"errors.{error.code}"
    text = w(key, **error.data) if w.has(key) else w("errors.generic")
    ways = tuple((intent_button(w, name, primary=True),) for name in REFUSAL_WAYS.get(error.code, ()))
    return Screen(text, buttons=(*ways, menu_button(w)), fresh=True)
