"""Connecting a chat with a membership by 確認ID (row M1): member number and registered mail, a code by mail, the code.

Nothing here tells whether a member exists: a request that matches nobody makes a row of its own with a code nobody knows,
and is answered, counted and refused like any other. The limits hold for asking for codes only; a chat that is linked goes
on working whatever anybody asks for.
"""

import hashlib
import hmac
import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from sqlalchemy import bindparam, insert, select, update

from core.db import Tx
from core.dialogue.service import lock_chat_by_id, set_active_member
from core.errors import DomainError
from core.members.audit import record
from core.members.facts import ChatLinked, LinkCodeIssued
from core.members.links import (
    LinkView,
    active_member,
    add_link,
    is_linked,
    linked_chats,
    linked_members,
    list_links,
    revoke_link,
    switch_member,
    unlink,
)
from core.members.policy import email_key
from core.members.service import MemberView, lock_member, lock_member_by_no
from core.members.tables import LinkCode
from core.profiles.model import Profile
from core.statements import Read, Write

__all__ = [
    "CodeEntered",
    "CodeRequested",
    "LinkView",
    "active_member",
    "enter_code",
    "is_linked",
    "linked_chats",
    "linked_members",
    "list_links",
    "request_code",
    "revoke_link",
    "switch_member",
    "unlink",
]

NOBODY = 0  # no member has this id: what is looked up in place of one, so that every request does the same work
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class CodeRequested:
    """The one answer to every request: if the two belong together, a mail is on its way."""

    expires_at: datetime
    tries: int


@dataclass(frozen=True, slots=True)
class CodeEntered:
    """What became of a code: "linked" (to `member`), "wrong" (with `tries_left`), or "dead": used, too old, tried too often,
    never asked for; a new one has to be asked for.
    """

    state: Literal["linked", "wrong", "dead"]
    tries_left: int = 0
    member: MemberView | None = None


DEAD = CodeEntered("dead")


class _Code(NamedTuple):
    id: int
    member_id: int | None
    code_hash: str
    tries: int
    expires_at: datetime


class _At(NamedTuple):
    at: datetime


ADD = Write(
    insert(LinkCode).values(
        {
            name: bindparam(name)
            for name in (
                "id", "chat_id", "member_id", "source_hash", "network_hash", "code_hash", "tries", "state", "created_at",
                "expires_at",
            )
        }
    )
)  # fmt: skip
OF_CHAT = Read(
    _At,
    select(LinkCode.created_at)
    .where(LinkCode.chat_id == bindparam("chat_id"), LinkCode.created_at > bindparam("since"))
    .order_by(LinkCode.created_at.desc())
    .limit(bindparam("count")),
)
OF_SOURCE = Read(
    _At,
    select(LinkCode.created_at)
    .where(LinkCode.source_hash == bindparam("source_hash"), LinkCode.created_at > bindparam("since"))
    .order_by(LinkCode.created_at.desc())
    .limit(bindparam("count")),
)
OF_NETWORK = Read(
    _At,
    select(LinkCode.created_at)
    .where(LinkCode.network_hash == bindparam("network_hash"), LinkCode.created_at > bindparam("since"))
    .order_by(LinkCode.created_at.desc())
    .limit(bindparam("count")),
)
OF_MEMBER = Read(
    _At,
    select(LinkCode.created_at)
    .where(LinkCode.member_id == bindparam("member_id"), LinkCode.created_at > bindparam("since"))
    .order_by(LinkCode.created_at.desc())
    .limit(bindparam("count")),
)
END_OPEN = Write(
    update(LinkCode).where(LinkCode.chat_id == bindparam("of_chat"), LinkCode.state == "open").values(state="dead")
)
LOCK_OPEN = Read(
    _Code,
    select(LinkCode.id, LinkCode.member_id, LinkCode.code_hash, LinkCode.tries, LinkCode.expires_at)
    .where(LinkCode.chat_id == bindparam("chat_id"), LinkCode.state == "open")
    .order_by(LinkCode.id.desc())
    .limit(1)
    .with_for_update(),
)
SAVE = Write(
    update(LinkCode)
    .where(LinkCode.id == bindparam("code_id"))
    .values(tries=bindparam("new_tries"), state=bindparam("new_state"))
)


