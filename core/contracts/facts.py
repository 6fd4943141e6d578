"""What has happened with contracts. Facts carry ids only."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class ContractCreated:
    """A contract is there."""

    contract_id: int
    member_id: int


@dataclass(frozen=True, slots=True)
class ContractsRenewed:
    """The money of an order is there: every contract on it has its new expiry, a new cycle has begun."""

    member_id: int
    invoice_id: int
    renewal_ids: tuple[int, ...]
    contract_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RenewalsLapsed:
    """The money did not come in time; the contracts stay as they are."""

    member_id: int
    invoice_id: int
    renewal_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RenewalsCancelled:
    """The member changed their mind, or staff withdrew the invoice."""

    member_id: int
    invoice_id: int
    renewal_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ContractInGrace:
    """The expiry has passed; it can still be renewed."""

    contract_id: int
    member_id: int


@dataclass(frozen=True, slots=True)
class ContractEnded:
    """Nothing can be renewed any more; `renewable_until`: the last day on which it could, the expiry without grace."""

    contract_id: int
    member_id: int
    renewable_until: date
