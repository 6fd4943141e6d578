"""Payment attempts (決済): our own link to an invoice's payment page, the provider's pages and numbers behind it (P2, P9)."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from core.billing.attempt_policy import LIVE, AttemptState, is_reusable, next_look_at
from core.billing.facts import InvoicePaid, InvoiceVoided
from core.billing.invoices import LOCK, InvoiceView, get_invoice, lock_money
from core.billing.policy import InvoiceStatus
from core.billing.tables import PayLink, PaymentAttempt
from core.db import Tx
from core.delivery import outbox
from core.errors import DomainError
from core.profiles.model import PaymentMethod, Profile
from core.statements import Read, Write, among

STRIPE = "stripe"
PROVIDER_OF = {"credit_card": STRIPE, "konbini": STRIPE}
TOKEN_LENGTH = 22
# Stripe's limits for JPY (https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts, …/payments/konbini)
LEAST_YEN = {"credit_card": 50, "konbini": 120}
MOST_YEN = {"credit_card": 99_999_999, "konbini": 300_000}


class AttemptView(NamedTuple):
    """One try to pay; `expires_at` is the end of its page, or of its number once there is one."""

    id: int
    invoice_id: int
    member_id: int
    provider: str
    method: str
    amount_yen: int
    state: str
    session_ref: str | None
    payment_ref: str | None
    url: str | None
    expires_at: datetime | None
    numbers: dict[str, Any]
    look_at: datetime
    created_at: datetime
    updated_at: datetime


class _Id(NamedTuple):
    id: int


class _Token(NamedTuple):
    token: str


_NAMES = AttemptView._fields
_VIEW = [getattr(PaymentAttempt, name) for name in _NAMES]
ADD_LINK = Read(
    _Token,
    upsert(PayLink)
    .values(invoice_id=bindparam("of_invoice"), token=bindparam("new_token"))
    .on_conflict_do_nothing(index_elements=["invoice_id"])
    .returning(PayLink.token),
)
LINK_OF = Read(_Token, select(PayLink.token).where(PayLink.invoice_id == bindparam("of_invoice")))
INVOICE_OF_LINK = Read(_Id, select(PayLink.invoice_id).where(PayLink.token == bindparam("token")))
ADD = Write(insert(PaymentAttempt).values({name: bindparam(name) for name in _NAMES}))
BY_ID = Read(AttemptView, select(*_VIEW).where(PaymentAttempt.id == bindparam("attempt_id")))
LOCK_ATTEMPT = Read(
    AttemptView, select(*_VIEW).where(PaymentAttempt.id == bindparam("attempt_id")).with_for_update(key_share=True)
)
OF_INVOICE = Read(
    AttemptView,
    select(*_VIEW).where(PaymentAttempt.invoice_id == bindparam("invoice_id")).order_by(PaymentAttempt.id),
)
BY_REF = Read(
    AttemptView,
    select(*_VIEW)
    .where(
        PaymentAttempt.provider == bindparam("provider"),
        or_(
            PaymentAttempt.session_ref == bindparam("session_ref"),
            PaymentAttempt.payment_ref == bindparam("payment_ref"),
        ),
    )
    .order_by(PaymentAttempt.id)
    .limit(1),
)
TO_LOOK_AT = Read(
    AttemptView,
    select(*_VIEW)
    .where(
        among(PaymentAttempt.state, "created", "open", "pending"),  # the partial index's own words
        PaymentAttempt.look_at <= bindparam("now"),
        PaymentAttempt.provider == bindparam("provider"),
    )
    .order_by(PaymentAttempt.look_at)
    .limit(bindparam("most")),
)
_CHANGED = ("state", "session_ref", "payment_ref", "url", "expires_at", "numbers", "look_at")
SAVE = Write(
    update(PaymentAttempt)
    .where(PaymentAttempt.id == bindparam("attempt_id"))
    .values({**{name: bindparam(f"new_{name}") for name in _CHANGED}, "updated_at": bindparam("now")})
)


def ensure_pay_token(tx: Tx, *, invoice_id: int) -> str:
    """The unguessable part of the invoice's payment address, made at its first use and never changed."""
    known = tx.first(LINK_OF, of_invoice=invoice_id)
    if known is not None:
        return known.token
    made = tx.first(ADD_LINK, of_invoice=invoice_id, new_token=tx.ids.token(TOKEN_LENGTH))
    return made.token if made is not None else tx.one(LINK_OF, of_invoice=invoice_id).token


