"""Stripe as the composition sees it: hosted pages, the webhook's route, the lane's sender, the look at what never arrived."""

import logging
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import stripe

from adapters.stripe.objects import METADATA_KEY, PROVIDER, looked_at, moment, read_event
from adapters.stripe.webhook import webhook_route
from core.billing.attempts import AttemptView, claim_looks
from core.billing.ports import HostedPage, PageOrder
from core.billing.provider_news import News, Outcome, take_delivery, take_in_doubt, take_news
from core.billing.returns import book_overtaken
from core.clock import Clock
from core.db import Database, Tx, arun
from core.delivery.ports import OutcomeUnknown, Owed, Sent
from core.errors import DomainError, PermanentError, TransientError
from core.profiles.model import Profile

log = logging.getLogger(__name__)

API_URL = "https://api.stripe.com"
CALL_SECONDS = 20
RETRIES = 2  # the SDK repeats under the same key; a 500 is not repeated unless it is told to
PAGE_LIVES = timedelta(hours=23)  # the most is 24 h (https://docs.stripe.com/api/checkout/sessions/create)
METHOD_TYPES = {"credit_card": "card", "konbini": "konbini"}
MOST_LOOKS = 50
EVENTS_BACK = timedelta(days=3)  # as long as Stripe itself repeats; it keeps events for 30 days
EVENTS_PAGE = 100
IN_FLIGHT = 4
CONFLICT, SERVER_ERROR = 409, 500


@dataclass(frozen=True, slots=True)
class StripeSettings:
    """What the operator set (`MADOGUCHI_STRIPE_…`); key and secret are never shown."""

    api_key: str
    webhook_secret: str
    api_url: str = API_URL

    def __repr__(self) -> str:
        return "StripeSettings()"


class _KeptUnderKey(TransientError):
    """Stripe repeats this answer as long as it knows the key: only a new one helps (https://docs.stripe.com/idempotency)."""


class _MailRefused(PermanentError):
    """Stripe does not like the form of the payer's address, as old mobile ones have it (two dots in a row)."""


