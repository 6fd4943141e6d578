"""Inquiries to people (row Q1): open one, see what became of it, talk to a person now."""

from collections.abc import Mapping, Sequence
from typing import Any

from bot import forms
from bot.forms import Answers, Form, Given, Step, Wrong
from bot.handlers.ticket_faq import SENT, faq_steps, helpful, is_sent_on
from bot.handlers.ticket_fields import field_steps, list_details
from bot.registry import INTENTS, Context, Reply, Slots, action, intent
from bot.screens import faq as faq_screens
from bot.screens import tickets as screens
from bot.screens.invoices import local
from bot.screens.model import Screen, read_handle
from bot.wording import LANGUAGES
from core.delivery import files as file_store
from core.dialogue import service as dialogue
from core.profiles.faq import record_helped
from core.profiles.hours import calendar_of
from core.tickets import service as tickets
from core.tickets import threads
from core.tickets.clocks import answer_due_at, record_away_told
from core.tickets.policy import is_courtesy, queue_of, split_text, subject_of
from core.tickets.threads import TicketView

CLIENT_KEY_LENGTH = 80
RECENT_WORDS = 6  # of the member's last messages when a ticket is made out of misunderstandings


def _parse_kind(c: Context, answers: Answers, given: Given) -> str:
    codes = [kind.code for kind in c.profile.support.kinds]
    if given.value in codes:
        return str(given.value)
    text = given.text.strip()
    for place, kind in enumerate(c.profile.support.kinds, start=1):
        if text in (str(place), kind.name.ja, kind.name.en):
            return kind.code
    raise Wrong("ticket.wrong_kind")


def _parse_body(c: Context, answers: Answers, given: Given) -> str:
    if not given.text.strip():
        raise Wrong("ticket.wrong_body")
    return given.text.strip()


def _parse_files(c: Context, answers: Answers, given: Given) -> list[dict[str, Any]]:
    if not given.files:
        raise Wrong("ticket.wrong_files")
    return list(given.files)


def _steps(c: Context, answers: Answers) -> list[Step]:
    return [
        Step(
            "kind",
            lambda c, a: screens.ask_kind(c.w, c.profile),
            _parse_kind,
            "ticket.kind_label",
            lambda c, a: local(c.w, c.profile.support.kind(a["kind"]).name),
        ),
        *field_steps(c, answers),
        Step(
            "body",
            lambda c, a: Screen(c.w("ticket.ask_body")),
            _parse_body,
            "ticket.body_label",
            lambda c, a: str(a["body"])[:200],
        ),
        *faq_steps(c, answers),
        Step(
            "files",
            lambda c, a: Screen(c.w("ticket.ask_files"), upload=True),
            _parse_files,
            "ticket.files_label",
            lambda c, a: c.w.join(file["name"] for file in a.get("files") or ()) or c.w("ticket.files_none"),
            optional=True,
            asked=not is_sent_on(answers),
            takes_files=True,
        ),
    ]


def _confirm(c: Context, answers: Answers) -> Screen:
    steps = [step for step in _steps(c, answers) if not step.aside]
    return screens.confirm(c.w, [(step.name or c.w(step.label), step.show(c, answers)) for step in steps])


def _open(c: Context, answers: Answers) -> tuple[Reply, str, dict[str, Any]]:
    if (article_id := helpful(answers)) is not None:  # answered before anything was sent
        record_helped(c.tx, article_id=article_id, chat_id=c.chat.id, press_key=press_key(c))
        return faq_screens.thanked(c.w), "", {}
    kind = c.profile.support.kind(answers["kind"])
    body = str(answers["body"])
    ticket = new_ticket(
        c,
        kind.code,
        str(answers.get("_subject") or subject_of(body)),
        body,
        answers.get("files") or [],
        origin="form",
        details=list_details(c, answers),
    )
    return opened(c, ticket), "ticket.list", {}


def new_ticket(
    c: Context,
    kind: str,
    subject: str,
    body: str,
    files: Sequence[Mapping[str, Any]] = (),
    **more: Any,
) -> TicketView:
    """A ticket of the person in this chat; a text longer than an entry may be goes into several."""
    first, *rest = split_text(body)
    ticket = tickets.open_ticket(
        c.tx,
        kind=kind,
        queue=queue_of(c.profile, kind),
        subject=subject,
        body=first,
        member_id=c.member.id if c.member else None,
        chat_id=c.chat.id,
        files=[file_store.get_file(c.tx, file_id=int(file["file_id"])) for file in files],
        **more,
    )
    for part in rest:
        tickets.add_member_message(c.tx, ticket_id=ticket.id, text=part, chat_id=c.chat.id)
    if not calendar_of(c.profile.support.business_hours).is_open(c.tx.now):
        record_away_told(c.tx, ticket_id=ticket.id)  # the screen that follows says so
    return ticket


def press_key(c: Context) -> str:
    """Stands for the button that was pressed: a bubble's number and secret, the same however often it is tapped."""
    seq, _, key = read_handle(c.inbound.handle) or (0, 0, c.inbound.delivery_key)
    return f"chat:{c.chat.id}:{seq}:{key}"[:CLIENT_KEY_LENGTH]


def opened(c: Context, ticket: TicketView) -> Screen:
    """The number, and until when: the instant that staff are warned about."""
    return screens.opened(c.w, c.profile, ticket, answer_due_at(c.tx, ticket_id=ticket.id), c.tx.now)


