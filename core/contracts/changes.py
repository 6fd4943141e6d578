"""Every change of a contract, with its cause (row C6)."""

from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, insert, select

from core.contracts.tables import ContractChange
from core.db import Tx
from core.statements import Read, Write


class ContractFacts(NamedTuple):
    """What of a contract is recorded when it changes."""

    status: str
    expires_on: date
    anchor: int
    cycle_no: int


class ChangeView(NamedTuple):
    """One change; dates in `before` and `after` are ISO texts, `before` is empty at the beginning."""

    id: int
    contract_id: int
    at: datetime
    cause: str  # "renewal:<id>", "expired", "import", …
    before: dict[str, Any]
    after: dict[str, Any]


_NAMES = ChangeView._fields
ADD = Write(insert(ContractChange).values({name: bindparam(name) for name in _NAMES}))
OF_CONTRACT = Read(
    ChangeView,
    select(*(getattr(ContractChange, name) for name in _NAMES))
    .where(ContractChange.contract_id == bindparam("contract_id"))
    .order_by(ContractChange.id),
)


def record_change(tx: Tx, *, contract_id: int, cause: str, before: ContractFacts | None, after: ContractFacts) -> None:
    """Write a change in the transaction that makes it."""
    tx.run(
        ADD,
        id=tx.ids.new(),
        contract_id=contract_id,
        at=tx.now,
        cause=cause,
        before={} if before is None else before._asdict(),
        after=after._asdict(),
    )


def list_changes(tx: Tx, *, contract_id: int) -> list[ChangeView]:
    """The life of a contract, from its beginning."""
    return tx.all(OF_CONTRACT, contract_id=contract_id)
