"""One-time tokens that connect a chat with a membership (row M1): the operator's deep link, and LINE's account link.

A deep link is made for a member by staff or by the operator's own site; whoever opens it says who they are and gives one more
proof. LINE's account link goes through a page of ours: the page belongs to one chat, the member proves themselves there, and
LINE brings the nonce back together with the person who pressed. Only hashes are stored; each is used once; a token that is
wrong, used, too old or of a member who left looks the same to whoever holds it.
Source: https://developers.line.biz/en/docs/messaging-api/linking-accounts/
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from sqlalchemy import bindparam, insert, select, update

from core.db import Tx
from core.dialogue.service import lock_chat_by_id
from core.errors import DomainError
from core.members.audit import record
from core.members.linking import (
    CodeEntered,
    CodeRequested,
    check_limits,
    keep_code,
    link_chat,
    may_get_code,
    network_hash_of,
    prove_code,
    request_code,
    source_hash_of,
)
from core.members.links import is_linked
from core.members.roles import ActingStaff, require
from core.members.service import MemberView, find_member, get_member, lock_member
from core.members.tables import LinkToken
from core.profiles.model import Profile
from core.statements import Read, Write

DEEP_LINK_LASTS = timedelta(minutes=15)
PAGE_LASTS = timedelta(minutes=30)  # the button may be pressed a little later than it was shown
NONCE_LASTS = timedelta(minutes=10)  # as long as LINE's own link token
TOKEN_LENGTH = 32  # more than 160 bits; LINE asks for an unguessable nonce of 10 to 255 characters
PHONE_DIGITS = 4

ProofKind = Literal["birth", "phone", "mail"]


@dataclass(frozen=True, slots=True)
class IssuedLink:
    """A new deep link; the token is shown once and never stored."""

    token: str
    member_no: str
    expires_at: datetime


class _Token(NamedTuple):
    id: int
    member_id: int | None
    chat_id: int | None
    expires_at: datetime


ADD = Write(
    insert(LinkToken).values(
        {
            name: bindparam(name)
            for name in ("id", "kind", "token_hash", "member_id", "chat_id", "state", "created_at", "expires_at")
        }
    )
)
_TOKEN = (LinkToken.id, LinkToken.member_id, LinkToken.chat_id, LinkToken.expires_at)
OPEN = Read(
    _Token,
    select(*_TOKEN).where(
        LinkToken.token_hash == bindparam("token_hash"),
        LinkToken.kind == bindparam("kind"),
        LinkToken.state == "open",
        LinkToken.expires_at > bindparam("now"),
    ),
)
USE = Read(
    _Token,
    update(LinkToken)
    .where(LinkToken.id == bindparam("token_id"), LinkToken.state == "open", LinkToken.expires_at > bindparam("now"))
    .values(state="used")
    .returning(*_TOKEN),
)
END_OF_MEMBER = Write(
    update(LinkToken)
    .where(LinkToken.member_id == bindparam("of_member"), LinkToken.kind == "deep", LinkToken.state == "open")
    .values(state="dead")
)


def issue_deep_link(tx: Tx, *, staff: ActingStaff | None, member_no: str) -> IssuedLink:
    """A link for one member, good for 15 minutes and one use; the member's older ones die. `staff` None: by the command.

    Errors: DomainError `forbidden`, `member_not_found`, `member_withdrawn`, `no_proof` (nothing on file to prove it with).
    """
    if staff is not None:
        require(staff, "make_link")
    found = find_member(tx, member_no=member_no)
    if found is None:
        raise DomainError("member_not_found")
    member = lock_member(tx, member_id=found.id)
    if member.status != "active":
        raise DomainError("member_withdrawn")
    if proof_of(member) is None:
        raise DomainError("no_proof", member_no=member.member_no)
    tx.run(END_OF_MEMBER, of_member=member.id)
    token = _add(tx, "deep", lasts=DEEP_LINK_LASTS, member_id=member.id)
    record(
        tx,
        actor_kind="system" if staff is None else "staff",
        actor_id=None if staff is None else staff.id,
        action="link.issued",
        subject=f"member:{member.member_no}",
        member_id=member.id,
    )
    return IssuedLink(token, member.member_no, tx.now + DEEP_LINK_LASTS)


def open_deep_link(tx: Tx, *, token: str) -> tuple[int, MemberView] | None:
    """Whose link it is, for "○○様ですか？": the token's id and the member. None for every token that cannot be used.

    Looking uses nothing up: what fetches a link to preview it does no harm.
    """
    found = _find(tx, "deep", token)
    if found is None or found.member_id is None:
        return None
    member = get_member(tx, member_id=found.member_id)
    return (found.id, member) if member.status == "active" else None


def ask_proof(tx: Tx, profile: Profile, *, chat_id: int, token_id: int, source: str | None) -> ProofKind | None:
    """The person said yes: the link is used up, and the chat waits for one proof more, which `enter_code` takes.

    None when the link cannot be used any more, or the member's own limit is reached (which is not told apart).
    Errors: DomainError `too_many_codes` (data: retry_at) for the chat's and the addresses' limits; `already_linked`.
    """
    lock_chat_by_id(tx, chat_id=chat_id)
    used = tx.first(USE, token_id=token_id, now=tx.now)
    if used is None or used.member_id is None:
        return None
    member = lock_member(tx, member_id=used.member_id)
    if is_linked(tx, chat_id=chat_id, member_id=member.id):
        raise DomainError("already_linked", member_no=member.member_no)
    source_hash, network_hash = source_hash_of(member.email or ""), network_hash_of(source)
    check_limits(tx, profile, chat_id=chat_id, source_hash=source_hash, network_hash=network_hash)
    proof = proof_of(member)
    if member.status != "active" or proof is None or not may_get_code(tx, profile, member_id=member.id):
        return None
    kind, answer = proof
    keep_code(
        tx, profile, chat_id=chat_id, member=member, source_hash=source_hash, network_hash=network_hash, answer=answer
    )
    return kind


def proof_of(member: MemberView) -> tuple[ProofKind, str | None] | None:
    """What the member is asked for, and the digits of the right answer (None: a code to be mailed)."""
    if member.birth_on is not None:
        return "birth", f"{member.birth_on:%Y%m%d}"
    digits = re.sub(r"[^0-9]", "", member.phone or "")
    if len(digits) > PHONE_DIGITS:
        return "phone", digits[-PHONE_DIGITS:]
    return ("mail", None) if member.email else None


def open_page(tx: Tx, *, chat_id: int) -> str:
    """A page of ours for one chat, where its person proves who they are; gives the token of its address."""
    return _add(tx, "page", lasts=PAGE_LASTS, chat_id=chat_id)


def find_page(tx: Tx, *, token: str) -> int | None:
    """The chat a page belongs to; None for every token that cannot be used."""
    found = _find(tx, "page", token)
    return None if found is None else found.chat_id


def request_page_code(
    tx: Tx, profile: Profile, *, token: str, member_no: str, email: str, source: str | None
) -> CodeRequested | None:
    """As `linking.request_code`, for the page's chat; None when the page has ended."""
    chat_id = find_page(tx, token=token)
    if chat_id is None:
        return None
    return request_code(tx, profile, chat_id=chat_id, member_no=member_no, email=email, source=source)


