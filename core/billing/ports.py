"""What the payment page asks of a provider."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class PageOrder:
    """A hosted page to be made: for one attempt, whose id is the idempotency key. `days`: how long a store's number lives."""

    attempt_id: int
    invoice_no: str
    method: str
    amount_yen: int
    email: str
    language: str
    return_url: str
    days: int


@dataclass(frozen=True, slots=True)
class HostedPage:
    """The page that the provider made; `expires_at` is its end."""

    session_ref: str
    payment_ref: str | None
    url: str
    expires_at: datetime


class PaymentProvider(Protocol):
    """One provider's hosted pages. Raises TransientError or OutcomeUnknown (ask again, the same key), PermanentError."""

    async def open_page(self, order: PageOrder) -> HostedPage:
        """Make the page, or get the one that was made under the same key."""
