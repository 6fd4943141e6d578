"""Which handler answers: a button, a command, the form under way, a person talking, or a plain sentence — in that order."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot import about_operator, faq, form_files, forms
from bot.after_solving import find_own_matter
from bot.forms import Given
from bot.inbound import DEEP_LINK, Inbound
from bot.registry import ACTIONS, INTENTS, Context, Reply, as_screens
from bot.screens import faq as faq_screens
from bot.screens.model import Screen, read_handle
from bot.screens.offers import offered
from bot.screens.talk import guesses_screen, old_button_screen, urgent_screen
from bot.understanding import CONFIDENT, Understanding, command_intent, normalise, understand
from bot.understanding.dates import is_only_date
from bot.understanding.urgent import is_urgent
from bot.wording import LANGUAGES
from core.db import Tx
from core.delivery.files import MAX_FILE_BYTES
from core.dialogue import forms as form_store
from core.dialogue import service as dialogue
from core.dialogue.forms import FormView
from core.dialogue.service import ChatView
from core.errors import DomainError
from core.tickets.editing import record_edit_in_chat

NO_TRACE_ACTIONS = frozenset({"form.toggle"})  # presses that are no statement of the member's
GLOBAL_INTENTS = frozenset(
    {"back", "abort", "show_menu", "talk_to_human", "change_language"}
)  # win over a form's parsing
LONGEST_COMMAND = 40  # a sentence that long is an answer, not "menu" or "stop"


@dataclass(frozen=True, slots=True)
class Pressed:
    """The button behind a handle."""

    seq: int
    label: str
    action: str
    args: dict[str, Any]
    items: Mapping[str, str]  # of the bubble's check-mark list: value → label

    def ticked(self, chosen: tuple[str, ...] | None) -> str:
        """What the person ticked, in words; empty when the button belongs to no list."""
        return " / ".join(self.items[value] for value in chosen or () if value in self.items)


def find_pressed(tx: Tx, chat: ChatView, inbound: Inbound) -> Pressed | None:
    """None: no such button in this chat, or its bubble has been drawn anew since."""
    parts = read_handle(inbound.handle)
    if parts is None:
        return None
    seq, index, key = parts
    message = dialogue.find_message(tx, chat_id=chat.id, seq=seq)
    if message is None or message.screen_key != key or index >= len(message.actions):
        return None
    action, args = message.actions[index]
    items = {item["value"]: item["label"] for item in message.body.get("checks", {}).get("items", ())}
    return Pressed(seq, _label(message.body, inbound.handle), action, args, items)


def _label(body: dict[str, Any], handle: str) -> str:
    rows = [*body.get("buttons", ())]
    rows.extend([body[part]["submit"]] for part in ("checks", "date") if part in body)
    for row in rows:
        for button in row:
            if button.get("handle") == handle:
                return str(button["label"])
    return ""


def route(c: Context, pressed: Pressed | None) -> Reply:
    """The answer to one act."""
    inbound = c.inbound
    if inbound.kind in ("press", "date"):
        return ACTIONS[pressed.action](c, pressed.args) if pressed else _old_button(c)
    if inbound.kind == "account_link":
        return ACTIONS["link.account"](c, {"nonce": inbound.payload})
    if inbound.kind == "start" and inbound.payload.startswith(DEEP_LINK):
        return ACTIONS["link.open"](c, {"token": inbound.payload.removeprefix(DEEP_LINK)})
    if inbound.kind == "start":
        return INTENTS["show_menu"](c, {"start": True, "payload": inbound.payload})
    if inbound.kind == "edit" and _changed_in_ticket(c):
        return None
    command = command_intent(inbound.text) if inbound.kind == "text" else None
    if c.chat.speaker == "human" and c.chat.ticket_id is not None and command is None and not _has_form_begun(c):
        if (asked := _asks_for_bot(c)) is not None:
            return ACTIONS[asked](c, {})
        if (own := find_own_matter(c)) is not None:
            return INTENTS[own.intent](c, own.slots)
        return ACTIONS["ticket.words"](c, {})
    if inbound.kind == "edit" or inbound.other == "service":
        return None  # kept in the thread; what was answered stays answered
    run, note = _form_under_way(c)
    if command is None and is_urgent(inbound.text) and (run is None or run.name != "ticket"):  # there it is on its way
        return [*note, urgent_screen(c.w, [forms.way_on(c, run)] if run is not None else [])]
    if command is not None:
        return [*note, *as_screens(_by_command(c, command, run))]
    return [*note, *as_screens(_in_form(c, run) if run is not None else _free(c))]


def _asks_for_bot(c: Context) -> str | None:
    """While a person talks: the words on the bot's own buttons, typed and nothing beside them (dialogue-and-desk.md 2.7)."""
    said = normalise(c.inbound.text).casefold() if c.inbound.kind == "text" else ""
    buttons = {"menu.menu": "intent.show_menu", "ticket.human_end": "ticket.leave"}
    words = [
        (normalise(c.bot.wording(language)(key)).casefold(), way)
        for key, way in buttons.items()
        for language in LANGUAGES
    ]
    return dict(words).get(said)


