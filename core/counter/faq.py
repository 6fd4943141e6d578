"""Frequent questions in the desk's hands: whoever changes them needs the right, and the audit trail keeps it (row Q4)."""

from core.db import Tx
from core.members.audit import record
from core.members.roles import ActingStaff, require
from core.profiles import faq
from core.profiles.faq import ArticleView


def list_articles(tx: Tx, staff: ActingStaff) -> list[ArticleView]:
    """All of them, withdrawn ones too. Errors: DomainError `forbidden`."""
    require(staff, "view")
    return faq.list_articles(tx)


def save_article(
    tx: Tx,
    staff: ActingStaff,
    *,
    article_id: int | None,
    question_ja: str,
    answer_ja: str,
    question_en: str = "",
    answer_en: str = "",
    keywords: list[str],
) -> ArticleView:
    """A new one, or other words for one that is there. Errors: DomainError `forbidden`, and as `core.profiles.faq`."""
    require(staff, "edit_catalogue")
    saved = faq.save_article(
        tx,
        article_id=article_id,
        question_ja=question_ja,
        answer_ja=answer_ja,
        question_en=question_en,
        answer_en=answer_en,
        keywords=keywords,
    )
    _record(tx, staff, "faq.saved", saved.id)
    return saved


def set_withdrawn(tx: Tx, staff: ActingStaff, *, article_id: int, withdrawn: bool) -> bool:
    """Shown to no member any more, or again; False when it was so already. Errors: DomainError `forbidden`, `faq_unknown`."""
    require(staff, "edit_catalogue")
    changed = faq.set_withdrawn(tx, article_id=article_id, withdrawn=withdrawn)
    if changed:
        _record(tx, staff, "faq.withdrawn" if withdrawn else "faq.published", article_id)
    return changed


def _record(tx: Tx, staff: ActingStaff, action: str, article_id: int) -> None:
    record(tx, actor_kind="staff", actor_id=staff.id, action=action, subject=f"faq:{article_id}")
