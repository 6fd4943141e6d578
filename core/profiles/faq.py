"""Frequent questions and their answers in the database (よくある質問): filled from the profile, then the desk's (row Q4).

As with plans and wording, the file only starts them. Who may change one is asked one layer up (`core/counter/faq.py`).
"""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.dialects.postgresql import insert

from core.db import Tx
from core.errors import DomainError
from core.profiles.articles import LONGEST_ANSWER, LONGEST_KEYWORD, LONGEST_QUESTION, MOST_ARTICLES, MOST_KEYWORDS
from core.profiles.articles import FaqArticle as ArticleOfFile
from core.profiles.model import Profile
from core.profiles.shapes import LocalText
from core.profiles.tables import FaqArticle, FaqHelp
from core.statements import Read, Write


class ArticleView(NamedTuple):
    """An article; one language may be empty, then the other one is shown."""

    id: int
    code: str
    position: int
    question_ja: str
    question_en: str
    answer_ja: str
    answer_en: str
    keywords: list[str]
    withdrawn: bool
    helped: int
    updated_at: datetime

    def question(self, language: str) -> str:
        """In a language, the other one where there is none."""
        return (self.question_en or self.question_ja) if language == "en" else (self.question_ja or self.question_en)

    def answer(self, language: str) -> str:
        """In the language of `question`."""
        return (self.answer_en or self.answer_ja) if language == "en" else (self.answer_ja or self.answer_en)


class _Id(NamedTuple):
    id: int


class _Count(NamedTuple):
    n: int
    last: int | None


class _Key(NamedTuple):
    press_key: str


_VIEW = tuple(getattr(FaqArticle, name) for name in ArticleView._fields)
_ORDER = (FaqArticle.position, FaqArticle.id)
ALL = Read(ArticleView, select(*_VIEW).order_by(*_ORDER))
PUBLISHED = Read(
    ArticleView, select(*_VIEW).where(FaqArticle.withdrawn.is_(False)).order_by(*_ORDER).limit(MOST_ARTICLES)
)
BY_ID = Read(ArticleView, select(*_VIEW).where(FaqArticle.id == bindparam("article_id")))
ANY = Read(_Id, select(FaqArticle.id).limit(1))
COUNT = Read(_Count, select(func.count(), func.max(FaqArticle.position)).select_from(FaqArticle))
_new = insert(FaqArticle).values({name: bindparam(name) for name in ArticleView._fields})
START = Write(_new.on_conflict_do_nothing())
_EDITED = ("question_ja", "question_en", "answer_ja", "answer_en", "keywords", "withdrawn", "updated_at")
KEEP = Write(
    _new.on_conflict_do_update(index_elements=["id"], set_={name: getattr(_new.excluded, name) for name in _EDITED})
)
HELP = Read(
    _Key,
    insert(FaqHelp)
    .values({name: bindparam(name) for name in ("press_key", "article_id", "chat_id", "at")})
    .on_conflict_do_nothing()
    .returning(FaqHelp.press_key),
)
COUNT_HELP = Write(update(FaqArticle).where(FaqArticle.id == bindparam("article")).values(helped=FaqArticle.helped + 1))


def ensure_faq(tx: Tx, *, profile: Profile) -> bool:
    """Fill an empty list from the profile; False and nothing done when there already are articles, withdrawn ones too."""
    if not profile.faq or tx.first(ANY) is not None:
        return False
    tx.many(START, [_started(tx, place, article)._asdict() for place, article in enumerate(profile.faq)])
    return True


def _started(tx: Tx, place: int, article: ArticleOfFile) -> ArticleView:
    question, answer = article.question, article.answer
    return ArticleView(
        tx.ids.new(), article.code, place, question.ja, question.en, answer.ja, answer.en, list(article.keywords),
        withdrawn=False, helped=0, updated_at=tx.now,
    )  # fmt: skip


def list_published(tx: Tx) -> list[ArticleView]:
    """What may be shown, in the operator's order; a bounded number of them."""
    return tx.all(PUBLISHED)


