"""Inquiries under way (row Q1): their list and state, words for one of several, solved or not, how it was."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from bot import forms
from bot.forms import Answers, Form, Given, Step, Wrong
from bot.handlers.ticket_receipt import is_sign_due
from bot.handlers.tickets import RECENT_WORDS, name_talk, press_key
from bot.inbound import sticker_words
from bot.registry import Context, Reply, Slots, action, intent
from bot.screens import tickets as screens
from bot.screens.model import Screen
from bot.understanding.typed import read_choices
from core.delivery import files as file_store
from core.dialogue import forms as form_store
from core.dialogue import service as dialogue
from core.dialogue.forms import FormView
from core.errors import DomainError
from core.profiles.hours import calendar_of
from core.tickets import ratings, threads
from core.tickets import service as tickets
from core.tickets.clocks import answer_due_at, record_away_told
from core.tickets.policy import Talk, decide_addressee, is_courtesy, split_text
from core.tickets.service import Written
from core.tickets.threads import TicketView

SHOWN = 5
MOST_OFFERED = 6
WHICH = forms.ASIDE
HERE_TOO = frozenset({"human"})  # an inquiry begun as a talk is one before staff have answered
_NUMBER = re.compile(r"(?<![A-Z0-9])T-?(\d{1,9})(?!\d)")


def _who(c: Context) -> dict[str, Any]:
    return {"member_id": c.member.id if c.member else None, "chat_id": c.chat.id}


def _own(c: Context, ticket_id: object) -> TicketView:
    """A ticket of the person's own. Errors: DomainError `ticket_unknown`."""
    ticket = threads.get_ticket(c.tx, ticket_id=int(str(ticket_id)))
    if not threads.is_of_person(ticket, **_who(c)):
        raise DomainError("ticket_unknown")
    return ticket


def _named(c: Context, text: str) -> TicketView | None:
    """The person's own ticket whose number the words hold (T-000123)."""
    for digits in _NUMBER.findall(unicodedata.normalize("NFKC", text).upper()):
        found = threads.find_ticket(c.tx, ticket_no=f"T-{int(digits):06d}")
        if found is not None and threads.is_of_person(found, **_who(c)):
            return found
    return None


# ── list and state ───────────────────────────────────────────────────────────────────────────────


@intent("ticket_status")
@action("ticket.list")
def ticket_status(c: Context, slots: Slots) -> Reply:
    """The inquiries and their state, those under way first, a page at a time; or the one that was named."""
    wanted = slots.get("ticket_number")
    for number in wanted if isinstance(wanted, list) else [wanted] if wanted else []:
        found = _named(c, f"T-{str(number).upper().removeprefix('T-')}")
        if found is None:
            raise DomainError("ticket_unknown")
        return show(c, {"ticket": found.id})
    skipped = int(slots.get("skipped") or 0)
    found_all = threads.list_of_person(c.tx, **_who(c), limit=SHOWN + 1, skipped=skipped)
    return screens.listed(c.w, found_all[:SHOWN], next_skipped=skipped + SHOWN if len(found_all) > SHOWN else 0)


@action("ticket.show")
def show(c: Context, slots: Slots) -> Reply:
    """One inquiry: state, by when, what was said last."""
    ticket = _own(c, slots["ticket"])
    messages = threads.list_public_messages(c.tx, ticket_id=ticket.id)
    due_at = answer_due_at(c.tx, ticket_id=ticket.id)
    return screens.detail(c.w, c.profile, ticket, messages, due_at, c.tx.now)


@action("ticket.settle")
def settle(c: Context, slots: Slots) -> Reply:
    """The member says that it is solved; what follows (the question how it was) is told as always."""
    ticket = _own(c, slots["ticket"])
    if not tickets.close_ticket(c.tx, ticket_id=ticket.id, why="member"):
        return show(c, slots)
    return None


# ── words for one of them ────────────────────────────────────────────────────────────────────────


