"""Frequent questions, offered before a person is asked (row Q4)."""

from collections.abc import Sequence

from bot.screens.model import Button, Screen, answer
from bot.screens.talk import menu_button
from bot.wording import Wording
from core.profiles.faq import ArticleView

HELPED, SEND = "helped", "send"  # the answers of the inquiry's form


def offer(w: Wording, articles: Sequence[ArticleView]) -> Screen:
    """In the inquiry's form: is it one of these? One press sends it to staff all the same."""
    rows = [(answer(article.question(w.language), article.id),) for article in articles]
    return Screen(w("faq.offer"), buttons=(*rows, (answer(w("faq.to_staff"), SEND),)))


def read(w: Wording, article: ArticleView) -> Screen:
    """In the inquiry's form: the answer, and whether it helped."""
    helped, send = answer(w("faq.helped"), HELPED, primary=True), answer(w("faq.to_staff"), SEND)
    return Screen(_words(w, article), buttons=((helped,), (send,)))


def show(w: Wording, article: ArticleView, said: int) -> Screen:
    """Outside of a form; `said`: number of the member's message that it answers, for staff if it does not help."""
    args = {"article": article.id, "said": said}
    return Screen(
        _words(w, article),
        buttons=(
            (Button(w("faq.helped"), "faq.helped", {"article": article.id}, style="primary"),),
            (Button(w("faq.to_staff"), "faq.send", args),),
            menu_button(w),
        ),
    )


def buttons(w: Wording, articles: Sequence[ArticleView], said: int) -> list[Button]:
    """A button for each article, beside the bot's guesses."""
    return [
        Button(article.question(w.language), "faq.show", {"article": article.id, "said": said}) for article in articles
    ]


def thanked(w: Wording) -> Screen:
    """It helped; nothing was sent to anybody."""
    return Screen(w("faq.thanked"), buttons=(menu_button(w),))


def _words(w: Wording, article: ArticleView) -> str:
    heading = w("faq.heading", question=article.question(w.language))
    return f"{heading}\n\n{article.answer(w.language)}\n\n{w('faq.ask')}"