def find_invoice_of_link(tx: Tx, *, token: str) -> InvoiceView | None:
    """The invoice behind a payment address; None for an address nobody was given."""
    found = tx.first(INVOICE_OF_LINK, token=token)
    return None if found is None else get_invoice(tx, invoice_id=found.id)


def list_payable(profile: Profile, online: Collection[str], invoice: InvoiceView) -> tuple[PaymentMethod, ...]:
    """The online methods an invoice can be paid by now: configured, of the same fee as it was billed with, in the limits."""
    if invoice.status != InvoiceStatus.OPEN:
        return ()
    billed = next((method.fee_yen for method in profile.payment.methods if method.code == invoice.method), 0)
    return tuple(
        method
        for method in profile.list_manual_methods()
        if method.code in online
        and method.code in PROVIDER_OF
        and method.fee_yen == billed
        and LEAST_YEN[method.code] <= invoice.open_yen <= MOST_YEN[method.code]
    )


def request_attempt(tx: Tx, *, profile: Profile, online: Collection[str], invoice_id: int, method: str) -> AttemptView:
    """Pressing "pay": the attempt that is under way by this method, or a new one (row P2: our link is never stale).

    `created`: the provider is asked next, with the attempt's id as idempotency key, so that pressing twice makes one page.
    Errors: DomainError `invoice_not_found`, `invoice_not_open`, `method_not_offered`.
    """
    member_id = get_invoice(tx, invoice_id=invoice_id).member_id
    lock_money(tx, member_id=member_id)
    tx.one(LOCK, invoice_id=invoice_id)
    invoice = get_invoice(tx, invoice_id=invoice_id)
    if invoice.status != InvoiceStatus.OPEN:
        raise DomainError("invoice_not_open", invoice_no=invoice.invoice_no)
    if method not in [each.code for each in list_payable(profile, online, invoice)]:
        raise DomainError("method_not_offered", method=method)
    for earlier in list_attempts(tx, invoice_id=invoice_id)[::-1]:
        state = AttemptState(earlier.state)
        if earlier.method != method or state not in LIVE:
            continue
        if earlier.amount_yen == invoice.open_yen and is_reusable(
            state, expires_at=earlier.expires_at, created_at=earlier.created_at, now=tx.now
        ):
            return earlier
        owe_end(tx, earlier, why="another amount is due, or its page ends")
    attempt = AttemptView(
        id=tx.ids.new(),
        invoice_id=invoice_id,
        member_id=member_id,
        provider=PROVIDER_OF[method],
        method=method,
        amount_yen=invoice.open_yen,
        state=AttemptState.CREATED.value,
        session_ref=None,
        payment_ref=None,
        url=None,
        expires_at=None,
        numbers={},
        look_at=next_look_at(AttemptState.CREATED, expires_at=None, now=tx.now),
        created_at=tx.now,
        updated_at=tx.now,
    )
    tx.run(ADD, **attempt._asdict())
    return attempt


def record_page(
    tx: Tx, *, attempt_id: int, session_ref: str, payment_ref: str | None, url: str, expires_at: datetime
) -> AttemptView:
    """The provider has made its page. Told again, nothing changes; is the invoice closed meanwhile, the page is ended."""
    attempt = lock_attempt(tx, attempt_id=attempt_id)
    nothing_heard = attempt.session_ref is None and attempt.payment_ref is None
    # expired without any news: another browser's press was refused while this page was being made, and it is shown now
    if attempt.state == AttemptState.CREATED or (attempt.state == AttemptState.EXPIRED and nothing_heard):
        attempt = save(
            tx,
            attempt._replace(
                state=AttemptState.OPEN,
                session_ref=session_ref,
                payment_ref=payment_ref,
                url=url,
                expires_at=expires_at,
            ),
        )
    elif attempt.session_ref is None:  # its news came before the answer
        attempt = save(tx, attempt._replace(session_ref=session_ref, url=url))
    if (
        get_invoice(tx, invoice_id=attempt.invoice_id).status != InvoiceStatus.OPEN
        and AttemptState(attempt.state) in LIVE
    ):
        owe_end(tx, attempt, why="the invoice is closed")
    return attempt


def record_refused(tx: Tx, *, attempt_id: int) -> None:
    """The provider will never make this page (its answer is kept under the key): the next press begins anew."""
    attempt = lock_attempt(tx, attempt_id=attempt_id)
    if attempt.state == AttemptState.CREATED:
        save(tx, attempt._replace(state=AttemptState.EXPIRED))