@action("ticket.words")
def words(c: Context, slots: Slots) -> Reply:
    """While a person talks the bot is silent; the words go into the ticket they are for, or the member is asked which."""
    text, files = _text_for_staff(c), _refs(c)
    run = form_store.find_active(c.tx, chat_id=c.chat.id)
    if run is not None and run.name == WHICH and forms.is_usable(c, run):
        return _held_more(c, run, text, files)
    current = threads.get_ticket(c.tx, ticket_id=c.chat.ticket_id or 0)
    named = _named(c, text)
    if named is not None:
        dialogue.set_speaker(c.tx, chat_id=c.chat.id, speaker="human", ticket_id=named.id)
        return _said(c, deliver(c, named.id, text, files), aloud=named.id != current.id)
    others = [ticket for ticket in _talked_about(c) if ticket.id != current.id]
    if decide_addressee(_talk(current), [_talk(other) for other in others]) is None:
        return forms.begin(c, WHICH, {"_text": text, "_files": files, "_current": current.id})
    return _said(c, deliver(c, current.id, text, files), aloud=False)


def _text_for_staff(c: Context) -> str:
    """The words; of a sticker that it was one, unless it only thanks, which is as if it were typed (and reopens nothing)."""
    said = sticker_words(c.inbound)
    if said:
        thanks = next((word for word in said if is_courtesy(word, settled=True)), "")
        return thanks or c.bot.wording(c.profile.language)("talk.sticker_said", words="、".join(said))
    return c.inbound.text or (f"[{c.inbound.other}]" if c.inbound.other else "")


def _talk(ticket: TicketView) -> Talk:
    return Talk(ticket.id, ticket.member_wrote_at, ticket.replied_at)


def _talked_about(c: Context) -> list[TicketView]:
    """Unsolved tickets that a person has answered, or that began as a talk."""
    mine = threads.list_open_of_person(c.tx, **_who(c))
    return [ticket for ticket in mine if ticket.replied_at is not None or ticket.origin in HERE_TOO]


def _refs(c: Context) -> list[dict[str, Any]]:
    return [
        {"file_id": str(f.file_id), "name": f.name, "mime": f.mime, "size_bytes": f.size_bytes} for f in c.inbound.files
    ]


def deliver(
    c: Context, ticket_id: int, text: str, files: Sequence[Mapping[str, Any]], *, client_key: str | None = None
) -> Written:
    """Into the thread; a long text in parts. A follow-up of a ticket solved long ago is talked about in its place."""
    stored = [file_store.get_file(c.tx, file_id=int(file["file_id"])) for file in files]
    name_talk(c, ticket_id, text)
    within = c.profile.support.reopen_within
    first, *more = split_text(text)
    done = tickets.add_member_message(
        c.tx,
        ticket_id=ticket_id,
        chat_id=c.chat.id,
        text=first,
        files=stored,
        reopen_within=within,
        client_key=client_key,
    )
    for part in more:
        tickets.add_member_message(c.tx, ticket_id=done.ticket.id, chat_id=c.chat.id, text=part, reopen_within=within)
    if done.ticket.id != ticket_id and c.chat.speaker == "human" and c.chat.ticket_id == ticket_id:
        dialogue.set_speaker(c.tx, chat_id=c.chat.id, speaker="human", ticket_id=done.ticket.id)
    return done


def _said(c: Context, done: Written, *, aloud: bool) -> Reply:
    """What the member hears: that nobody is there now, which number it became, now and then that the words arrived."""
    reply: list[Screen] = []
    due_at = answer_due_at(c.tx, ticket_id=done.ticket.id)
    anew = done.effect in ("reopened", "new_ticket")  # handed to a person again: until when, the hours, the phone
    if aloud or anew:
        previous = done.ticket.previous_id if done.effect == "new_ticket" else None
        previous_no = threads.get_ticket(c.tx, ticket_id=previous).ticket_no if previous is not None else ""
        values = {"ticket_no": done.ticket.ticket_no, "previous_no": previous_no}
        reply.append(screens.added(c.w, c.profile, done.effect, values, due_at, c.tx.now))
    if done.effect != "courtesy" and _is_away(c, done.ticket):
        record_away_told(c.tx, ticket_id=done.ticket.id)
        if not anew:
            reply.append(screens.away(c.w, c.profile, due_at, c.tx.now))
    if not reply and done.effect == "added" and is_sign_due(c):
        reply.append(screens.received(c.w, done.ticket.ticket_no))
    return reply


