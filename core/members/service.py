"""Members (会員): making, changing, finding, and the card that staff open."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, insert, or_, select, update

from core.db import Tx
from core.delivery.counters import take_number
from core.errors import DomainError, InvariantBroken
from core.members.audit import record
from core.members.policy import email_key, format_member_no, member_no_candidates, search_patterns, search_text
from core.members.roles import ActingStaff, is_allowed, mask_all, mask_email, mask_name, mask_phone, require
from core.members.tables import Member
from core.statements import Read, Write, one_of

PAGE_ROWS = 20
CHANGEABLE = frozenset(
    {
        "kind", "name", "name_kana", "name_key", "email", "sub_email", "phone", "postal_code", "address", "birth_on",
        "language", "status", "early_reminder", "reminders_off",
    }
)  # fmt: skip


class MemberView(NamedTuple):
    """A member as the row says; `masked_member` makes the form that a viewer may see."""

    id: int
    member_no: str
    external_key: str | None
    kind: str
    name: str
    name_kana: str
    name_key: str
    email: str | None
    sub_email: str | None
    phone: str | None
    postal_code: str | None
    address: str | None
    birth_on: date | None
    language: str
    status: str
    early_reminder: bool
    reminders_off: bool
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class MemberPage:
    """Members found; `page` counts from 1, `more` says whether there is a next one."""

    members: tuple[MemberView, ...]
    page: int
    more: bool


_VIEW = tuple(getattr(Member, name) for name in MemberView._fields)
_NEW = (*MemberView._fields, "email_key", "search_text")
_KEPT = frozenset({"id", "member_no", "external_key", "created_at"})
ADD = Write(insert(Member).values({name: bindparam(name) for name in _NEW}))
SAVE = Write(
    update(Member)
    .where(Member.id == bindparam("member_id"))
    .values({name: bindparam(f"new_{name}") for name in _NEW if name not in _KEPT})
)
BY_ID = Read(MemberView, select(*_VIEW).where(Member.id == bindparam("member_id")))
LOCK_BY_ID = Read(MemberView, select(*_VIEW).where(Member.id == bindparam("member_id")).with_for_update())
LOCK_BY_NOS = Read(
    MemberView, select(*_VIEW).where(one_of(Member.member_no, "numbers")).order_by(Member.id).with_for_update()
)
BY_NOS = Read(MemberView, select(*_VIEW).where(one_of(Member.member_no, "numbers")).order_by(Member.id))
BY_KEY = Read(MemberView, select(*_VIEW).where(Member.external_key == bindparam("external_key")))
BY_IDS = Read(MemberView, select(*_VIEW).where(one_of(Member.id, "member_ids")).order_by(Member.id))
SEARCH = Read(
    MemberView,
    select(*_VIEW)
    .where(
        *(
            or_(
                Member.search_text.like(bindparam(f"word{n}"), escape="/"),
                Member.search_text.like(bindparam(f"digits{n}"), escape="/"),
            )
            for n in range(3)
        )
    )
    .order_by(Member.name_key, Member.id)
    .limit(bindparam("count"))
    .offset(bindparam("skipped")),
)


def create_member(
    tx: Tx,
    *,
    name: str,
    name_key: str,
    kind: str = "individual",
    name_kana: str = "",
    member_no: str | None = None,
    external_key: str | None = None,
    email: str | None = None,
    sub_email: str | None = None,
    phone: str | None = None,
    postal_code: str | None = None,
    address: str | None = None,
    birth_on: date | None = None,
    language: str = "ja",
    early_reminder: bool = False,
) -> MemberView:
    """A new member; without `member_no` the next of our own (M-000123).

    `name_key` is `core.billing.payers.payer_name_key` of the kana (else the name): members stand below billing and are
    given it. Errors: DomainError `name_missing`, `member_no_taken`, `external_key_taken` (data: the value).
    """
    if not name.strip():
        raise DomainError("name_missing")
    if member_no is not None and tx.all(BY_NOS, numbers=[member_no]):
        raise DomainError("member_no_taken", member_no=member_no)
    if external_key is not None and tx.first(BY_KEY, external_key=external_key) is not None:
        raise DomainError("external_key_taken", external_key=external_key)
    view = MemberView(
        id=tx.ids.new(),
        member_no=member_no or _next_member_no(tx),
        external_key=external_key,
        kind=kind,
        name=name.strip(),
        name_kana=name_kana.strip(),
        name_key=name_key,
        email=email,
        sub_email=sub_email,
        phone=phone,
        postal_code=postal_code,
        address=address,
        birth_on=birth_on,
        language=language,
        status="active",
        early_reminder=early_reminder,
        reminders_off=False,
        created_at=tx.now,
        updated_at=tx.now,
    )
    tx.run(ADD, **view._asdict(), email_key=email_key(view.email), search_text=_search_text(view))
    return view


def update_member(
    tx: Tx, *, member_id: int, actor_kind: str, actor_id: int | None, changes: Mapping[str, Any]
) -> MemberView:
    """Change some of `CHANGEABLE`; the audit trail says which fields, never what stood in them.

    Whoever changes `name` or `name_kana` gives the fitting `name_key` too. Nothing changed writes nothing.
    """
    unknown = changes.keys() - CHANGEABLE
    if unknown or (changes.keys() & {"name", "name_kana"} and "name_key" not in changes):
        raise InvariantBroken(f"members cannot be changed by {sorted(changes)}")
    before = tx.one(LOCK_BY_ID, member_id=member_id)
    changed = sorted(name for name, value in changes.items() if getattr(before, name) != value)
    if not changed:
        return before
    after = before._replace(**changes, updated_at=tx.now)
    given = {**after._asdict(), "email_key": email_key(after.email), "search_text": _search_text(after)}
    tx.run(SAVE, member_id=member_id, **{f"new_{name}": given[name] for name in _NEW if name not in _KEPT})
    record(
        tx,
        actor_kind=actor_kind,
        actor_id=actor_id,
        action="member.changed",
        subject=f"member:{after.member_no}",
        member_id=member_id,
        detail={"changed": changed},
    )
    return after


def get_member(tx: Tx, *, member_id: int) -> MemberView:
    """By id; a missing one is a broken invariant."""
    return tx.one(BY_ID, member_id=member_id)


def lock_member(tx: Tx, *, member_id: int) -> MemberView:
    """By id, locked for this turn (after the chat, before contracts and invoices)."""
    return tx.one(LOCK_BY_ID, member_id=member_id)


def list_members(tx: Tx, *, member_ids: list[int]) -> list[MemberView]:
    """Several by id."""
    return tx.all(BY_IDS, member_ids=member_ids)


def find_member(tx: Tx, *, member_no: str) -> MemberView | None:
    """By number as people type it: 「ｍ－１２３」 finds M-000123. An exact match wins."""
    candidates = member_no_candidates(member_no)
    return _best(tx.all(BY_NOS, numbers=candidates), candidates)


def lock_member_by_no(tx: Tx, *, member_no: str) -> MemberView | None:
    """As `find_member`, locked for this turn."""
    candidates = member_no_candidates(member_no)
    return _best(tx.all(LOCK_BY_NOS, numbers=candidates), candidates)


def find_member_by_key(tx: Tx, *, external_key: str) -> MemberView | None:
    """By the old system's key (imports)."""
    return tx.first(BY_KEY, external_key=external_key)


