"""Past answers to questions like this one, for whoever is about to write the next (row Q4).

Only tickets that are solved and that a person has answered; the newest few hundred, by an index, read outside of the writer.
What is shown can end in another member's chat by one press, so everything personal in it is masked for everybody.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, func, select

from core.db import Tx
from core.members.roles import ActingStaff, mask_text, require
from core.statements import Read
from core.tickets.editing import REMOVED
from core.tickets.policy import DECIDED, LONGEST_TEXT
from core.tickets.tables import Ticket, TicketMessage
from core.tickets.threads import MESSAGES, TicketView, get_ticket, names_in
from core.tickets.unsend import NOTE

Rank = Callable[[str, Sequence[tuple[int, str]]], list[tuple[int, float]]]
"""A text and others under their keys → the keys of those like it, best first, with how alike they are (0..1)."""

LOOKED_AT = 200
MOST = 3
READ_ANSWERS = 12  # of the most alike; some have only words taken back
COMPARED_CHARACTERS = 200
EXCERPT = 120
_NUMBERS = re.compile(r"\b[A-Z]{1,4}-(?:\d{4}-)?\d{4,}\b")  # of members, invoices, contracts, tickets, reservations
POLITE_CHARACTERS = 40  # a longer sentence says more than its greeting
_POLITE = re.compile(
    r"世話に(?:な|成)|よろしく|宜しく|ありがとう|有難う|恐れ入り|お疲れ|失礼(?:し|いた|致)|はじめまして|こんにちは|こんばんは"
    r"|\b(?:hello|hi|dear|thanks?|regards|sincerely|good (?:morning|afternoon|evening))\b",
    re.IGNORECASE,
)
_ENDS = re.compile(r"(?<=[。．！？!?\n])")


@dataclass(frozen=True, slots=True)
class PastAnswer:
    """A question like it and what staff answered; `answer` whole, for the answer box."""

    ticket_no: str
    solved_at: datetime
    same_kind: bool
    question: str
    answer: str

    @property
    def excerpt(self) -> str:
        """The answer's beginning."""
        return shortened(self.answer)


class _Asked(NamedTuple):
    id: int
    kind: str
    body: str


_first_words = (
    select(func.min(TicketMessage.id))
    .where(TicketMessage.ticket_id == Ticket.id, TicketMessage.author == "member")
    .correlate(Ticket)
    .scalar_subquery()
)
_newest = (
    select(Ticket.id, Ticket.kind, Ticket.solved_at, _first_words.label("message_id"))
    .where(
        Ticket.solved_at.is_not(None),
        Ticket.replied_at.is_not(None),
        Ticket.id != bindparam("but"),
    )
    .order_by(Ticket.solved_at.desc())
    .limit(LOOKED_AT)
    .subquery()
)
SOLVED = Read(
    _Asked,
    select(_newest.c.id, _newest.c.kind, TicketMessage.body)
    .join(TicketMessage, TicketMessage.id == _newest.c.message_id)
    .order_by(_newest.c.solved_at.desc()),
)
FIRST = Read(
    _Asked,
    select(Ticket.id, Ticket.kind, TicketMessage.body)
    .join(TicketMessage, TicketMessage.id == _first_words)
    .where(Ticket.id == bindparam("ticket_id")),
)


def list_similar_answers(tx: Tx, staff: ActingStaff, *, ticket_id: int, rank: Rank) -> list[PastAnswer]:
    """Up to three, those of the same kind first. Errors: DomainError `forbidden`, `ticket_unknown`."""
    require(staff, "view")
    own = get_ticket(tx, ticket_id=ticket_id)
    asked = tx.first(FIRST, ticket_id=ticket_id)
    if own.kind in DECIDED or asked is None or not (essence := _essence(asked.body)):
        return []
    rows = {row.id: row for row in tx.all(SOLVED, but=ticket_id) if row.kind not in DECIDED}
    compared = [(row.id, words) for row in rows.values() if NOTE not in row.body and (words := _essence(row.body))]
    alike = sorted(rank(essence, compared), key=lambda pair: (rows[pair[0]].kind != own.kind, -pair[1]))
    found = (_past(tx, own, get_ticket(tx, ticket_id=key), rows[key].body) for key, _ in alike[:READ_ANSWERS])
    return [past for past in found if past is not None][:MOST]


def shortened(text: str) -> str:
    """One line for a list."""
    line = " ".join(text.split())
    return line if len(line) <= EXCERPT else line[: EXCERPT - 1] + "…"


def _essence(body: str) -> str:
    """The words without greetings and thanks, which everybody writes alike."""
    sentences = [part for part in _ENDS.split(body[:LONGEST_TEXT]) if part.strip()]
    return "".join(part for part in sentences if not _is_polite(part))[:COMPARED_CHARACTERS].strip()


def _is_polite(sentence: str) -> bool:
    return len(sentence) <= POLITE_CHARACTERS and _POLITE.search(sentence) is not None


def _past(tx: Tx, own: TicketView, ticket: TicketView, asked: str) -> PastAnswer | None:
    """None: everything that staff said there was taken back."""
    answers = [
        message.body
        for message in tx.all(MESSAGES, ticket_id=ticket.id)
        if (message.author, message.visibility) == ("staff", "public") and message.body.strip() not in ("", REMOVED)
    ]
    if not answers or ticket.solved_at is None:
        return None
    names = tuple(names_in(tx, ticket))
    return PastAnswer(
        ticket_no=ticket.ticket_no,
        solved_at=ticket.solved_at,
        same_kind=ticket.kind == own.kind,
        question=shortened(_impersonal(asked, names)),
        answer=_impersonal(max(answers, key=len), names),  # the longest says most: "we are looking into it" is short
    )


def _impersonal(text: str, names: tuple[str, ...]) -> str:
    return _NUMBERS.sub("＊＊＊", mask_text(text, names=names))
