"""Stripe's API on loopback: sessions, numbers, idempotency keys, signed events in any order; it refuses what Stripe refuses."""

import asyncio
import itertools
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson
import stripe
from aiohttp import web

from tests.support.stripe_rules import events_violations, read_form, session_violations

API_KEY = "sk_test_double"
SECRET = "whsec_double"
STORES = {
    "familymart": {"payment_code": "123456", "confirmation_number": "01234567890"},
    "lawson": {"payment_code": "654321", "confirmation_number": "01234567890"},
    "ministop": {"payment_code": "654321", "confirmation_number": "01234567890"},
    "seicomart": {"payment_code": "111222", "confirmation_number": "01234567890"},
}
Json = dict[str, Any]


@dataclass
class Fault:
    """What the next call meets: a refusal before it was done (429), a failure kept under its key (500), or a lost answer."""

    status: int = 500
    after: bool = False


@dataclass
class StripeDouble:
    """`async with StripeDouble() as stripe:`; `url` is the API's address, `violations` must stay empty."""

    url: str = ""
    webhook: str = ""
    sessions: dict[str, Json] = field(default_factory=dict)
    intents: dict[str, Json] = field(default_factory=dict)
    keys: dict[str, tuple[bytes, int, Json]] = field(default_factory=dict)  # asked, status, answer
    calls: list[tuple[str, str]] = field(default_factory=list)
    undelivered: list[Json] = field(default_factory=list)
    faults: deque[Fault] = field(default_factory=deque)
    violations: list[str] = field(default_factory=list)
    refused_mail: str = ""  # an address whose form Stripe does not like
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    async def __aenter__(self) -> "StripeDouble":
        app = web.Application()
        app.router.add_post("/v1/checkout/sessions", self._create)
        app.router.add_get("/v1/checkout/sessions/{id}", self._retrieve)
        app.router.add_post("/v1/checkout/sessions/{id}/expire", self._expire)
        app.router.add_post("/v1/payment_intents/{id}/cancel", self._cancel)
        app.router.add_get("/v1/events", self._events)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        self._http = aiohttp.ClientSession()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.close()
        await self._runner.cleanup()

    def fail(self, status: int = 500, *, after: bool = False, times: int = 1) -> None:
        """The next calls end so; `after`: what was asked is done, only its answer is lost."""
        self.faults.extend(Fault(status, after) for _ in range(times))

    # --- the payer and the bank ------------------------------------------------------------------------------------

    def pay(self, session_id: str, *, amount: int | None = None, currency: str = "jpy") -> list[Json]:
        """Paid by card (or at the store): the events that Stripe sends, in its usual order."""
        session, intent = self._with_intent(session_id)
        waited = session["payment_status"] == "unpaid" and session["status"] == "complete"
        paid = session["amount_total"] if amount is None else amount
        intent.update(status="succeeded", amount_received=paid, currency=currency, next_action=None)
        session.update(status="complete", payment_status="paid", amount_total=paid, currency=currency)
        kind = "checkout.session.async_payment_succeeded" if waited else "checkout.session.completed"
        return [self.event("payment_intent.succeeded", intent), self.event(kind, session)]

    def take_number(self, session_id: str, *, expires_at: int | None = None) -> list[Json]:
        """The payer chose the convenience store and gave a name."""
        session, intent = self._with_intent(session_id)
        details = {"expires_at": expires_at or int(time.time()) + 3 * 86_400, "stores": STORES}
        action = {"type": "konbini_display_details", "konbini_display_details": details}
        intent.update(status="requires_action", next_action=action)
        session.update(status="complete", payment_status="unpaid")
        return [
            self.event("payment_intent.requires_action", intent),
            self.event("checkout.session.completed", session),
        ]

    def end_number(self, session_id: str) -> list[Json]:
        """Nobody paid with it in time."""
        session, intent = self._with_intent(session_id)
        intent.update(status="requires_payment_method", next_action=None)
        return [
            self.event("payment_intent.payment_failed", intent),
            self.event("checkout.session.async_payment_failed", session),
        ]

    def refund(self, session_id: str, amount: int, *, status: str = "succeeded", name: str = "re_1") -> Json:
        """The operator gives money back at Stripe."""
        intent = self.sessions[session_id]["payment_intent"]
        kind = {"failed": "refund.failed"}.get(status, "refund.created")
        subject = {"id": name, "object": "refund", "payment_intent": intent, "amount": amount, "currency": "jpy"}
        return self.event(kind, {**subject, "status": status})

    def dispute(self, session_id: str, status: str = "needs_response", name: str = "dp_1") -> Json:
        """The cardholder's bank takes it back, or the operator wins."""
        session = self.sessions[session_id]
        kind = "charge.dispute.closed" if status in ("won", "lost") else "charge.dispute.created"
        subject = {"id": name, "object": "dispute", "payment_intent": session["payment_intent"], "currency": "jpy"}
        return self.event(kind, {**subject, "amount": session["amount_total"], "status": status})

    def event(self, kind: str, subject: Mapping[str, Any]) -> Json:
        """As Stripe frames it; the object as it is at this moment."""
        return {
            "id": f"evt_{next(self._numbers)}",
            "object": "event",
            "type": kind,
            "created": int(time.time()),
            "livemode": False,
            "data": {"object": orjson.loads(orjson.dumps(subject))},
        }

    async def deliver(self, event: Json | bytes, *, at: int | None = None, secret: str = SECRET) -> int:
        """Post it, signed, as Stripe does; the status answered."""
        body = event if isinstance(event, bytes) else orjson.dumps(event)
        signed = stripe.WebhookSignature.generate_signature_header(
            body.decode("utf-8", "replace"), secret, timestamp=at or int(time.time())
        )
        async with self._http.post(self.webhook, data=body, headers={"stripe-signature": signed}) as answer:
            return answer.status

    async def deliver_all(self, events: list[Json]) -> list[int]:
        """One after the other."""
        return [await self.deliver(event) for event in events]

    # --- the API ---------------------------------------------------------------------------------------------------

    async def _create(self, request: web.Request) -> web.StreamResponse:
        """The first result stands under its key, a 500 too (https://docs.stripe.com/idempotency)."""
        body = await request.read()
        fault = self.faults.popleft() if self.faults else None
        key = request.headers.get("Idempotency-Key", "")
        self.calls.append(("create", key))
        if fault is not None and not fault.after and fault.status < 500:
            return _error(fault.status, "rate_limit_error")
        if self.refused_mail and read_form(body.decode()).get("customer_email") == self.refused_mail:
            # a refused parameter is not kept under the key (https://docs.stripe.com/idempotency)
            wrong = {
                "code": "email_invalid",
                "param": "customer_email",
                "message": f"Invalid email: {self.refused_mail}",
            }
            return web.json_response({"error": {"type": "invalid_request_error", **wrong}}, status=400)
        if key not in self.keys:
            failed = fault is not None and not fault.after
            made = _failure("api_error") if failed else self._made(read_form(body.decode()))
            self.keys[key] = (body, 500 if failed else 200, made)
        asked, status, answer = self.keys[key]
        if asked != body:
            return _error(400, "idempotency_error")
        if fault is not None and fault.after:
            if request.transport is not None:
                request.transport.close()
            await asyncio.sleep(0)
            return web.Response(status=fault.status)
        return web.json_response(answer, status=status)

    def _made(self, form: Json) -> Json:
        if wrong := session_violations(form):
            self.violations += wrong
            return _failure("invalid_request_error")
        number = next(self._numbers)
        session = {
            "id": f"cs_test_{number}",
            "object": "checkout.session",
            "status": "open",
            "payment_status": "unpaid",
            "payment_intent": None,
            "amount_total": int(form["line_items"][0]["price_data"]["unit_amount"]),
            "currency": "jpy",
            "metadata": form["metadata"],
            "of_payment": form["payment_intent_data"]["metadata"],
            "method": form["allowed_payment_method_types"][0],
            "cancel_url": form["cancel_url"],
            "url": f"{self.url}/pay/cs_test_{number}",
            "expires_at": int(time.time()) + 23 * 3_600,
        }
        self.sessions[session["id"]] = session
        return session

    def _with_intent(self, session_id: str) -> tuple[Json, Json]:
        session = self.sessions[session_id]
        if session["payment_intent"] is None:
            name = f"pi_{next(self._numbers)}"
            session["payment_intent"] = name
            self.intents[name] = {
                "id": name,
                "object": "payment_intent",
                "status": "requires_payment_method",
                "amount": session["amount_total"],
                "amount_received": 0,
                "currency": "jpy",
                "metadata": dict(session["of_payment"]),
                "next_action": None,
            }
        return session, self.intents[session["payment_intent"]]

    async def _retrieve(self, request: web.Request) -> web.Response:
        session = self.sessions.get(request.match_info["id"])
        self.calls.append(("retrieve", request.match_info["id"]))
        if session is None:
            return _error(404, "invalid_request_error")
        asked = any(name.startswith("expand") for name in request.query)
        whole = self.intents.get(session["payment_intent"] or "") if asked else None
        return web.json_response({**session, "payment_intent": whole or session["payment_intent"]})

    async def _expire(self, request: web.Request) -> web.Response:
        session = self.sessions[request.match_info["id"]]
        self.calls.append(("expire", session["id"]))
        if session["status"] != "open":
            return _error(400, "invalid_request_error")
        session["status"] = "expired"
        return web.json_response(session)

    async def _cancel(self, request: web.Request) -> web.Response:
        intent = self.intents[request.match_info["id"]]
        self.calls.append(("cancel", intent["id"]))
        if intent["status"] == "succeeded":
            return _error(400, "invalid_request_error")
        intent["status"] = "canceled"
        return web.json_response(intent)

    async def _events(self, request: web.Request) -> web.Response:
        self.calls.append(("events", request.query.get("delivery_success", "")))
        self.violations += events_violations(read_form(request.query_string))
        return web.json_response({"object": "list", "url": "/v1/events", "data": self.undelivered, "has_more": False})


def _error(status: int, kind: str) -> web.Response:
    return web.json_response(_failure(kind), status=status)


def _failure(kind: str) -> Json:
    return {"error": {"type": kind, "message": "as told"}}