def search_members(tx: Tx, staff: ActingStaff, *, query: str, page: int = 1) -> MemberPage:
    """Members whose number, name, kana, mail address or phone contains every word of the query, in any width or kana.

    A role without `view_unmasked` gets masked members. Errors: DomainError `forbidden`.
    """
    require(staff, "view")
    words = search_patterns(query)
    given = {f"word{n}": word for n, (word, _) in enumerate(words)}
    digits = {f"digits{n}": digits for n, (_, digits) in enumerate(words)}
    rows = tx.all(SEARCH, **given, **digits, count=PAGE_ROWS + 1, skipped=(max(page, 1) - 1) * PAGE_ROWS)
    return MemberPage(tuple(shown_member(staff, row) for row in rows[:PAGE_ROWS]), max(page, 1), len(rows) > PAGE_ROWS)


def open_member_card(tx: Tx, staff: ActingStaff, *, member_id: int) -> MemberView:
    """The member for a staff member's eyes; that it was opened is recorded (row Q6). Errors: DomainError `forbidden`."""
    require(staff, "view")
    member = tx.one(BY_ID, member_id=member_id)
    record(
        tx,
        actor_kind="staff",
        actor_id=staff.id,
        action="member.viewed",
        subject=f"member:{member.member_no}",
        member_id=member_id,
    )
    return shown_member(staff, member)


def shown_member(staff: ActingStaff, member: MemberView) -> MemberView:
    """The member as this role may see it."""
    return member if is_allowed(staff.role, "view_unmasked") else masked_member(member)


def masked_member(member: MemberView) -> MemberView:
    """Without anything that says who it is or how to reach them; number, kind, status and settings stay."""
    return member._replace(
        external_key=None,
        name=mask_name(member.name),
        name_kana=mask_name(member.name_kana),
        name_key="",
        email=mask_email(member.email or ""),
        sub_email=mask_email(member.sub_email or ""),
        phone=mask_phone(member.phone or ""),
        postal_code=mask_all(member.postal_code or ""),
        address=mask_all(member.address or ""),
        birth_on=None,
    )


def _next_member_no(tx: Tx) -> str:
    """The next free number of our own: an operator's own numbers may have the same shape."""
    while True:
        number = format_member_no(take_number(tx, series="member"))
        if not tx.all(BY_NOS, numbers=[number]):
            return number


def _best(found: list[MemberView], candidates: list[str]) -> MemberView | None:
    return min(found, key=lambda member: candidates.index(member.member_no), default=None)


def _search_text(view: MemberView) -> str:
    return search_text(
        member_no=view.member_no,
        name=view.name,
        name_kana=view.name_kana,
        email=view.email,
        sub_email=view.sub_email,
        phone=view.phone,
        external_key=view.external_key,
    )
