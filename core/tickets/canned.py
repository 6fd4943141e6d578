"""Prepared answers (定型文): rows of the catalogue, in both languages, with places for a member's values."""

import re
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, delete, select
from sqlalchemy.dialects.postgresql import insert

from core.db import Tx
from core.errors import DomainError
from core.members.audit import record
from core.members.roles import ActingStaff, require
from core.statements import Read, Write
from core.tickets.policy import LONGEST_TEXT, PLACE, PLACES
from core.tickets.tables import CannedReply

LONGEST_TITLE = 80


class CannedView(NamedTuple):
    """A prepared answer; `queue` "" is for every queue, an empty `text_en` means the Japanese one."""

    id: int
    title: str
    queue: str
    text_ja: str
    text_en: str
    updated_at: datetime

    def text(self, language: str) -> str:
        """In a language, the other one where there is none."""
        return (self.text_en or self.text_ja) if language == "en" else (self.text_ja or self.text_en)


class _Id(NamedTuple):
    id: int


_VIEW = tuple(getattr(CannedReply, name) for name in CannedView._fields)
ALL = Read(CannedView, select(*_VIEW).order_by(CannedReply.title, CannedReply.id))
BY_ID = Read(CannedView, select(*_VIEW).where(CannedReply.id == bindparam("canned_id")))
BY_TITLE = Read(_Id, select(CannedReply.id).where(CannedReply.title == bindparam("title")))
_new = insert(CannedReply).values({name: bindparam(name) for name in CannedView._fields})
KEEP = Write(
    _new.on_conflict_do_update(
        index_elements=["id"], set_={name: getattr(_new.excluded, name) for name in CannedView._fields[1:]}
    )
)
REMOVE = Read(_Id, delete(CannedReply).where(CannedReply.id == bindparam("canned_id")).returning(CannedReply.id))


def list_canned(tx: Tx, staff: ActingStaff, *, queue: str | None = None) -> list[CannedView]:
    """All, or those for a queue. Errors: DomainError `forbidden`."""
    require(staff, "view")
    return [row for row in tx.all(ALL) if queue is None or row.queue in ("", queue)]


def get_canned(tx: Tx, *, canned_id: int) -> CannedView:
    """By id. Errors: DomainError `canned_unknown`."""
    found = tx.first(BY_ID, canned_id=canned_id)
    if found is None:
        raise DomainError("canned_unknown")
    return found


def save_canned(
    tx: Tx,
    staff: ActingStaff,
    *,
    canned_id: int | None,
    title: str,
    text_ja: str,
    text_en: str = "",
    queue: str = "",
) -> CannedView:
    """A new one (`canned_id` None) or other words for one that is there.

    Errors: DomainError `forbidden`, `title_missing`, `title_taken`, `text_missing`, `text_too_long` (most), `place_wrong`
    (place, known): a place that nothing can fill would reach members as it stands.
    """
    require(staff, "edit_catalogue")
    title, text_ja, text_en = title.strip()[:LONGEST_TITLE], text_ja.strip(), text_en.strip()
    if not title:
        raise DomainError("title_missing")
    if not (text_ja or text_en):
        raise DomainError("text_missing")
    if max(len(text_ja), len(text_en)) > LONGEST_TEXT:
        raise DomainError("text_too_long", most=LONGEST_TEXT)
    check_places(text_ja + text_en)
    holder = tx.first(BY_TITLE, title=title)
    if holder is not None and holder.id != canned_id:
        raise DomainError("title_taken", title=title)
    if canned_id is not None:
        get_canned(tx, canned_id=canned_id)
    row = CannedView(canned_id or tx.ids.new(), title, queue, text_ja, text_en, tx.now)
    tx.run(KEEP, **row._asdict())
    _record(tx, staff, "canned.saved", row.id)
    return row


def remove_canned(tx: Tx, staff: ActingStaff, *, canned_id: int) -> bool:
    """False when it was gone already. Errors: DomainError `forbidden`."""
    require(staff, "edit_catalogue")
    gone = tx.first(REMOVE, canned_id=canned_id) is not None
    if gone:
        _record(tx, staff, "canned.removed", canned_id)
    return gone


def check_places(text: str) -> None:
    """Errors: DomainError `place_wrong` (place, known)."""
    for found in re.findall(r"\{\{\s*(.*?)\s*\}\}", text):
        if found not in PLACES:
            raise DomainError("place_wrong", place=found, known=", ".join(f"{{{{{place}}}}}" for place in PLACES))


def fill(text: str, values: dict[str, str]) -> str:
    """The text with its places filled; those without a value stay, and keep it from being sent."""
    return PLACE.sub(lambda found: values.get(found[1]) or found[0], text)


def _record(tx: Tx, staff: ActingStaff, action: str, canned_id: int) -> None:
    record(tx, actor_kind="staff", actor_id=staff.id, action=action, subject=f"canned:{canned_id}")