def _is_away(c: Context, ticket: TicketView) -> bool:
    """Whether nobody is there, and the member has not been told so since staff left."""
    calendar = calendar_of(c.profile.support.business_hours)
    if calendar.is_open(c.tx.now):
        return False
    return ticket.away_told_at is None or ticket.away_told_at < calendar.last_open(c.tx.now)


def _held_more(c: Context, run: FormView, text: str, files: list[dict[str, Any]]) -> Reply:
    """While the question "which one" stands: an answer to it, or more of the same words, which are held with them."""
    offered = {str(ticket.id): ticket for ticket in _offered(c)}
    chosen = _named(c, text) or next(
        (offered[key] for key in read_choices(text, {key: ticket.ticket_no for key, ticket in offered.items()})), None
    )
    if chosen is not None and not files:
        return forms.take(c, run, Given(value=chosen.id))
    answers = dict(run.answers)
    answers["_text"] = "\n".join(part for part in (str(answers["_text"]), text) if part)
    answers["_files"] = [*answers["_files"], *files]
    return forms.prompt(c, form_store.save(c.tx, run._replace(answers=answers)))


def _offered(c: Context) -> list[TicketView]:
    return threads.list_open_of_person(c.tx, **_who(c))[:MOST_OFFERED]


def _parse_which(c: Context, answers: Answers, given: Given) -> Any:
    if given.value == "new":
        return "new"
    if given.value is not None:
        return _own(c, given.value).id
    found = _named(c, given.text)
    labels = {str(ticket.id): ticket.ticket_no for ticket in _offered(c)}
    chosen = found.id if found else next((int(key) for key in read_choices(given.text, labels)), None)
    if chosen is None:
        raise Wrong("ticket.wrong_choice")
    return chosen


def _deliver_held(c: Context, answers: Answers) -> tuple[Reply, str, dict[str, Any]]:
    text, files = str(answers["_text"]), list(answers["_files"])
    if answers["ticket"] == "new":
        begun = forms.begin(c, "ticket", {**({"body": text} if text else {}), **({"files": files} if files else {})})
        return begun, "ticket.list", {}
    ticket_id = int(answers["ticket"])
    if c.chat.speaker == "human":
        dialogue.set_speaker(c.tx, chat_id=c.chat.id, speaker="human", ticket_id=ticket_id)
    done = deliver(c, ticket_id, text, files)
    return _said(c, done, aloud=True), "ticket.show", {"ticket": done.ticket.id}


@action("ticket.files")
def files_by_themselves(c: Context, slots: Slots) -> Reply:
    """A photo or file that nobody asked for: for one of the inquiries under way, or for a new one."""
    files, text = list(slots["files"]), c.inbound.text
    offered = _offered(c)
    if offered:
        return forms.begin(c, WHICH, {"_text": text, "_files": files, "_current": offered[0].id})
    return forms.begin(c, "ticket", {"files": files, **({"body": text} if text else {})})


forms.register(
    Form(
        name=WHICH,
        intent="",
        version=1,
        title="ticket.which_title",
        steps=lambda c, answers: [
            Step(
                "ticket",
                lambda c, a: screens.ask_which(c.w, _offered(c)),
                _parse_which,
                "ticket.which_label",
                lambda c, a: "",
            )
        ],
        confirm=None,
        commit=_deliver_held,
        needs_member=False,
        files="_files",
    )
)


# ── write on ─────────────────────────────────────────────────────────────────────────────────────


@action("ticket.write")
def write(c: Context, slots: Slots) -> Reply:
    """For one inquiry: where a person talks anyway the next words are for it, else they are asked for."""
    ticket = _own(c, slots["ticket"])
    if c.chat.speaker == "human":
        dialogue.set_speaker(c.tx, chat_id=c.chat.id, speaker="human", ticket_id=ticket.id)
        return Screen(c.w("ticket.write_here", ticket_no=ticket.ticket_no), fresh=True)
    return forms.begin(c, "ticket_reply", {"_ticket": ticket.id})