def request_code(
    tx: Tx, profile: Profile, *, chat_id: int, member_no: str, email: str, source: str | None = None
) -> CodeRequested:
    """Ask for a 確認ID. The answer is the same whether or not the member exists, the mail matches, or its own limit is
    reached; only a real match emits `LinkCodeIssued`. The chat's older code dies.

    The mail address asked for is counted, and the network address as well where the channel knows one: `source` is it, or
    anything that stands for it.
    Errors: DomainError `too_many_codes` (data: retry_at) for the limits of the chat and of the addresses, which say nothing
    about members; `already_linked` (data: member_no) when this very chat has that membership already.
    """
    rules = profile.linking
    chat = lock_chat_by_id(tx, chat_id=chat_id)
    member = lock_member_by_no(tx, member_no=member_no)
    linked = is_linked(tx, chat_id=chat_id, member_id=NOBODY if member is None else member.id)
    if member is not None and linked:
        raise DomainError("already_linked", member_no=member.member_no)
    source_hash, network_hash = source_hash_of(email), network_hash_of(source)
    check_limits(tx, profile, chat_id=chat_id, source_hash=source_hash, network_hash=network_hash)
    same = _is_same_email(member.email if member is not None else None, email)
    match = member if member is not None and member.status == "active" and same else None
    if not may_get_code(tx, profile, member_id=NOBODY if match is None else match.id):
        match = None
    expires_at = keep_code(
        tx, profile, chat_id=chat.id, member=match, source_hash=source_hash, network_hash=network_hash
    )
    return CodeRequested(expires_at, rules.tries_per_code)


def keep_code(
    tx: Tx,
    profile: Profile,
    *,
    chat_id: int,
    member: MemberView | None,
    source_hash: str,
    network_hash: str | None,
    answer: str | None = None,
) -> datetime:
    """Wait for a code in a chat; its older one dies. Without a member nobody knows the code, and no mail goes out.

    `answer`: digits that the member knows already (birth date, end of the telephone number) in place of a mailed code.
    Returns when it ends.
    """
    code, code_id = answer or tx.ids.code(), tx.ids.new()
    expires_at = tx.now + timedelta(minutes=profile.linking.code_minutes)
    tx.run(END_OPEN, of_chat=chat_id)
    tx.run(
        ADD,
        id=code_id,
        chat_id=chat_id,
        member_id=None if member is None else member.id,
        source_hash=source_hash,
        network_hash=network_hash,
        code_hash=_code_hash(code_id, code),
        tries=0,
        state="open",
        created_at=tx.now,
        expires_at=expires_at,
    )
    if member is not None and member.email and answer is None:
        tx.emit(
            LinkCodeIssued(
                code_id=code_id,
                member_id=member.id,
                chat_id=chat_id,
                language=member.language,
                email=member.email,
                code=code,
                expires_at=expires_at,
            )
        )
    return expires_at


def enter_code(tx: Tx, profile: Profile, *, chat_id: int, code: str) -> CodeEntered:
    """What somebody typed as their 確認ID. The chat's row is locked: tries made at the same moment all count, and a right
    code links once.
    """
    entered = prove_code(tx, profile, chat_id=chat_id, code=code)
    if entered.member is not None:
        link_chat(tx, chat_id=chat_id, member=entered.member)
    return entered