def list_articles(tx: Tx) -> list[ArticleView]:
    """All of them, withdrawn ones too."""
    return tx.all(ALL)


def get_article(tx: Tx, *, article_id: int) -> ArticleView:
    """By id, withdrawn or not. Errors: DomainError `faq_unknown`."""
    found = tx.first(BY_ID, article_id=article_id)
    if found is None:
        raise DomainError("faq_unknown")
    return found


def get_published(tx: Tx, *, article_id: int) -> ArticleView:
    """By id, as long as it may be shown. Errors: DomainError `faq_unknown`."""
    found = get_article(tx, article_id=article_id)
    if found.withdrawn:
        raise DomainError("faq_unknown")
    return found


def record_helped(tx: Tx, *, article_id: int, chat_id: int, press_key: str) -> bool:
    """Somebody said that it answered their question. False: this very press has been counted."""
    first = tx.first(HELP, press_key=press_key, article_id=article_id, chat_id=chat_id, at=tx.now) is not None
    if first:
        tx.run(COUNT_HELP, article=article_id)
    return first


def save_article(
    tx: Tx,
    *,
    article_id: int | None,
    question_ja: str,
    answer_ja: str,
    question_en: str = "",
    answer_en: str = "",
    keywords: list[str],
) -> ArticleView:
    """A new one (`article_id` None) at the end, or other words for one that is there.

    Errors: DomainError `faq_half` (a question without its answer, or the other way round), `faq_question_long` (most),
    `text_too_long` (most), `faq_keywords` (most, longest), `faq_full` (most), `faq_unknown`.
    """
    questions, answers = (question_ja.strip(), question_en.strip()), (answer_ja.strip(), answer_en.strip())
    if not any(questions) or any(bool(q) != bool(a) for q, a in zip(questions, answers, strict=True)):
        raise DomainError("faq_half")
    if max(map(len, questions)) > LONGEST_QUESTION:
        raise DomainError("faq_question_long", most=LONGEST_QUESTION)
    if max(map(len, answers)) > LONGEST_ANSWER:
        raise DomainError("text_too_long", most=LONGEST_ANSWER)
    words = list(dict.fromkeys(word.strip() for word in keywords if word.strip()))
    if len(words) > MOST_KEYWORDS or any(len(word) > LONGEST_KEYWORD for word in words):
        raise DomainError("faq_keywords", most=MOST_KEYWORDS, longest=LONGEST_KEYWORD)
    row = get_article(tx, article_id=article_id) if article_id is not None else _empty(tx)
    row = row._replace(
        question_ja=questions[0],
        question_en=questions[1],
        answer_ja=answers[0],
        answer_en=answers[1],
        keywords=words,
        updated_at=tx.now,
    )
    tx.run(KEEP, **row._asdict())
    return row


def _empty(tx: Tx) -> ArticleView:
    count = tx.one(COUNT)
    if count.n >= MOST_ARTICLES:
        raise DomainError("faq_full", most=MOST_ARTICLES)
    new = tx.ids.new()
    place = (count.last if count.last is not None else -1) + 1
    return ArticleView(new, f"faq-{new}", place, "", "", "", "", [], withdrawn=False, helped=0, updated_at=tx.now)


def set_withdrawn(tx: Tx, *, article_id: int, withdrawn: bool) -> bool:
    """Shown to nobody any more, or again; False when it was so already. Errors: DomainError `faq_unknown`."""
    row = get_article(tx, article_id=article_id)
    if row.withdrawn == withdrawn:
        return False
    tx.run(KEEP, **row._replace(withdrawn=withdrawn, updated_at=tx.now)._asdict())
    return True


def export_faq(tx: Tx) -> tuple[ArticleOfFile, ...]:
    """What may be shown as the profile writes it; a language that is missing gets the other one's words."""
    return tuple(
        ArticleOfFile(
            code=row.code,
            question=LocalText(ja=row.question("ja"), en=row.question("en")),
            answer=LocalText(ja=row.answer("ja"), en=row.answer("en")),
            keywords=tuple(row.keywords),
        )
        for row in list_published(tx)
    )