def _has_form_begun(c: Context) -> bool:
    """Whether the person began a form by a button while a person talks: the words are for it. Staff's next answer parks it."""
    run = form_store.find_active(c.tx, chat_id=c.chat.id)
    if run is None or run.name == forms.ASIDE or c.tx.now - run.touched_at > form_store.IDLE:
        return False
    return forms.is_usable(c, run)


def _form_under_way(c: Context) -> tuple[FormView | None, list[Screen]]:
    """The form that goes on, or why there is none any more where the person has not been told yet."""
    run = form_store.find_under_way(c.tx, chat_id=c.chat.id)
    if run is None:
        return None, []
    ended = run._replace(state="closed", revision=run.revision + 1)
    if run.state == "expired" or c.tx.now - run.touched_at > form_store.LIFETIME or not forms.is_current(run):
        form_store.save(c.tx, ended)
        return None, [Screen(c.w("form.expired"))]
    if not forms.is_usable(c, run):
        form_store.park(c.tx, chat_id=c.chat.id)
        return None, [Screen(c.w("form.other_member", title=c.w(forms.FORMS[run.name].title)))]
    return run, []


def _old_button(c: Context) -> Reply:
    run = form_store.find_active(c.tx, chat_id=c.chat.id)
    return forms.stale(c, run) if run is not None and forms.is_usable(c, run) else old_button_screen(c.w)


def _by_command(c: Context, command: str, run: FormView | None) -> Reply:
    if command == "back" and run is not None:
        return forms.back(c, run)
    if command == "abort" and run is not None:
        return forms.stop(c, run)
    if c.inbound.text.strip().casefold().startswith("/help"):
        return ACTIONS["help"](c, {})
    handler = INTENTS.get(command, INTENTS["fallback"])
    words = c.inbound.text.split(maxsplit=1)
    return handler(c, {"language": words[1].strip().lower()} if command == "change_language" and len(words) > 1 else {})


def _changed_in_ticket(c: Context) -> bool:
    """The member changed words that stand in a ticket: staff see old and new there."""
    ref, seq = c.inbound.message_ref, c.chat.last_seq
    before = dialogue.find_earlier(c.tx, chat_id=c.chat.id, platform_ref=ref, before_seq=seq) if ref else None
    return before is not None and record_edit_in_chat(
        c.tx,
        chat_id=c.chat.id,
        member_id=c.member.id if c.member else None,
        before=str(before.body.get("text") or ""),
        after=c.inbound.text,
    )


def _file_refs(inbound: Inbound) -> list[dict[str, Any]]:
    return [
        {"file_id": str(f.file_id), "name": f.name, "mime": f.mime, "size_bytes": f.size_bytes} for f in inbound.files
    ]


