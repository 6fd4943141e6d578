"""Menu, help, language, small talk, and what the bot does not understand."""

from dataclasses import replace

from bot import forms
from bot.faq import find_clear, suggest
from bot.home_menu import owe_menu
from bot.inbound import sticker_words
from bot.registry import ACTIONS, Context, Reply, Slots, action, intent
from bot.screens import faq as faq_screens
from bot.screens.model import Button, Screen
from bot.screens.talk import menu_button, menu_screen, miss_screen, not_here_screen, other_screen, urgent_screen
from bot.understanding import INTENTS as INTENT_NAMES
from bot.understanding.urgent import is_angry_sign, is_urgent
from core.dialogue import forms as form_store
from core.dialogue import service as dialogue
from core.dialogue.forms import FormView
from core.tickets.policy import is_courtesy
from core.tickets.threads import list_open_of_person

MOST_WAYS_BACK = 2


@intent("show_menu")
def show_menu(c: Context, slots: Slots) -> Reply:
    """Home: for a linked member the everyday things, else linking. What was under way is left aside, with a way back."""
    form_store.park(c.tx, chat_id=c.chat.id)
    return menu_screen(
        c.w,
        c.profile,
        operator=c.bot.operator_name(c.language),
        name=c.member.name if c.member else None,
        again=not slots.get("start") and c.chat.last_seq > 2,
        resume=_ways_back(c),
    )


def _ways_back(c: Context) -> list[Button]:
    """A button for each kind of form left aside, newest first; one that nothing was typed in only when it is the newest."""
    member_id = c.member.id if c.member else None
    parked = form_store.list_parked(
        c.tx, chat_id=c.chat.id, member_id=member_id, but="" if member_id is None else "link_code"
    )
    newest: dict[str, FormView] = {}
    for at, run in enumerate(run for run in parked if forms.is_current(run)):
        typed = any(not key.startswith("_") for key in run.answers)
        if run.name not in newest and (typed or at == 0):
            newest[run.name] = run
    return [
        Button(
            c.w("menu.resume", title=c.w(forms.FORMS[run.name].title)),
            "form.show",
            {"run": run.id, "rev": run.revision},
        )
        for run in list(newest.values())[:MOST_WAYS_BACK]
    ]


@action("help")
def show_help(c: Context, slots: Slots) -> Reply:
    """What this counter does."""
    return Screen(c.w("menu.help_text"), buttons=(menu_button(c.w),))


@intent("change_language")
def change_language(c: Context, slots: Slots) -> Reply:
    """To the language named, else to the other one; remembered for the chat."""
    wanted = slots.get("language")
    language = str(wanted) if wanted in ("ja", "en") else "en" if c.language == "ja" else "ja"
    dialogue.set_language(c.tx, chat_id=c.chat.id, language=language)
    owe_menu(c.tx, c.bot, c.chat.id, "guest" if c.member is None else "member")
    c.w = c.bot.wording(language)
    c.chat = c.chat._replace(language=language)
    run = form_store.find_active(c.tx, chat_id=c.chat.id)
    if run is not None and forms.is_current(run):
        return Screen(c.w("menu.language_changed")), forms.prompt(c, run)
    home = show_menu(c, {})
    assert isinstance(home, Screen)
    return replace(home, text=f"{c.w('menu.language_changed')}\n{home.text}")


@intent("smalltalk")
def smalltalk(c: Context, slots: Slots) -> Reply:
    """Thanks and greetings get a short friendly word, not a menu in the face."""
    if is_courtesy(c.inbound.text, settled=True):
        return Screen(c.w("talk.welcome_back"), buttons=(menu_button(c.w),))
    return show_menu(c, {"start": True})


@intent("confirm", "decline", "back", "abort")
def nothing_under_way(c: Context, slots: Slots) -> Reply:
    """Yes, no, back or stop, with nothing to say it to: the present state."""
    return show_menu(c, slots)


@intent("fallback")
def fallback(c: Context, slots: Slots) -> Reply:
    """Not understood: ever closer to a person, never a loop (dialogue-and-desk.md 2.5)."""
    if slots.get("other"):
        said = sticker_words(c.inbound)
        if any(is_urgent(word) or is_angry_sign(word) for word in said):
            return urgent_screen(c.w, ())
        if any(is_courtesy(word, settled=True) for word in said):
            return Screen(c.w("talk.welcome_back"), buttons=(menu_button(c.w),))
        return other_screen(c.w, str(slots["other"]))
    if (article := find_clear(c, c.inbound.text)) is not None:
        return faq_screens.show(c.w, article, c.chat.last_seq)
    c.chat = c.chat._replace(misses=min(c.chat.misses + 1, 3))
    open_tickets = list_open_of_person(c.tx, member_id=c.member.id if c.member else None, chat_id=c.chat.id)
    going_on = [
        Button(c.w("ticket.to_ticket", ticket_no=ticket.ticket_no), "ticket.append", {"ticket": ticket.id})
        for ticket in open_tickets[:MOST_WAYS_BACK]
    ]
    articles = faq_screens.buttons(c.w, suggest(c, c.inbound.text), c.chat.last_seq)
    return miss_screen(c.w, c.chat.misses, linked=c.member is not None, going_on=going_on, articles=articles)


def register_not_here() -> None:
    """Everything the language understands and no handler of this deployment does: said plainly, with a way to a person."""
    for name in INTENT_NAMES:
        if f"intent.{name}" not in ACTIONS:
            _register_one(name)


def _register_one(name: str) -> None:
    @intent(name)
    def not_here(c: Context, slots: Slots) -> Reply:
        if (article := find_clear(c, c.inbound.text)) is not None:
            return faq_screens.show(c.w, article, c.chat.last_seq)
        articles = faq_screens.buttons(c.w, suggest(c, c.inbound.text), c.chat.last_seq)
        return not_here_screen(c.w, name, c.chat.last_seq, articles)