@action("ticket.append")
def append(c: Context, slots: Slots) -> Reply:
    """What the bot did not understand goes to the inquiry it was about, once."""
    ticket = _own(c, slots["ticket"])
    if (sent := threads.find_sent(c.tx, client_key=press_key(c))) is not None:
        return show(c, {"ticket": sent.id})
    latest = dialogue.list_latest(c.tx, chat_id=c.chat.id, before_seq=c.chat.last_seq + 1, limit=20)
    said = [m.body.get("text", "") for m in latest if m.author == "member" and not m.body.get("pressed")]
    body = "\n".join(text for text in said[-min(c.chat.misses or 1, RECENT_WORDS) :] if text)
    c.chat = c.chat._replace(misses=0)
    return _said(c, deliver(c, ticket.id, body, [], client_key=press_key(c)), aloud=True)


def _parse_reply(c: Context, answers: Answers, given: Given) -> dict[str, Any]:
    if not given.text.strip() and not given.files:
        raise Wrong("ticket.wrong_body")
    return {"text": given.text.strip(), "files": list(given.files)}


def _commit_reply(c: Context, answers: Answers) -> tuple[Reply, str, dict[str, Any]]:
    done = deliver(c, int(answers["_ticket"]), answers["body"]["text"], answers["body"]["files"])
    return _said(c, done, aloud=True), "ticket.show", {"ticket": done.ticket.id}


def _ask_reply(c: Context, answers: Answers) -> Screen:
    ticket_no = _own(c, answers["_ticket"]).ticket_no
    return Screen(c.w("ticket.ask_reply", ticket_no=ticket_no), upload=True)


forms.register(
    Form(
        name="ticket_reply",
        intent="",
        version=1,
        title="ticket.reply_title",
        steps=lambda c, answers: [
            Step("body", _ask_reply, _parse_reply, "ticket.reply_label", lambda c, a: "", takes_files=True)
        ],
        confirm=None,
        commit=_commit_reply,
        needs_member=False,
    )
)


# ── how it was ───────────────────────────────────────────────────────────────────────────────────


@action("ticket.rate")
def rate(c: Context, slots: Slots) -> Reply:
    """One press; another face corrects it. Then a word, if the member likes."""
    ticket = _own(c, slots["ticket"])
    rated = ratings.rate(c.tx, ticket_id=ticket.id, score=int(slots["score"]))
    if rated.words or rated.rated_at != c.tx.now:
        return screens.thanked(c.w, ticket.id, words=bool(rated.words))
    return forms.begin(c, "rating", {"_ticket": ticket.id})


@action("ticket.rerate")
def rerate(c: Context, slots: Slots) -> Reply:
    """The faces again: a slip of the finger can be put right."""
    return screens.ask_rating(c.w, _own(c, slots["ticket"]).id)


def _parse_words(c: Context, answers: Answers, given: Given) -> str:
    if not given.text.strip():
        raise Wrong("ticket.wrong_text")
    return given.text.strip()


def _commit_words(c: Context, answers: Answers) -> tuple[Reply, str, dict[str, Any]]:
    said = str(answers["words"] or "")
    ratings.add_rating_words(c.tx, ticket_id=int(answers["_ticket"]), words=said)
    thanked = screens.thanked(c.w, int(answers["_ticket"]), words=bool(said))
    return thanked, "ticket.show", {"ticket": answers["_ticket"]}


forms.register(
    Form(
        name="rating",
        intent="",
        version=1,
        title="ticket.rating_title",
        steps=lambda c, answers: [
            Step(
                "words",
                lambda c, a: Screen(c.w("ticket.ask_words")),
                _parse_words,
                "ticket.words_label",
                lambda c, a: "",
                optional=True,
            )
        ],
        confirm=None,
        commit=_commit_words,
        needs_member=False,
    )
)
