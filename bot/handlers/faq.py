"""Frequent questions outside of the inquiry's form: read one, say that it helped, or send one's words to a person (row Q4)."""

from bot import forms
from bot.forms import Answers
from bot.handlers.ticket_faq import SENT
from bot.handlers.tickets import press_key, words_said
from bot.registry import Context, Reply, Slots, action
from bot.screens import faq as screens
from core.profiles.faq import get_published, record_helped


@action("faq.show")
def show(c: Context, slots: Slots) -> Reply:
    """One article. Errors: DomainError `faq_unknown` where it was withdrawn meanwhile."""
    return screens.show(c.w, get_published(c.tx, article_id=int(slots["article"])), int(slots["said"]))


@action("faq.helped")
def helped(c: Context, slots: Slots) -> Reply:
    """Counted once, however often the button is tapped."""
    record_helped(c.tx, article_id=int(slots["article"]), chat_id=c.chat.id, press_key=press_key(c))
    return screens.thanked(c.w)


@action("faq.send")
def send(c: Context, slots: Slots) -> Reply:
    """To a person after all: what was written is in the form already."""
    words = words_said(c, int(slots["said"]))
    answers: Answers = {"body": words, **SENT} if words else {}
    return forms.begin(c, "ticket", answers)
