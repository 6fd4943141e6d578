"""Stripe's objects in our words. What is not about a payment of ours is None.

Sources: https://docs.stripe.com/api/events/types, https://docs.stripe.com/payments/checkout/fulfill-orders,
https://docs.stripe.com/payments/konbini
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from core.billing.provider_news import AttemptNews, News, ReturnNews

PROVIDER = "stripe"
METADATA_KEY = "madoguchi_attempt"
Json = Mapping[str, Any]
MOST = 10**12  # no amount of Stripe has more than 12 digits (https://docs.stripe.com/currencies)


def read_event(event: Json) -> News | None:
    """The news in an event; None for kinds that do not matter here. Errors: ValueError, KeyError, TypeError: no event."""
    kind, at = str(event["type"]), moment(event["created"])
    subject = event["data"]["object"]
    if not isinstance(subject, dict):
        raise TypeError("an event's object is an object")
    reader = _READERS.get(kind)
    return reader(subject, at) if reader is not None else None


def moment(seconds: Any) -> datetime:
    """Unix seconds as an instant."""
    return datetime.fromtimestamp(int(seconds), UTC)


def session_news(session: Json, at: datetime) -> AttemptNews | None:
    """What a Checkout session tells, be it from an event or from a look-up."""
    if session.get("status") == "expired":
        return _of_session(session, at, "page_ended")
    if session.get("status") != "complete":
        return None
    return _of_session(session, at, "waiting" if session.get("payment_status") == "unpaid" else "paid")


def intent_news(intent: Json, at: datetime) -> AttemptNews | None:
    """What a payment intent tells: paid, a number for the store, ended."""
    status = intent.get("status")
    if status == "succeeded":
        return _of_intent(intent, at, "paid", amount=_amount(intent["amount_received"]))
    if status == "canceled":
        return _of_intent(intent, at, "failed")
    details = (intent.get("next_action") or {}).get("konbini_display_details")
    if status == "requires_action" and isinstance(details, dict):
        stores = {
            str(store): {str(name): str(value) for name, value in given.items() if value}
            for store, given in (details.get("stores") or {}).items()
            if isinstance(given, dict)
        }
        return _of_intent(intent, at, "number", numbers=stores, expires_at=moment(details["expires_at"]))
    return None


def looked_at(session: Json, now: datetime) -> list[News]:
    """All news in a session that was looked up with its payment intent: what its events would have told."""
    intent = session.get("payment_intent")
    whole = intent if isinstance(intent, dict) else None
    flat = {**session, "payment_intent": whole["id"]} if whole is not None else session
    news: list[News | None] = [session_news(flat, now)]
    if whole is not None:
        news.append(intent_news(whole, now))
        ended = session.get("status") == "complete" and session.get("payment_status") == "unpaid"
        if ended and whole.get("status") == "requires_payment_method":  # a number that nobody paid
            news.append(_of_session(flat, now, "failed"))
    return [each for each in news if each is not None]


def _of_session(session: Json, at: datetime, seen: Literal["paid", "waiting", "failed", "page_ended"]) -> AttemptNews:
    return AttemptNews(
        provider=PROVIDER,
        seen=seen,
        at=at,
        attempt_id=_attempt_of(session),
        session_ref=str(session["id"]),
        payment_ref=str(session.get("payment_intent") or ""),
        amount=_amount(session.get("amount_total") or 0),
        currency=str(session.get("currency") or "jpy"),
    )


def _of_intent(
    intent: Json,
    at: datetime,
    seen: Literal["paid", "number", "failed", "declined"],
    *,
    amount: int = 0,
    numbers: dict[str, Any] | None = None,
    expires_at: datetime | None = None,
) -> AttemptNews:
    return AttemptNews(
        provider=PROVIDER,
        seen=seen,
        at=at,
        attempt_id=_attempt_of(intent),
        payment_ref=str(intent["id"]),
        amount=amount,
        currency=str(intent.get("currency") or "jpy"),
        numbers=numbers or {},
        expires_at=expires_at,
    )


def _amount(given: Any) -> int:
    """In the currency's smallest unit. Errors: ValueError, TypeError: none that can be booked."""
    amount = int(given)
    if not 0 <= amount < MOST:
        raise ValueError("no amount")
    return amount


def _attempt_of(subject: Json) -> int | None:
    written = str((subject.get("metadata") or {}).get(METADATA_KEY) or "")
    return int(written) if written.isascii() and written.isdigit() and len(written) < 20 else None


def _refund(refund: Json, at: datetime) -> ReturnNews | None:
    if not refund.get("payment_intent"):
        return None
    seen: dict[str, Literal["asked", "given", "undone"]] = {
        "succeeded": "given",
        "failed": "undone",
        "canceled": "undone",
    }
    return ReturnNews(
        provider=PROVIDER,
        seen=seen.get(str(refund.get("status")), "asked"),
        kind="refund",
        at=at,
        reference=str(refund["id"]),
        payment_ref=str(refund["payment_intent"]),
        amount=_amount(refund["amount"]),
        currency=str(refund.get("currency") or "jpy"),
    )


def _dispute(dispute: Json, at: datetime) -> ReturnNews | None:
    """An inquiry (warning_…) takes no money; a dispute takes it at once and gives it back when it is won."""
    if not dispute.get("payment_intent"):
        return None
    status = str(dispute.get("status"))
    seen: Literal["asked", "given", "undone"] = "given"
    if status in ("won", "prevented"):
        seen = "undone"
    elif status.startswith("warning"):
        seen = "asked"
    return ReturnNews(
        provider=PROVIDER,
        seen=seen,
        kind="chargeback",
        at=at,
        reference=str(dispute["id"]),
        payment_ref=str(dispute["payment_intent"]),
        amount=_amount(dispute["amount"]),
        currency=str(dispute.get("currency") or "jpy"),
    )


_READERS: dict[str, Callable[[Json, datetime], News | None]] = {
    "checkout.session.completed": session_news,
    "checkout.session.async_payment_succeeded": lambda session, at: _of_session(session, at, "paid"),
    "checkout.session.async_payment_failed": lambda session, at: _of_session(session, at, "failed"),
    "checkout.session.expired": lambda session, at: _of_session(session, at, "page_ended"),
    "payment_intent.succeeded": intent_news,
    "payment_intent.requires_action": intent_news,
    "payment_intent.canceled": intent_news,
    # Checkout lets the payer try again; the end of a store's number is told by its session
    "payment_intent.payment_failed": lambda intent, at: _of_intent(intent, at, "declined"),
    "refund.created": _refund,
    "refund.updated": _refund,
    "refund.failed": _refund,
    "charge.refund.updated": _refund,
    "charge.dispute.created": _dispute,
    "charge.dispute.updated": _dispute,
    "charge.dispute.closed": _dispute,
    "charge.dispute.funds_withdrawn": _dispute,
    "charge.dispute.funds_reinstated": _dispute,
}
EVENTS = tuple(_READERS)  # what the endpoint subscribes to (docs/stripe.md)
