"""Frequent questions (よくある質問): the catalogue's page; members are offered them before an inquiry reaches a person."""

import re

from starlette.responses import Response

from adapters.desk.reading import field_id, query_number, query_text, with_query
from adapters.desk.visits import Visit
from core.counter.faq import list_articles, save_article, set_withdrawn
from core.profiles.articles import LONGEST_ANSWER, LONGEST_QUESTION
from core.profiles.faq import ArticleView

PAGE_ROWS = 30
_BETWEEN = re.compile(r"[、,，\n]+")


async def show_faq(visit: Visit) -> Response:
    """A page of them, searched in all their words; who may edit the catalogue edits them here."""
    query, page = query_text(visit, "q", limit=100), max(query_number(visit, "page") or 1, 1)
    articles = await visit.read(lambda tx: list_articles(tx, visit.staff))
    rows = [row for row in articles if query.casefold() in _all_words(row)]
    start = (page - 1) * PAGE_ROWS
    return visit.show(
        "faq.html",
        rows=rows[start : start + PAGE_ROWS],
        count=len(rows),
        q=query,
        longest_question=LONGEST_QUESTION,
        longest_answer=LONGEST_ANSWER,
        older=with_query(visit, page=page + 1) if len(rows) > start + PAGE_ROWS else "",
        newer=with_query(visit, page=page - 1) if page > 1 else "",
    )


def _all_words(row: ArticleView) -> str:
    words = (row.question_ja, row.question_en, row.answer_ja, row.answer_en, *row.keywords)
    return "\n".join(words).casefold()


async def keep_faq(visit: Visit) -> Response:
    """Saved, or (with the other buttons) withdrawn and shown again."""
    form = visit.need_form()
    article_id = field_id(form, "id")
    if article_id is not None and (form.text("withdraw") or form.text("publish")):
        withdrawn = bool(form.text("withdraw"))
        await visit.write(
            lambda tx: set_withdrawn(tx, visit.staff, article_id=article_id, withdrawn=withdrawn), name="withdraw_faq"
        )
        return visit.go("/desk/catalogue/faq", done="faq_withdrawn" if withdrawn else "faq_published")
    words = {name: form.text(name, limit=4_000) for name in ("question_ja", "question_en", "answer_ja", "answer_en")}
    keywords = _BETWEEN.split(form.text("keywords", limit=2_000))
    await visit.write(
        lambda tx: save_article(tx, visit.staff, article_id=article_id, keywords=keywords, **words), name="save_faq"
    )
    return visit.go("/desk/catalogue/faq", done="faq_saved")
