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

OFFER = "faq"  # its answer: an article's id, or a list (of the files sent with it): on to staff
SENT: Answers = {OFFER: []}


def faq_steps(c: Context, answers: Answers) -> list[Step]:
    """The offer where articles match the words just written, and the one that was chosen; none once files were dealt with."""
    if OFFER not in answers and ("body" not in answers or "files" in answers):
        return []
    articles = suggest(c, str(answers.get("body") or "")) if not isinstance(answers.get(OFFER), list) else []
    steps = [_offer(articles)] if articles else []
    chosen = _chosen(c, answers)
    return [*steps, _read(chosen)] if chosen is not None else steps


def is_sent_on(answers: Answers) -> bool:
    """Whether the member saw articles and wants a person: nothing more is asked then."""
    return any(isinstance(answers[key], list) for key in _keys(answers))


def files_sent_on(answers: Answers) -> list[Any]:
    """Files that came with that wish."""
    return [file for key in _keys(answers) if isinstance(answers[key], list) for file in answers[key]]


def helpful(answers: Answers) -> int | None:
    """The article that answered the question."""
    found = answers.get(OFFER)
    return found if isinstance(found, int) and answers.get(_key(found)) == screens.HELPED else None


def _keys(answers: Answers) -> list[str]:
    chosen = answers.get(OFFER)
    keys = [OFFER, _key(chosen)] if isinstance(chosen, int) else [OFFER]
    return [key for key in keys if key in answers]


def _key(article_id: int) -> str:
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
        if (sent := _sends(c, given)) is not None:
            return sent
        labels = {str(article.id): article.question(c.language) for article in articles}
        picked = [str(given.value)] if str(given.value) in labels else read_choices(given.text, labels)
        if not picked:
            raise Wrong("ticket.wrong_choice")
        return int(picked[0])

    return _step(OFFER, lambda c, a: screens.offer(c.w, articles), parse)


def _read(article: ArticleView) -> Step:
    def parse(c: Context, answers: Answers, given: Given) -> Any:
        if (sent := _sends(c, given)) is not None:
            return sent
        said = given.text == c.w("faq.helped") or forms.read_yes_no(c, given.text) is True
        if given.value != screens.HELPED and not said:
            raise Wrong("ticket.wrong_choice")
        return screens.HELPED

    return _step(_key(article.id), lambda c, a: screens.read(c.w, article), parse)


def _step(key: str, ask: Any, parse: Any) -> Step:
    return Step(key, ask, parse, "ticket.title", lambda c, a: "", aside=True)


def _sends(c: Context, given: Given) -> list[dict[str, Any]] | None:
    """On to staff: by the button, its words, a "no", or a picture, which says more than any article."""
    text = given.text.strip()
    says = given.value == screens.SEND or text == c.w("faq.to_staff") or bool(given.files)
    return list(given.files) if says or (text and forms.read_yes_no(c, text) is False) else None