def _in_form(c: Context, run: FormView) -> Reply:
    # What is written on a sticker orders nothing; under a picture it is what the person says
    text = c.inbound.text.strip() if c.inbound.files or not c.inbound.other else ""
    expecting = "confirm" if run.step == forms.CONFIRM else forms.FORMS[run.name].intent or None
    meaning = understand(text, today=c.today, lang=c.language, expecting=expecting) if text else None
    if meaning is not None and _is_global(meaning, text) and not is_only_date(text, today=c.today):
        if meaning.intent == "back":
            return forms.back(c, run)
        if meaning.intent == "abort":
            return forms.stop(c, run)
        return INTENTS[meaning.intent](c, meaning.slots)
    if c.tx.now - run.touched_at > form_store.IDLE:
        return forms.ask_resume(c, run)
    if run.step == forms.CONFIRM and meaning is not None and meaning.intent in ("confirm", "decline"):
        return (
            forms.commit(c, {"run": run.id, "rev": run.revision}) if meaning.intent == "confirm" else forms.stop(c, run)
        )
    _refuse_large(c.inbound)
    if not (c.inbound.files or c.inbound.other) or (c.inbound.files and form_files.takes_files(c, run)):
        return _answer_form(c, run, Given(text=text, files=tuple(_file_refs(c.inbound))), meaning)
    if c.inbound.files and form_files.keeps_files(run):
        return form_files.keep_files(c, run, Given(text=text, files=tuple(_file_refs(c.inbound))))
    if text:  # under a picture that has no place here: the words count
        return [Screen(c.w("form.file_not_needed")), *as_screens(_answer_form(c, run, Given(text=text), meaning))]
    return Screen(c.w("talk.other_in_form"), buttons=()), forms.prompt(c, run)


def _answer_form(c: Context, run: FormView, given: Given, meaning: Understanding | None) -> Reply:
    """Words, with the files the step takes: the answer to it, or another matter, after which the form goes on."""
    text = given.text
    if run.step == forms.CONFIRM and (step := forms.read_fix(c, run, text)) is not None:
        return ACTIONS["form.fix"](c, {"run": run.id, "rev": run.revision, "step": step})
    if run.step == forms.CONFIRM and (task := _other_task(c, run, text)) is not None:
        return _interrupt(c, run, task)
    if (told := _told_at_once(c, run, text)) is not None:
        return _interrupt(c, run, told)
    before = run.wrong
    reply = forms.resume_or_take(c, run, given)
    after = form_store.find(c.tx, chat_id=c.chat.id, form_id=run.id)
    if after is not None and after.wrong > before:
        task = meaning if meaning is not None and _is_question(c, run, meaning) else _other_task(c, run, text)
        if task is not None:
            return _interrupt(c, form_store.save(c.tx, after._replace(wrong=before)), task)
    return reply


def _is_global(meaning: Understanding, text: str) -> bool:
    return meaning.intent in GLOBAL_INTENTS and meaning.confidence >= CONFIDENT and len(text) <= LONGEST_COMMAND


INTERRUPTING = frozenset(
    {
        "check_expiry",
        "list_unpaid",
        "show_payment_number",
        "payment_status",
        "ticket_status",
        "show_profile",
        "reservation_status",
    }
)
ANSWERS = frozenset({"confirm", "decline", "back", "abort", "fallback"})  # words to the question itself, no other task
SURE = 0.8  # to leave a form for another task more is asked than to answer a free sentence
TOLD_AT_ONCE = frozenset({"report_payment", "renew"})
FEWEST_LETTERS = 4  # "0円" is a wrong amount, not a question about a balance


def _is_question(c: Context, run: FormView, meaning: Understanding) -> bool:
    """A question in the middle of a form is answered, then the form goes on; nothing that would start another form.

    What is read as the form's own matter is its answer, however wrong.
    """
    own = meaning.intent == forms.FORMS[run.name].intent
    return c.member is not None and not own and meaning.intent in INTERRUPTING and meaning.confidence >= CONFIDENT