class StripeAdapter:
    """One account. `sender` is the outbox lane "stripe": ending pages, looking at attempts; both may be repeated."""

    channel = PROVIDER
    in_flight = IN_FLIGHT

    def __init__(self, settings: StripeSettings, profile: Profile, database: Database, clock: Clock) -> None:
        self._profile, self._database, self._clock = profile, database, clock
        self._http = stripe.AIOHTTPClient(timeout=CALL_SECONDS)
        self._client = stripe.StripeClient(
            settings.api_key,
            base_addresses={"api": settings.api_url.rstrip("/")},
            http_client=self._http,
            max_network_retries=RETRIES,
        )
        self._live = "_live_" in settings.api_key
        self.routes = [webhook_route(settings.webhook_secret, self.read, self.take)]

    @property
    def sender(self) -> "StripeAdapter":
        """Its own."""
        return self

    def read(self, event: Mapping[str, Any]) -> News | None:
        """The news in an event; None where it is of no matter here, of the other mode (test, live), or of a connected account.

        Errors: ValueError, KeyError, TypeError: no event. Source: https://docs.stripe.com/api/events/object
        """
        news = read_event(event)
        if news is not None and event.get("livemode", self._live) is not self._live:
            log.warning(
                "Stripe told of a payment of the other mode; it is not booked: are MADOGUCHI_STRIPE_API_KEY and"
                " MADOGUCHI_STRIPE_WEBHOOK_SECRET both of the live or both of the test mode?"
            )
            return None
        return None if event.get("account") else news

    async def take(self, event_id: str, kind: str, news: News | None) -> Outcome:
        """One event in one transaction; what the ordinary way refuses is booked to suspense rather than lost."""
        profile = self._profile

        def failed(tx: Tx, error: Exception) -> Outcome:
            if not isinstance(error, DomainError) or news is None:
                raise error
            log.error("a payment could not be used as meant: suspense", extra={"event": event_id, "code": error.code})
            return take_in_doubt(tx, profile=profile, provider=PROVIDER, delivery_key=event_id, kind=kind, news=news)

        return await arun(
            self._database,
            lambda tx: take_delivery(
                tx, profile=profile, provider=PROVIDER, delivery_key=event_id, kind=kind, news=news
            ),
            failed=failed,
            name="stripe",
        )

    async def open_page(self, order: PageOrder) -> HostedPage:
        """A Checkout session for one attempt. The same attempt gets the same session: its id is the idempotency key."""
        metadata = {METADATA_KEY: str(order.attempt_id)}
        params: dict[str, Any] = {
            "mode": "payment",
            # a filter on what the account has switched on: today's API takes no list of methods for a session
            "allowed_payment_method_types": [METHOD_TYPES[order.method]],
            "line_items": [
                {
                    "quantity": 1,
                    "price_data": {
                        "currency": "jpy",  # no decimals: the amount is yen
                        "unit_amount": order.amount_yen,
                        "product_data": {"name": order.invoice_no},
                    },
                }
            ],
            "client_reference_id": order.invoice_no,
            "metadata": metadata,
            "payment_intent_data": {"metadata": metadata, "description": order.invoice_no},
            "success_url": f"{order.return_url}?back=1",
            "cancel_url": f"{order.return_url}?left=1",
            "locale": order.language,
        }
        if order.email:
            params["customer_email"] = order.email
        if order.method == "konbini":
            params["payment_method_options"] = {"konbini": {"expires_after_days": order.days}}
        try:
            try:
                answer = await self._create(params, order.attempt_id)
            except _MailRefused:  # it only fills in a field; a refused parameter is not kept under the key
                del params["customer_email"]
                answer = await self._create(params, order.attempt_id)
        except (
            _KeptUnderKey
        ) as error:  # a page that was made all the same was shown to nobody: the next press begins anew
            raise PermanentError(str(error)) from error
        session = answer.to_dict()
        if not session.get("url"):
            raise PermanentError("the provider made a page without an address")
        return HostedPage(
            session_ref=str(session["id"]),
            payment_ref=str(session["payment_intent"]) if session.get("payment_intent") else None,
            url=str(session["url"]),
            expires_at=moment(session["expires_at"]),
        )

    async def _create(self, params: dict[str, Any], attempt_id: int) -> Any:
        return await self._call(
            self._client.v1.checkout.sessions.create_async(
                params,  # type: ignore[arg-type]  # a plain dict: tests check it against the SDK's own types
                options={"idempotency_key": f"madoguchi-attempt-{attempt_id}"},
            )
        )

    async def send(self, owed: Owed) -> Sent:
        """`end`: no money is taken any more. `look`: what became of it."""
        session, payment = owed.payload.get("session"), owed.payload.get("payment")
        if owed.payload["op"] == "look":
            await self._look(session)
            return Sent(answer="looked at")
        try:
            if session:
                await self._call(self._client.v1.checkout.sessions.expire_async(session))
                return Sent(answer="the page is ended")
        except PermanentError:  # completed: its number, if it has one, is ended below
            payment = payment or await self._payment_of(str(session))
        try:
            if payment:
                await self._call(self._client.v1.payment_intents.cancel_async(payment))
                return Sent(answer="the payment is ended")
        except PermanentError:
            pass  # paid, or ended: its own news tells
        return Sent(answer="had ended")

    async def _payment_of(self, session: str) -> str | None:
        """A page knows its payment only once its payer went on, so it may be newer than what we were told."""
        try:
            answer = await self._call(self._client.v1.checkout.sessions.retrieve_async(session))
        except PermanentError:
            return None  # Stripe has no such page (any more)
        payment = answer.to_dict().get("payment_intent")
        return str(payment) if payment else None

    async def look_up_overdue(self) -> None:
        """The timed job: attempts whose news is overdue, and events that Stripe could not deliver (row P4)."""
        await arun(self._database, lambda tx: book_overtaken(tx, profile=self._profile), name="stripe.returns")
        due: list[AttemptView] = await arun(
            self._database, lambda tx: claim_looks(tx, provider=PROVIDER, limit=MOST_LOOKS), name="stripe.due"
        )
        try:
            for attempt in due:
                await self._alone(self._look(attempt.session_ref), "attempt", attempt.id)
            await self._take_undelivered()
        except (TransientError, OutcomeUnknown, PermanentError) as error:
            log.warning("the provider's books could not be read", extra={"error": type(error).__name__})

    async def _alone(self, work: Awaitable[object], what: str, of: object) -> None:
        """One that can never be read or booked holds up no other; while Stripe is away, none is asked."""
        try:
            await work
        except (TransientError, OutcomeUnknown):
            raise
        except Exception:
            log.exception("one of the provider's payments could not be taken; the others go on", extra={what: of})

    async def _look(self, session_ref: str | None) -> None:
        if not session_ref:
            return
        answer = await self._call(
            self._client.v1.checkout.sessions.retrieve_async(session_ref, {"expand": ["payment_intent"]})
        )
        for news in looked_at(answer.to_dict(), self._clock.real()):
            await self._apply(news)

    async def _apply(self, news: News) -> None:
        """What a look-up found: no delivery of its own, repeating it changes nothing."""
        profile = self._profile
        await arun(
            self._database,
            lambda tx: take_news(tx, profile=profile, news=news),
            failed=lambda tx, error: _in_doubt(tx, profile, news, error),
            name="stripe.look",
        )

    async def _take_undelivered(self) -> None:
        """Source: https://docs.stripe.com/webhooks/process-undelivered-events"""
        since = int((self._clock.real() - EVENTS_BACK).timestamp())
        params: dict[str, Any] = {"delivery_success": False, "created": {"gte": since}, "limit": EVENTS_PAGE}
        while True:
            page = await self._call(self._client.v1.events.list_async(params))  # type: ignore[arg-type]
            events: list[Mapping[str, Any]] = [event.to_dict() for event in page.data]
            for event in events:
                try:
                    news = self.read(event)
                except (ValueError, KeyError, TypeError):
                    continue
                event_id = str(event["id"])
                await self._alone(self.take(event_id, str(event["type"])[:80], news), "event", event_id)
            if not page.has_more or not events:
                return
            params["starting_after"] = str(events[-1]["id"])

    async def _call(self, call: Any) -> Any:
        """One call of the API, its errors in our words."""
        try:
            return await call
        except stripe.RateLimitError as error:
            raise TransientError("Stripe: too many calls") from error
        except stripe.IdempotencyError as error:  # the same call runs at this moment, or was made with other words
            again = TransientError if error.http_status == CONFLICT else _KeptUnderKey
            raise again("Stripe: the key was used") from error
        except stripe.APIConnectionError as error:
            raise OutcomeUnknown("Stripe could not be reached, or its answer did not come") from error
        except stripe.StripeError as error:
            status = error.http_status or 0
            if status == CONFLICT:
                raise TransientError(f"Stripe said {status}") from error
            if status >= SERVER_ERROR:
                raise _KeptUnderKey(f"Stripe said {status}") from error
            kind = _MailRefused if error.code == "email_invalid" else PermanentError
            raise kind(f"Stripe refused: {error.code or type(error).__name__}") from error

    async def stop(self) -> None:
        """Close the connections."""
        await self._http.close_async()  # type: ignore[no-untyped-call]


def _in_doubt(tx: Tx, profile: Profile, news: News, error: Exception) -> None:
    if not isinstance(error, DomainError):
        raise error
    take_news(tx, profile=profile, news=news, in_doubt=True)


def build(settings: StripeSettings, profile: Profile, database: Database, clock: Clock) -> StripeAdapter:
    """The provider, not yet used. Errors: PermanentError for settings that can never work, in plain words."""
    if not settings.api_key.startswith(("sk_", "rk_")):
        raise PermanentError("MADOGUCHI_STRIPE_API_KEY does not look like a secret key (sk_… or rk_…)")
    if not settings.webhook_secret.startswith("whsec_"):
        raise PermanentError(
            "MADOGUCHI_STRIPE_WEBHOOK_SECRET does not look like an endpoint's signing secret (whsec_…): without it no"
            " payment could become known"
        )
    return StripeAdapter(settings, profile, database, clock)
