"""What a payment provider tells us, in our words, and what it does (rows P4, P8). One delivery, one transaction."""

from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from core.billing import returns
from core.billing.attempt_policy import AttemptState, Seen, decide_attempt
from core.billing.attempts import AttemptView, find_attempt, find_by_refs, lock_attempt, owe_look, save
from core.billing.facts import PaymentAttemptExpired, PaymentInDoubt, PaymentNumberIssued
from core.billing.invoices import get_invoice
from core.billing.payments import record_provider_payment
from core.billing.policy import InvoiceStatus
from core.clock import day_in_japan
from core.db import Tx
from core.delivery import inbox
from core.members.links import lock_chats
from core.profiles.model import Profile

Outcome = Literal["done", "duplicate", "ignored"]
NUMBER_WAIT = timedelta(seconds=20)  # its own news usually comes within a second


@dataclass(frozen=True, slots=True)
class AttemptNews:
    """Something happened to an attempt. `attempt_id` is what we wrote on it, None where the provider does not repeat it."""

    provider: str
    seen: Seen
    at: datetime
    attempt_id: int | None = None
    session_ref: str = ""
    payment_ref: str = ""
    amount: int = 0  # smallest unit of `currency`; 0 where nothing was taken
    currency: str = "jpy"
    expires_at: datetime | None = None
    numbers: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReturnNews:
    """Money went back, or did not stay back."""

    provider: str
    seen: Literal["asked", "given", "undone"]
    kind: Literal["refund", "chargeback"]
    at: datetime
    reference: str
    payment_ref: str
    amount: int
    currency: str = "jpy"


News = AttemptNews | ReturnNews


def take_delivery(
    tx: Tx, *, profile: Profile, provider: str, delivery_key: str, kind: str, news: News | None
) -> Outcome:
    """One delivery of a provider, once: its key is stored in the transaction of its effect.

    None, or news of payments that are not ours (the account may serve other systems too), is stored as ignored. What is
    kept of it is our words only: the provider's own may name people.
    """
    known = news is not None and _is_ours(tx, news)
    stored = inbox.record(
        tx,
        channel=provider,
        account="",
        delivery_key=delivery_key,
        chat_key=f"{provider}:{delivery_key}",
        payload={"kind": kind, **({} if news is None or not known else _stored(news))},
        state="done" if known else "ignored",
    )
    if stored is None:
        return "duplicate"
    if news is None or not known:
        return "ignored"
    take_news(tx, profile=profile, news=news)
    return "done"


def take_in_doubt(tx: Tx, *, profile: Profile, provider: str, delivery_key: str, kind: str, news: News) -> Outcome:
    """After the ordinary way was refused (a contract was extended otherwise meanwhile): the money is kept in suspense."""
    stored = inbox.record(
        tx,
        channel=provider,
        account="",
        delivery_key=delivery_key,
        chat_key=f"{provider}:{delivery_key}",
        payload={"kind": kind, **_stored(news)},
    )
    if stored is None:
        return "duplicate"
    take_news(tx, profile=profile, news=news, in_doubt=True)
    return "done"


def take_news(tx: Tx, *, profile: Profile, news: News, in_doubt: bool = False) -> None:
    """What it does; repeating it changes nothing, and order does not matter (`attempt_policy`)."""
    if isinstance(news, ReturnNews):
        returns.take_return(
            tx,
            profile=profile,
            provider=news.provider,
            kind=news.kind,
            seen=news.seen,
            reference=news.reference,
            payment_ref=news.payment_ref,
            amount_yen=news.amount,
        )
        return
    known = _find(tx, news)
    if known is None:
        return
    lock_chats(tx, member_id=known.member_id)
    before = lock_attempt(tx, attempt_id=known.id)
    state = decide_attempt(AttemptState(before.state), news.seen, currency=news.currency)
    payable = get_invoice(tx, invoice_id=before.invoice_id).status == InvoiceStatus.OPEN
    numbers_come = bool(news.numbers) and not before.numbers
    after = save(
        tx,
        before._replace(
            state=state,
            session_ref=before.session_ref or news.session_ref or None,
            payment_ref=before.payment_ref or news.payment_ref or None,
            expires_at=news.expires_at or before.expires_at,
            numbers=before.numbers or news.numbers,
        ),
    )
    if news.seen == "paid":
        _paid(tx, profile, before, after, news, in_doubt=in_doubt)
    elif not payable:
        pass  # it is being ended at the provider: nobody is asked to pay, and nothing is missed
    elif state is AttemptState.PENDING and numbers_come:
        tx.emit(PaymentNumberIssued(after.id, after.member_id, after.invoice_id))
    elif state is AttemptState.PENDING and not after.numbers:
        owe_look(tx, after, due_at=tx.now + NUMBER_WAIT, why="the number has not come")
    elif state is AttemptState.EXPIRED and before.state == AttemptState.PENDING:
        tx.emit(PaymentAttemptExpired(after.id, after.member_id, after.invoice_id))
    tx.wake("desk")


def _paid(
    tx: Tx, profile: Profile, before: AttemptView, after: AttemptView, news: AttemptNews, *, in_doubt: bool
) -> None:
    def doubt(why: str) -> None:
        tx.emit(PaymentInDoubt(after.id, after.member_id, after.invoice_id, why, news.amount, news.currency))

    if news.currency.lower() != "jpy":
        if before.state != after.state:
            doubt("currency")
        return
    differs = news.amount != after.amount_yen
    booked = record_provider_payment(
        tx,
        provider=news.provider,
        reference=news.payment_ref or news.session_ref,
        member_id=after.member_id,
        invoice_id=after.invoice_id,
        amount_yen=news.amount,
        value_on=min(day_in_japan(news.at), tx.today),
        to_suspense=differs or in_doubt,
    )
    if booked is None:
        return
    if differs or in_doubt:
        doubt("amount" if differs else "not_applied")
    returns.book_waiting(tx, profile=profile, payment=booked)


def _find(tx: Tx, news: AttemptNews) -> AttemptView | None:
    if news.attempt_id is not None:
        found = find_attempt(tx, attempt_id=news.attempt_id)
        return found if found is not None and found.provider == news.provider else None
    return find_by_refs(tx, provider=news.provider, session_ref=news.session_ref, payment_ref=news.payment_ref)


def _is_ours(tx: Tx, news: News) -> bool:
    return isinstance(news, ReturnNews) or _find(tx, news) is not None


def _stored(news: News) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in asdict(news).items()
        if value not in (None, "", {})
    }