def prove_on_page(tx: Tx, profile: Profile, *, token: str, code: str) -> tuple[CodeEntered, str] | None:
    """A code typed on the page. With the right one the page is used up, and the second value is the nonce for LINE.

    Nothing is linked yet: LINE says who pressed. None when the page has ended.
    """
    page = _find(tx, "page", token)
    if page is None or page.chat_id is None:
        return None
    entered = prove_code(tx, profile, chat_id=page.chat_id, code=code)
    if entered.member is None:
        return entered, ""
    if tx.first(USE, token_id=page.id, now=tx.now) is None:
        return None
    return entered, _add(tx, "nonce", lasts=NONCE_LASTS, member_id=entered.member.id, chat_id=page.chat_id)


def finish_account_link(tx: Tx, *, chat_id: int, nonce: str) -> MemberView | None:
    """LINE says the chat's person pressed "link": connected, when this chat's own page made the nonce and it is unused."""
    lock_chat_by_id(tx, chat_id=chat_id)
    found = _find(tx, "nonce", nonce)
    if found is None or found.chat_id != chat_id or found.member_id is None:
        return None
    tx.first(USE, token_id=found.id, now=tx.now)
    member = lock_member(tx, member_id=found.member_id)
    if member.status != "active":
        return None
    link_chat(tx, chat_id=chat_id, member=member)
    return member


def _find(tx: Tx, kind: str, token: str) -> _Token | None:
    return tx.first(OPEN, kind=kind, token_hash=_hash(token), now=tx.now)


def _add(tx: Tx, kind: str, *, lasts: timedelta, member_id: int | None = None, chat_id: int | None = None) -> str:
    token = tx.ids.token(TOKEN_LENGTH)
    tx.run(
        ADD,
        id=tx.ids.new(),
        kind=kind,
        token_hash=_hash(token),
        member_id=member_id,
        chat_id=chat_id,
        state="open",
        created_at=tx.now,
        expires_at=tx.now + lasts,
    )
    return token


def _hash(token: str) -> str:
    return hashlib.sha256(f"link:{token}".encode()).hexdigest()