def prove_code(tx: Tx, profile: Profile, *, chat_id: int, code: str) -> CodeEntered:
    """As `enter_code`, without linking: "linked" says only that the member is proved and the code used up."""
    lock_chat_by_id(tx, chat_id=chat_id)
    waiting = tx.first(LOCK_OPEN, chat_id=chat_id)
    if waiting is None:
        return DEAD
    most = profile.linking.tries_per_code
    if waiting.expires_at <= tx.now or waiting.tries >= most:
        tx.run(SAVE, code_id=waiting.id, new_tries=waiting.tries, new_state="dead")
        return DEAD
    same = hmac.compare_digest(waiting.code_hash, _code_hash(waiting.id, _digits(code)))
    if not same or waiting.member_id is None:
        tries = waiting.tries + 1
        tx.run(SAVE, code_id=waiting.id, new_tries=tries, new_state="open" if tries < most else "dead")
        return CodeEntered("wrong", most - tries) if tries < most else DEAD
    member = lock_member(tx, member_id=waiting.member_id)
    usable = member.status == "active"
    tx.run(SAVE, code_id=waiting.id, new_tries=waiting.tries, new_state="used" if usable else "dead")
    if not usable:
        return DEAD
    return CodeEntered("linked", member=member)


def link_chat(tx: Tx, *, chat_id: int, member: MemberView) -> None:
    """Connect a locked chat with a member who has proved to be it; the chat acts for that member from now on."""
    link_id = add_link(tx, chat_id=chat_id, member_id=member.id)
    set_active_member(tx, chat_id=chat_id, member_id=member.id)
    if link_id is None:
        return  # it was linked already: nothing has happened that anybody should be told
    record(
        tx,
        actor_kind="member",
        actor_id=member.id,
        action="chat.linked",
        subject=f"chat:{chat_id}",
        member_id=member.id,
    )
    tx.emit(ChatLinked(link_id=link_id, chat_id=chat_id, member_id=member.id))


def check_limits(tx: Tx, profile: Profile, *, chat_id: int, source_hash: str, network_hash: str | None) -> None:
    """The limits that may be told, because they count requests and not members."""
    rules, since = profile.linking, tx.now - HOUR
    of_chat = tx.all(OF_CHAT, chat_id=chat_id, since=since, count=rules.codes_per_chat_hour)
    of_source = tx.all(OF_SOURCE, source_hash=source_hash, since=since, count=rules.codes_per_address_hour)
    counted = [(of_chat, rules.codes_per_chat_hour), (of_source, rules.codes_per_address_hour)]
    if network_hash is not None:
        of_network = tx.all(OF_NETWORK, network_hash=network_hash, since=since, count=rules.codes_per_address_hour)
        counted.append((of_network, rules.codes_per_address_hour))
    full = [rows[-1].at for rows, most in counted if len(rows) >= most]
    if full:
        raise DomainError("too_many_codes", retry_at=max(full) + HOUR)


def may_get_code(tx: Tx, profile: Profile, *, member_id: int) -> bool:
    """The member's own limits. Reaching them is not told: it would say that the two belong together."""
    rules = profile.linking
    sent = tx.all(OF_MEMBER, member_id=member_id, since=tx.now - DAY, count=rules.codes_per_member_day)
    lately = sum(row.at > tx.now - HOUR for row in sent)
    return len(sent) < rules.codes_per_member_day and lately < rules.codes_per_member_hour


def _is_same_email(registered: str | None, given: str) -> bool:
    known = email_key(registered)
    same = hmac.compare_digest((known or "").encode(), (email_key(given) or "").encode())
    return same and known is not None


def source_hash_of(email: str) -> str:
    return hashlib.sha256(f"mail:{email_key(email) or ''}".encode()).hexdigest()


def network_hash_of(source: str | None) -> str | None:
    return hashlib.sha256(f"network:{source}".encode()).hexdigest() if source else None


def _code_hash(code_id: int, code: str) -> str:
    return hmac.new(str(code_id).encode(), code.encode(), hashlib.sha256).hexdigest()


def _digits(typed: str) -> str:
    """「１２３ ４５６」 and "123-456" are the code 123456."""
    return re.sub(r"[^0-9]", "", unicodedata.normalize("NFKC", typed))[:20]
