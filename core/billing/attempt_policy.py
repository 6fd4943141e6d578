"""Decisions about payment attempts and returns (rows P4, P8): what a provider's news does, in whatever order it comes.

Providers promise neither order nor single delivery. So news only ever moves an attempt forward along one order of states;
the same set of news ends in the same state however it is shuffled or repeated.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from core.billing.policy import PROVIDER_LAPSE_MARGIN

Seen = Literal["waiting", "number", "paid", "failed", "declined", "page_ended"]
"""What a provider says of an attempt: the payer chose a way that takes time · has a number · paid · the number ended unpaid ·
the card was refused, they may try again · the page was left until it ended."""

KEY_LIVES = timedelta(hours=20)  # Stripe may forget an idempotency key after 24 h (https://docs.stripe.com/idempotency)
PAGE_ENDS_SOON = timedelta(minutes=5)  # a page with less left is not handed out
FIRST_LOOK = timedelta(minutes=30)


class AttemptState(StrEnum):
    """created: asked for, no page yet · open: a page · pending: a number or the like · then one of three ends."""

    CREATED = "created"
    OPEN = "open"
    PENDING = "pending"
    EXPIRED = "expired"
    CAPTURED = "captured"
    MISMATCH = "mismatch"  # money in another currency: staff decide, nothing is booked


LIVE = (AttemptState.CREATED, AttemptState.OPEN, AttemptState.PENDING)
_RANK = {state: rank for rank, state in enumerate(AttemptState)}
_LEADS_TO: dict[Seen, AttemptState] = {
    "waiting": AttemptState.PENDING,
    "number": AttemptState.PENDING,
    "paid": AttemptState.CAPTURED,
    "failed": AttemptState.EXPIRED,
}


class ReturnState(StrEnum):
    """Of a refund or chargeback: not done (yet) · the money is given back · it did not stay so (failed, won)."""

    WAITING = "waiting"
    GIVEN = "given"
    UNDONE = "undone"


def decide_attempt(state: AttemptState, seen: Seen, *, currency: str = "jpy") -> AttemptState:
    """Return the state after this news; never an earlier one. Money in another currency than yen is a mismatch."""
    if seen == "paid" and currency.lower() != "jpy":
        return state if state is AttemptState.CAPTURED else AttemptState.MISMATCH
    if seen == "page_ended":  # the page of a number that waits to be paid has long ended
        return AttemptState.EXPIRED if state in (AttemptState.CREATED, AttemptState.OPEN) else state
    if seen == "declined":
        return state
    return max(state, _LEADS_TO[seen], key=lambda each: _RANK[each])


def decide_return(state: ReturnState, seen: Literal["asked", "given", "undone"]) -> ReturnState:
    """Return the state of a refund or chargeback after this news; undone is the end (a refund can fail after it succeeded)."""
    if state is ReturnState.UNDONE or seen == "undone":
        return ReturnState.UNDONE
    return ReturnState.GIVEN if seen == "given" else state


def is_reusable(state: AttemptState, *, expires_at: datetime | None, created_at: datetime, now: datetime) -> bool:
    """Return whether pressing "pay" again leads to this attempt: its page has time left, or its key is still known."""
    if state is AttemptState.PENDING:
        return True
    if state is AttemptState.CREATED:
        return now - created_at < KEY_LIVES
    return state is AttemptState.OPEN and expires_at is not None and expires_at - now > PAGE_ENDS_SOON


def next_look_at(state: AttemptState, *, expires_at: datetime | None, now: datetime) -> datetime:
    """Return when to ask the provider, should no news come: after the end of the page or number, else soon."""
    if state is AttemptState.CREATED or expires_at is None:
        return now + FIRST_LOOK
    return max(expires_at + PROVIDER_LAPSE_MARGIN, now + FIRST_LOOK)
