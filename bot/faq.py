"""Which frequent questions answer a member's words before a person is asked (row Q4, decision 0013)."""

import re

from bot.registry import Context
from bot.understanding import CONFIDENT, understand
from bot.understanding.likeness import CLEAR, Topic, Topics, prepared
from bot.understanding.text import fold, normalise
from bot.understanding.urgent import is_urgent
from core.profiles.faq import ArticleView, list_published

MOST = 3
OWN_WAY = frozenset(  # what has a form of its own, or must be looked at by a person
    {
        "report_payment", "payment_status", "show_payment_number", "new_reservation", "change_reservation",
        "cancel_reservation", "reservation_status",
    }
)  # fmt: skip
_MONEY_OR_BOOKING = re.compile(
    "|".join(
        re.escape(fold(normalise(word)))
        for word in (
            "円", "料金", "代金", "費用", "支払", "払", "振込", "振り込", "請求", "領収", "返金", "入金", "口座", "予約",
            "キャンセル", "解約", "有料", "無料",
        )
    )
    + r"|\b(?:yen|pay\w*|paid|invoice\w*|receipt\w*|refund\w*|fees?|prices?|costs?|free|book\w*|reserv\w*|cancel\w*)\b"
)  # fmt: skip


def suggest(c: Context, text: str) -> list[ArticleView]:
    """Up to three articles worth offering for these words, best first; none where the words must not wait for one."""
    return [article for article, _ in _ranked(c, text)]


def find_clear(c: Context, text: str) -> ArticleView | None:
    """The article that plainly is what was asked, alone; never where money or a booking is touched by words or answer."""
    found = _ranked(c, text)
    if not found or found[0][1] < CLEAR or (len(found) > 1 and found[1][1] >= CLEAR):
        return None
    article = found[0][0]
    words = "\n".join((text, article.question_ja, article.question_en, article.answer_ja, article.answer_en))
    return None if _MONEY_OR_BOOKING.search(fold(normalise(words))) else article


def _ranked(c: Context, text: str) -> list[tuple[ArticleView, float]]:
    if not text.strip() or is_urgent(text):
        return []
    meaning = understand(text, today=c.today, lang=c.language)
    if meaning.intent in OWN_WAY and meaning.confidence >= CONFIDENT:
        return []
    articles = {article.id: article for article in list_published(c.tx)}
    return [(articles[key], likeness) for key, likeness in _topics(articles).best(text, most=MOST)]


def _topics(articles: dict[int, ArticleView]) -> Topics:
    return prepared(
        tuple(
            Topic(article.id, (article.question_ja, article.question_en), tuple(article.keywords))
            for article in articles.values()
        )
    )
