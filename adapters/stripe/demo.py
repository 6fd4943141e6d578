"""Demo's own Stripe under `/demo/stripe`: no money, but the real client, real signatures and the real webhook (interfaces.md).

It keeps nothing: a session's name is the attempt it was made for, and what became of that is in the product's own rows. Its
buttons do what a payer, a shop or a bank would, by sending the events that Stripe would send.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import jinja2
import orjson
import stripe
from sqlalchemy import bindparam, select
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from adapters.stripe.objects import METADATA_KEY
from adapters.stripe.webhook import PATH as WEBHOOK_PATH
from core.billing.attempts import AttemptView, ensure_pay_token, find_attempt
from core.billing.invoices import get_invoice
from core.billing.tables import Invoice, PaymentAttempt
from core.clock import JST, Clock
from core.db import Database, Tx, aread, arun
from core.statements import Read

ROOT = "/demo/stripe"
API_KEY = "sk_test_demo"
SECRET_PREFIX = "whsec_"  # noqa: S105 - the rest is made at each start
SHOWN = 50
_SESSION, _INTENT = "cs_demo_", "pi_demo_"
_pages = jinja2.Environment(loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True)
STORES = {
    "familymart": {"payment_code": "000000", "confirmation_number": "0001234567"},
    "lawson": {"payment_code": "123456", "confirmation_number": "0001234567"},
    "ministop": {"payment_code": "123456", "confirmation_number": "0001234567"},
    "seicomart": {"payment_code": "654321", "confirmation_number": "0001234567"},
}
Json = dict[str, Any]


class _Row(NamedTuple):
    id: int
    invoice_no: str
    method: str
    amount_yen: int
    state: str
    updated_at: datetime


NEWEST = Read(
    _Row,
    select(
        PaymentAttempt.id,
        Invoice.invoice_no,
        PaymentAttempt.method,
        PaymentAttempt.amount_yen,
        PaymentAttempt.state,
        PaymentAttempt.updated_at,
    )
    .join(Invoice, Invoice.id == PaymentAttempt.invoice_id)
    .order_by(PaymentAttempt.id.desc())
    .limit(bindparam("most")),
)


class DemoStripe:
    """The double: what our client calls, and pages on which the visitor plays payer and shop."""

    def __init__(self, database: Database, clock: Clock, *, secret: str, url: str) -> None:
        self._database, self._clock, self._secret, self._url = database, clock, secret, url.rstrip("/")
        self.routes = [
            Route(f"{ROOT}/v1/checkout/sessions", self._create, methods=["POST"]),
            Route(f"{ROOT}/v1/checkout/sessions/{{session}}", self._retrieve, methods=["GET"]),
            Route(f"{ROOT}/v1/checkout/sessions/{{session}}/expire", self._retrieve, methods=["POST"]),
            Route(f"{ROOT}/v1/payment_intents/{{intent}}/cancel", self._cancel, methods=["POST"]),
            Route(f"{ROOT}/v1/events", _no_events, methods=["GET"]),
            Route(ROOT, self._list, methods=["GET"]),
            Route(f"{ROOT}/pay/{{attempt:int}}", self._show, methods=["GET"]),
            Route(f"{ROOT}/act/{{attempt:int}}/{{act}}", self._act, methods=["POST"]),
        ]

    async def _create(self, request: Request) -> Response:
        form = await request.form(max_fields=60)
        attempt_id = str(form.get(f"metadata[{METADATA_KEY}]") or "")
        if not attempt_id.isdigit():
            return JSONResponse({"error": {"message": "no attempt", "type": "invalid_request_error"}}, 400)
        attempt = await self._find(int(attempt_id))
        return JSONResponse(self._session(attempt) if attempt else {}, 200 if attempt else 404)

    async def _retrieve(self, request: Request) -> Response:
        attempt = await self._find_named(str(request.path_params["session"]), _SESSION)
        return JSONResponse(self._session(attempt) if attempt else {}, 200 if attempt else 404)

    async def _cancel(self, request: Request) -> Response:
        attempt = await self._find_named(str(request.path_params["intent"]), _INTENT)
        if attempt is None:
            return JSONResponse({}, 404)
        await self._tell("checkout.session.async_payment_failed", self._session(attempt))
        return JSONResponse(self._intent(attempt, "canceled"))

    async def _list(self, request: Request) -> Response:
        rows = await aread(self._database, lambda tx: tx.all(NEWEST, most=SHOWN))
        told = {"did": request.query_params.get("did", ""), "about": request.query_params.get("attempt", "")}
        shown = {"rows": rows, "root": ROOT, "JST": JST, **told}
        return HTMLResponse(_pages.get_template("demo_list.html").render(**shown))

    async def _show(self, request: Request) -> Response:
        attempt = await self._find(int(request.path_params["attempt"]))
        if attempt is None:
            return PlainTextResponse("このページはありません。", 404)
        number = await aread(self._database, lambda tx: _invoice_no(tx, attempt))
        return HTMLResponse(_pages.get_template("demo_pay.html").render(attempt=attempt, number=number, root=ROOT))

    async def _act(self, request: Request) -> Response:
        if (origin := request.headers.get("origin")) and origin.split("//")[-1] != request.headers.get("host"):
            return PlainTextResponse("other origin", 403)
        attempt = await self._find(int(request.path_params["attempt"]))
        act = str(request.path_params["act"])
        if attempt is None or act not in _EVENTS or (act == "chargeback" and attempt.method == "konbini"):
            return PlainTextResponse("このページはありません。", 404)
        for kind in _EVENTS[act]:
            await self._tell(kind, self._subject(kind, attempt))
        if act in ("paid_at_store", "number_ends", "refund", "chargeback"):
            return RedirectResponse(f"{ROOT}?did={act}&attempt={attempt.id}", 303)
        token = await arun(self._database, lambda tx: ensure_pay_token(tx, invoice_id=attempt.invoice_id), name="demo")
        done = "?left=1" if act in ("declined", "leave") else "?back=1"
        return RedirectResponse(f"{self._url}/m/pay/{token}{done}", 303)

    async def _tell(self, kind: str, subject: Json) -> None:
        """An event as Stripe would send it, signed, to our own webhook over HTTP."""
        now = int(self._clock.real().timestamp())
        event = {
            "id": f"evt_demo_{subject['id']}_{kind}_{now}",
            "object": "event",
            "type": kind,
            "created": now,
            "data": {"object": subject},
        }
        body = orjson.dumps(event).decode()
        signed = stripe.WebhookSignature.generate_signature_header(body, self._secret)
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as http:
            await http.post(f"{self._url}{WEBHOOK_PATH}", data=body, headers={"stripe-signature": signed})

    def _subject(self, kind: str, attempt: AttemptView) -> Json:
        if kind.startswith("checkout.session."):
            session = self._session(attempt)
            unpaid = attempt.method == "konbini" and kind == "checkout.session.completed"
            return {**session, "status": "complete", "payment_status": "unpaid" if unpaid else "paid"}
        if kind == "payment_intent.requires_action":
            return self._intent(attempt, "requires_action")
        if kind == "payment_intent.payment_failed":
            return self._intent(attempt, "requires_payment_method")
        name = {"refund.created": "re_demo_", "charge.dispute.created": "dp_demo_"}[kind]
        status = "succeeded" if kind == "refund.created" else "needs_response"
        intent = f"{_INTENT}{attempt.id}"
        return {"id": f"{name}{attempt.id}", "payment_intent": intent, "amount": attempt.amount_yen, "status": status}

    def _session(self, attempt: AttemptView) -> Json:
        done = attempt.state in ("pending", "captured")
        return {
            "id": f"{_SESSION}{attempt.id}",
            "object": "checkout.session",
            "status": "complete" if done else "open",
            "payment_status": "paid" if attempt.state == "captured" else "unpaid",
            "payment_intent": f"{_INTENT}{attempt.id}" if done or attempt.session_ref else None,
            "amount_total": attempt.amount_yen,
            "currency": "jpy",
            "metadata": {METADATA_KEY: str(attempt.id)},
            "url": f"{self._url}{ROOT}/pay/{attempt.id}",
            "expires_at": int((self._clock.now() + timedelta(hours=23)).timestamp()),
        }

    def _intent(self, attempt: AttemptView, status: str) -> Json:
        until = (self._clock.now() + timedelta(days=3)).astimezone(JST).replace(hour=23, minute=59, second=59)
        details = {"expires_at": int(until.timestamp()), "stores": STORES}
        return {
            "id": f"{_INTENT}{attempt.id}",
            "object": "payment_intent",
            "status": status,
            "amount": attempt.amount_yen,
            "currency": "jpy",
            "metadata": {METADATA_KEY: str(attempt.id)},
            "next_action": {"type": "konbini_display_details", "konbini_display_details": details}
            if status == "requires_action"
            else None,
        }

    async def _find(self, attempt_id: int) -> AttemptView | None:
        return await aread(self._database, lambda tx: find_attempt(tx, attempt_id=attempt_id))

    async def _find_named(self, name: str, prefix: str) -> AttemptView | None:
        number = name.removeprefix(prefix)
        return await self._find(int(number)) if number.isdigit() else None


_EVENTS: Mapping[str, tuple[str, ...]] = {
    "paid": ("checkout.session.completed",),
    "declined": ("payment_intent.payment_failed",),
    "leave": (),
    "number": ("checkout.session.completed", "payment_intent.requires_action"),
    "paid_at_store": ("checkout.session.async_payment_succeeded",),
    "number_ends": ("checkout.session.async_payment_failed",),
    "refund": ("refund.created",),
    "chargeback": ("charge.dispute.created",),
}


def _invoice_no(tx: Tx, attempt: AttemptView) -> str:
    return get_invoice(tx, invoice_id=attempt.invoice_id).invoice_no


async def _no_events(request: Request) -> Response:
    return JSONResponse({"object": "list", "data": [], "has_more": False, "url": "/v1/events"})