forms.register(
    Form(
        name="ticket",
        intent="open_ticket",
        version=2,
        title="ticket.title",
        steps=_steps,
        confirm=_confirm,
        commit=_open,
        submit_label="ticket.submit",
        needs_member=False,
        is_settled=lambda answers: helpful(answers) is not None,
        files="files",
    )
)


@intent("open_ticket", "mail_not_arriving", "forgot_login_id")
def open_ticket(c: Context, slots: Slots) -> Reply:
    """A form; what the sentence said already is filled in as the subject."""
    answers: Answers = {"_subject": str(slots["topic"])} if slots.get("topic") else {}
    return forms.begin(c, "ticket", answers)


@action("ticket.about")
def about(c: Context, slots: Slots) -> Reply:
    """Something this counter does not do: the subject is known, and what was written is the text already."""
    words = words_said(c, int(slots["said"])) if "said" in slots else ""
    return forms.begin(c, "ticket", {"_subject": str(slots["subject"]), **({"body": words, **SENT} if words else {})})


def words_said(c: Context, seq: int) -> str:
    """What the member wrote as message `seq`; empty where a button was pressed or the words were taken back."""
    said = dialogue.find_message(c.tx, chat_id=c.chat.id, seq=seq)
    if said is None or said.body.get("unsent") or said.body.get("pressed"):
        return ""
    return str(said.body.get("text") or "").strip()


@action("ticket.from_misses")
def from_misses(c: Context, slots: Slots) -> Reply:
    """The bot gave up: the member's last words go to staff in one press, however often the button is tapped."""
    if (sent := threads.find_sent(c.tx, client_key=press_key(c))) is not None:
        return opened(c, sent)
    latest = dialogue.list_latest(c.tx, chat_id=c.chat.id, before_seq=c.chat.last_seq + 1, limit=20)
    words = [m.body.get("text", "") for m in latest if m.author == "member" and not m.body.get("pressed")]
    body = "\n".join(text for text in words[-RECENT_WORDS:] if text)
    urgent = bool(slots.get("urgent"))
    subject = subject_of(words[-1]) if urgent and words else c.w("ticket.misses_subject")
    ticket = new_ticket(
        c,
        c.profile.support.kinds[-1].code,
        subject,
        body or subject,
        origin="urgent" if urgent else "misses",
        priority="urgent" if urgent else "normal",
        client_key=press_key(c),
    )
    c.chat = c.chat._replace(misses=0)
    return opened(c, ticket)


@intent("talk_to_human")
def talk_to_human(c: Context, slots: Slots) -> Reply:
    """A person from now on: the bot falls silent, the words go into one ticket, however often it is pressed."""
    if c.chat.speaker == "human" and c.chat.ticket_id is not None:
        ticket = threads.get_ticket(c.tx, ticket_id=c.chat.ticket_id)
        if ticket.status != "solved":
            return screens.human(c.w, c.profile, ticket.ticket_no, None, c.tx.now, already=True)
    if (waiting := _asked_before(c)) is not None:
        return _lead_to(c, waiting)
    subject = c.w("ticket.human_subject")
    kind = c.profile.support.kinds[-1].code
    ticket = new_ticket(c, kind, subject, c.inbound.text.strip() or subject, origin="human")
    dialogue.set_speaker(c.tx, chat_id=c.chat.id, speaker="human", ticket_id=ticket.id)
    forms.park_for_person(c.tx, chat_id=c.chat.id)
    due_at = answer_due_at(c.tx, ticket_id=ticket.id)
    return screens.human(c.w, c.profile, ticket.ticket_no, due_at, c.tx.now, already=False)


def _asked_before(c: Context) -> TicketView | None:
    """The person's inquiry that began by asking for a person, and that nobody has answered."""
    mine = threads.list_open_of_person(c.tx, member_id=c.member.id if c.member else None, chat_id=c.chat.id)
    return next((ticket for ticket in mine if ticket.origin == "human" and ticket.answered_at is None), None)


def _lead_to(c: Context, ticket: TicketView) -> Reply:
    """Back to the inquiry that waits: what is written next goes into it."""
    dialogue.set_speaker(c.tx, chat_id=c.chat.id, speaker="human", ticket_id=ticket.id)
    forms.park_for_person(c.tx, chat_id=c.chat.id)
    return screens.wait_here(c.w, c.profile, ticket, answer_due_at(c.tx, ticket_id=ticket.id), c.tx.now)


def name_talk(c: Context, ticket_id: int, words: str) -> None:
    """An inquiry that began by asking for a person is called by the first words that say what it is about."""
    ticket = threads.get_ticket(c.tx, ticket_id=ticket_id)
    unnamed = {c.bot.wording(language)("ticket.human_subject") for language in LANGUAGES}
    if ticket.origin == "human" and ticket.subject in unnamed and not is_courtesy(words, settled=True):
        tickets.rename(c.tx, ticket_id=ticket_id, subject=words)


@action("ticket.leave")
def leave(c: Context, slots: Slots) -> Reply:
    """Back to the bot; the ticket stays open and its answers still come. Where the bot speaks already: the menu."""
    ticket_id = c.chat.ticket_id
    dialogue.set_speaker(c.tx, chat_id=c.chat.id, speaker="bot", ticket_id=None)
    if ticket_id is None:
        return INTENTS["show_menu"](c, {})
    return screens.left(c.w, threads.get_ticket(c.tx, ticket_id=ticket_id).ticket_no)
