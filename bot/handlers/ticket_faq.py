"""Frequent questions as steps of the inquiry's form, between the member's words and the summary (row Q4)."""

from typing import Any

from bot import forms
from bot.faq import suggest
from bot.forms import Answers, Given, Step, Wrong
from bot.registry import Context
from bot.screens import faq as screens
from bot.understanding.typed import read_choices
from core.errors import DomainError
from core.profiles.faq import ArticleView, get_published

OFFER = "faq"  # its answer: an article's id, or on to staff
SENT: Answers = {OFFER: screens.SEND}


def faq_steps(c: Context, answers: Answers) -> list[Step]:
    """The offer where articles match the words just written, and the one that was chosen."""
    if answers.get(OFFER) == screens.SEND:
        return []
    articles = suggest(c, str(answers.get("body") or ""))
    chosen = _chosen(c, answers)
    return [*([_offer(articles)] if articles else []), *([_read(chosen)] if chosen is not None else [])]


def is_sent_on(answers: Answers) -> bool:
    """Whether the member saw articles and wants a person: nothing more is asked then."""
    return screens.SEND in (answers.get(OFFER), answers.get(_key(answers.get(OFFER))))


def helpful(answers: Answers) -> int | None:
    """The article that answered the question."""
    found = answers.get(OFFER)
    return found if isinstance(found, int) and answers.get(_key(found)) == screens.HELPED else None


def _key(article_id: object) -> str:
    return f"{OFFER}_{article_id}"


def _chosen(c: Context, answers: Answers) -> ArticleView | None:
    """The article being read; one withdrawn meanwhile is shown to nobody."""
    if not isinstance(article_id := answers.get(OFFER), int):
        return None
    try:
        return get_published(c.tx, article_id=article_id)
    except DomainError:
        return None


def _offer(articles: list[ArticleView]) -> Step:
    def parse(c: Context, answers: Answers, given: Given) -> Any:
        if _sends(c, given):
            return screens.SEND
        labels = {str(article.id): article.question(c.language) for article in articles}
        picked = [str(given.value)] if str(given.value) in labels else read_choices(given.text, labels)
        if not picked:
            raise Wrong("ticket.wrong_choice")
        return int(picked[0])

    return _step(OFFER, lambda c, a: screens.offer(c.w, articles), parse)


def _read(article: ArticleView) -> Step:
    def parse(c: Context, answers: Answers, given: Given) -> Any:
        if _sends(c, given):
            return screens.SEND
        said = given.text == c.w("faq.helped") or forms.read_yes_no(c, given.text) is True
        if given.value != screens.HELPED and not said:
            raise Wrong("ticket.wrong_choice")
        return screens.HELPED

    return _step(_key(article.id), lambda c, a: screens.read(c.w, article), parse)


def _step(key: str, ask: Any, parse: Any) -> Step:
    return Step(key, ask, parse, "ticket.title", lambda c, a: "", aside=True)


def _sends(c: Context, given: Given) -> bool:
    """On to staff: by the button, its words, or a "no"."""
    text = given.text.strip()
    if given.value == screens.SEND or text == c.w("faq.to_staff"):
        return True
    return bool(text) and forms.read_yes_no(c, text) is False