def lock_attempt(tx: Tx, *, attempt_id: int) -> AttemptView:
    """An attempt, its member's money locked before it (the one order of locks); a missing one is a broken invariant."""
    found = tx.one(BY_ID, attempt_id=attempt_id)
    lock_money(tx, member_id=found.member_id)
    return tx.one(LOCK_ATTEMPT, attempt_id=attempt_id)


def save(tx: Tx, attempt: AttemptView) -> AttemptView:
    """Write a changed attempt, with the time of its next look-up."""
    look_at = next_look_at(AttemptState(attempt.state), expires_at=attempt.expires_at, now=tx.now)
    attempt = attempt._replace(state=AttemptState(attempt.state).value, look_at=look_at, updated_at=tx.now)
    tx.run(
        SAVE,
        attempt_id=attempt.id,
        now=tx.now,
        **{f"new_{name}": getattr(attempt, name) for name in _CHANGED},
    )
    return attempt


def find_attempt(tx: Tx, *, attempt_id: int) -> AttemptView | None:
    """One attempt."""
    return tx.first(BY_ID, attempt_id=attempt_id)


def find_by_refs(tx: Tx, *, provider: str, session_ref: str, payment_ref: str) -> AttemptView | None:
    """The attempt that a provider's page or payment belongs to; "" where one is not known."""
    return tx.first(BY_REF, provider=provider, session_ref=session_ref or "-", payment_ref=payment_ref or "-")


def list_attempts(tx: Tx, *, invoice_id: int) -> list[AttemptView]:
    """All tries to pay an invoice, the first first."""
    return tx.all(OF_INVOICE, invoice_id=invoice_id)


def find_pending(tx: Tx, *, invoice_id: int) -> AttemptView | None:
    """The newest number that still waits for its money."""
    pending = [a for a in list_attempts(tx, invoice_id=invoice_id) if a.state == AttemptState.PENDING]
    return pending[-1] if pending else None


def claim_looks(tx: Tx, *, provider: str, limit: int) -> list[AttemptView]:
    """Attempts whose news is overdue: the provider is asked. Each is asked again later should this look fail.

    One that never got a page, and whose key the provider may have forgotten, has ended: nobody was ever shown it.
    """
    due = tx.all(TO_LOOK_AT, now=tx.now, provider=provider, most=limit)
    asked = []
    for attempt in due:
        if attempt.session_ref is None and attempt.payment_ref is None:
            state = AttemptState(attempt.state)
            gone = not is_reusable(state, expires_at=None, created_at=attempt.created_at, now=tx.now)
            save(tx, attempt._replace(state=AttemptState.EXPIRED) if gone else attempt)
            continue
        save(tx, attempt)
        asked.append(attempt)
    return asked


def on_invoice_closed(tx: Tx, fact: InvoicePaid | InvoiceVoided) -> None:
    """Listener: what could still take money for an invoice that owes none is ended at the provider."""
    for attempt in list_attempts(tx, invoice_id=fact.invoice_id):
        if AttemptState(attempt.state) in LIVE:
            owe_end(tx, attempt, why="the invoice is closed")


def owe_end(tx: Tx, attempt: AttemptView, *, why: str) -> None:
    """The provider is told to take no money for an attempt any more; its answer comes as news."""
    if attempt.session_ref is None and attempt.payment_ref is None:
        return  # nobody was shown a page
    outbox.owe(
        tx,
        channel=attempt.provider,
        account="",
        address=attempt.session_ref or "",
        order_key=f"attempt:{attempt.id}",
        kind="provider",
        payload={"op": "end", "attempt": attempt.id, "session": attempt.session_ref, "payment": attempt.payment_ref},
        reason=why,
        dedupe_key=f"end:{attempt.id}",
        member_id=attempt.member_id,
    )


def owe_look(tx: Tx, attempt: AttemptView, *, due_at: datetime, why: str) -> None:
    """The provider is asked once what became of an attempt."""
    outbox.owe(
        tx,
        channel=attempt.provider,
        account="",
        address=attempt.session_ref or "",
        order_key=f"attempt:{attempt.id}",
        kind="provider",
        payload={"op": "look", "attempt": attempt.id, "session": attempt.session_ref, "payment": attempt.payment_ref},
        reason=why,
        dedupe_key=f"look:{attempt.id}:{why}",
        due_at=due_at,
        member_id=attempt.member_id,
    )
