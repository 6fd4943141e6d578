"""The double-entry ledger (algorithms.md 5): append-only, balanced in the transaction that posts."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import bindparam, func, select
from sqlalchemy.dialects.postgresql import insert

from core.billing.tables import LedgerEntry, Posting
from core.db import Tx
from core.errors import InvariantBroken
from core.statements import Read, Write

RECEIVABLE = "receivable"
CREDIT = "credit"  # money held for a member; a balance below zero is what we owe
SALES = "sales"
TAX_PAYABLE = "tax_payable"
SUSPENSE = "suspense"
BANK_FEE = "bank_fee"
PROVIDERS = frozenset({"bank", "stripe"})  # whose money may come in; each has an account `cash:<provider>`
ACCOUNTS = frozenset({RECEIVABLE, CREDIT, SALES, TAX_PAYABLE, SUSPENSE, BANK_FEE, *(f"cash:{p}" for p in PROVIDERS)})


class Side(NamedTuple):
    """One side of an entry; positive is debit."""

    account: str
    amount_yen: int
    member_id: int | None = None
    invoice_id: int | None = None


class Balance(NamedTuple):
    """An account's balance; debit is positive."""

    account: str
    balance_yen: int


class _Id(NamedTuple):
    id: int


class _Yen(NamedTuple):
    yen: int


class _Posted(NamedTuple):
    account: str
    amount_yen: int
    member_id: int | None
    invoice_id: int | None


ADD_ENTRY = Read(
    _Id,
    insert(LedgerEntry)
    .values({name: bindparam(name) for name in ("id", "at", "kind", "source_key")})
    .on_conflict_do_nothing(index_elements=["source_key"])
    .returning(LedgerEntry.id),
)
BY_KEY = Read(_Id, select(LedgerEntry.id).where(LedgerEntry.source_key == bindparam("source_key")))
ADD_POSTING = Write(
    insert(Posting).values(
        {
            name: bindparam(name)
            for name in ("id", "entry_id", "position", "account", "member_id", "invoice_id", "amount_yen")
        }
    )
)
_SUM = func.coalesce(func.sum(Posting.amount_yen), 0)
TRIAL_BALANCE = Read(Balance, select(Posting.account, _SUM).group_by(Posting.account).order_by(Posting.account))
MEMBER_BALANCE = Read(
    _Yen, select(_SUM).where(Posting.account == bindparam("account"), Posting.member_id == bindparam("member_id"))
)
INVOICE_BALANCE = Read(
    _Yen, select(_SUM).where(Posting.invoice_id == bindparam("invoice_id"), Posting.account == bindparam("account"))
)
OF_ENTRY = Read(
    _Posted,
    select(Posting.account, Posting.amount_yen, Posting.member_id, Posting.invoice_id)
    .join(LedgerEntry, LedgerEntry.id == Posting.entry_id)
    .where(LedgerEntry.source_key == bindparam("source_key"))
    .order_by(Posting.position),
)


def post(tx: Tx, *, kind: str, source_key: str, postings: Iterable[Side]) -> bool:
    """Book one step; False when `source_key` was booked before: a repeat posts nothing.

    Sides of 0 yen are left out. Raises InvariantBroken when the sides do not add up to 0 or name an unknown account.
    """
    sides = [side for side in postings if side.amount_yen]
    if sum(side.amount_yen for side in sides) != 0:
        raise InvariantBroken(f"the sides of {source_key} do not add up to 0")
    if unknown := {side.account for side in sides} - ACCOUNTS:
        raise InvariantBroken(f"unknown accounts {sorted(unknown)}")
    entry = tx.first(ADD_ENTRY, id=tx.ids.new(), at=tx.now, kind=kind, source_key=source_key)
    if entry is None:
        return False
    tx.many(
        ADD_POSTING,
        [
            {"id": tx.ids.new(), "entry_id": entry.id, "position": position, **side._asdict()}
            for position, side in enumerate(sides)
        ],
    )
    return True


def is_booked(tx: Tx, *, source_key: str) -> bool:
    """Whether a step was booked under this key."""
    return tx.first(BY_KEY, source_key=source_key) is not None


def reversed_sides(tx: Tx, *, source_key: str) -> Sequence[Side]:
    """The sides that undo an entry. Raises InvariantBroken when there is no such entry."""
    posted = tx.all(OF_ENTRY, source_key=source_key)
    if not posted:
        raise InvariantBroken(f"nothing was booked as {source_key}")
    return [Side(p.account, -p.amount_yen, p.member_id, p.invoice_id) for p in posted]


def trial_balance(tx: Tx) -> list[Balance]:
    """The balance of every account that was ever used; they add up to 0."""
    return [Balance(account, int(yen)) for account, yen in tx.all(TRIAL_BALANCE)]


def credit_of(tx: Tx, *, member_id: int) -> int:
    """What is held for a member (預り金), in yen; refundable, and used first on the next invoice."""
    return -int(tx.one(MEMBER_BALANCE, account=CREDIT, member_id=member_id).yen)


def open_yen_of(tx: Tx, *, invoice_id: int) -> int:
    """What an invoice still lacks: its total less everything allocated to it."""
    return balance_of(tx, RECEIVABLE, invoice_id=invoice_id)


def balance_of(tx: Tx, account: str, *, invoice_id: int) -> int:
    """An account's balance for one invoice, in yen; debit is positive."""
    return int(tx.one(INVOICE_BALANCE, invoice_id=invoice_id, account=account).yen)