def _other_task(c: Context, run: FormView, text: str) -> Understanding | None:
    """What a sentence that is no answer asks for instead, read without the form's expectation; None if that is not sure."""
    letters = sum(char.isalpha() and not char.isnumeric() for char in text)  # 千 and 万 are numbers too
    if c.member is None or letters < (FEWEST_LETTERS if any(char.isnumeric() for char in text) else 2):
        return None
    meaning = understand(text, today=c.today, lang=c.language)
    if meaning.intent not in INTENTS or meaning.intent in ANSWERS or meaning.confidence < SURE:
        return None
    anew = meaning.intent == forms.FORMS[run.name].intent  # the same again is another task only if it names something
    return meaning if not anew or meaning.slots else None


def _told_at_once(c: Context, run: FormView, text: str) -> Understanding | None:
    """A sentence that tells the whole task ("昨日、山田太郎名義で13,200円…"), not just the present step's answer."""
    intent = forms.FORMS[run.name].intent
    if c.member is None or intent not in TOLD_AT_ONCE:
        return None
    meaning = understand(text, today=c.today, lang=c.language)
    whole = meaning.intent == intent and meaning.confidence >= SURE and len(meaning.slots) >= 2
    return meaning if whole else None


def _interrupt(c: Context, run: FormView, task: Understanding) -> Reply:
    """The other thing first (dialogue-and-desk.md 2.3). The form goes on, or is said to be left aside for a new one."""
    if task.intent == forms.FORMS[run.name].intent:
        form_store.save(c.tx, run._replace(state="cancelled", revision=run.revision + 1))
        return INTENTS[task.intent](c, task.slots)
    screens = as_screens(INTENTS[task.intent](c, task.slots))
    active = form_store.find_active(c.tx, chat_id=c.chat.id)
    if active is not None and active.id == run.id:
        return [*screens, forms.prompt(c, active)]
    return [Screen(c.w("form.left_aside", title=c.w(forms.FORMS[run.name].title))), *screens]


ASKING = frozenset({"open_ticket", "mail_not_arriving", "forgot_login_id"})  # a question, which an article may answer


def _free(c: Context) -> Reply:
    """No form under way: a sentence, a file, or something the bot cannot read."""
    inbound = c.inbound
    _refuse_large(inbound)
    if inbound.files:
        return ACTIONS["ticket.files"](c, {"files": _file_refs(inbound)})
    if inbound.other:
        return INTENTS["fallback"](c, {"other": inbound.other})
    if (about := about_operator.find(inbound.text)) is not None:
        c.chat = c.chat._replace(misses=0)
        return about_operator.tell(c, about)
    meaning = understand(inbound.text, today=c.today, lang=c.language)
    if meaning.intent == "fallback" or meaning.intent not in INTENTS:
        return INTENTS["fallback"](c, {})
    asking = meaning.confidence < CONFIDENT or meaning.intent in ASKING
    if asking and (article := faq.find_clear(c, inbound.text)) is not None:
        return faq_screens.show(c.w, article, c.chat.last_seq)
    if meaning.confidence < CONFIDENT:
        guesses = [meaning.intent, *(name for name, _ in meaning.alternatives)]
        known = [name for name in dict.fromkeys(guesses) if name in INTENTS and name != "fallback"]
        articles = faq_screens.buttons(c.w, faq.suggest(c, inbound.text), c.chat.last_seq)
        return guesses_screen(c.w, offered(c.profile, known)[:3], articles)
    c.chat = c.chat._replace(misses=0)
    return INTENTS[meaning.intent](c, meaning.slots)


def _refuse_large(inbound: Inbound) -> None:
    if any(file.size_bytes > MAX_FILE_BYTES for file in inbound.files):
        raise DomainError("file_too_large", limit_bytes=MAX_FILE_BYTES)
