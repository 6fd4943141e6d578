"""`GET /m/pay/TOKEN` shows an invoice and how to pay it, `POST` leads to the provider's page (rows P2, P9).

Whoever has the link may see the amount and pay: so no name, no contract and no address stands on the page.
"""

import logging
import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from core.billing import attempts
from core.billing.attempts import AttemptView
from core.billing.invoices import InvoiceView, get_invoice
from core.billing.ports import PageOrder, PaymentProvider
from core.clock import JST
from core.db import Database, Tx, aread, arun
from core.delivery.ports import OutcomeUnknown
from core.errors import DomainError, PermanentError, TransientError
from core.members.service import get_member
from core.profiles.model import PaymentMethod, Profile

log = logging.getLogger(__name__)

PATH = "/m/pay/{token}"
CHAT_PATH = "/chat"  # the web chat; every deployment serves it
MAX_BODY_BYTES = 2_000
MOST_NUMBER_DAYS = 60  # of Stripe's konbini
HEADERS = {
    "cache-control": "private, no-store",
    "referrer-policy": "no-referrer",
    "x-robots-tag": "noindex, nofollow",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
}
_FOLDER = Path(__file__).parent
_pages = jinja2.Environment(loader=jinja2.FileSystemLoader(_FOLDER), autoescape=True, undefined=jinja2.StrictUndefined)
_WEEKDAYS = "月火水木金土日"


@dataclass(frozen=True, slots=True)
class PaymentPages:
    """What the pages need; `providers` by payment method, `overrides`: the operator's own wording is not used here."""

    database: Database
    profile: Profile
    public_url: str
    providers: Mapping[str, PaymentProvider]

    @property
    def online(self) -> Collection[str]:
        """Methods whose provider is set up."""
        return self.providers.keys()


class _Seen(NamedTuple):
    invoice: InvoiceView
    methods: tuple[PaymentMethod, ...]
    pending: AttemptView | None


def build(pages: PaymentPages) -> list[Route]:
    """The routes."""

    async def show(request: Request) -> Response:
        token = _token(request)
        seen = await aread(pages.database, lambda tx: _see(tx, pages, token))
        return _page(pages, request, seen)

    async def pay(request: Request) -> Response:
        token, method = _token(request), await _method(request)
        seen = await aread(pages.database, lambda tx: _see(tx, pages, token))
        if seen is None:
            return _page(pages, request, None)
        if method not in [each.code for each in seen.methods]:
            return RedirectResponse(f"/m/pay/{token}", 303, headers=HEADERS)  # paid meanwhile, or an old page
        try:
            url = await _lead_on(pages, seen.invoice, method, _language(request), token)
        except DomainError:
            url = None
        except (TransientError, OutcomeUnknown, PermanentError) as error:
            log.warning("the provider gave no page", extra={"method": method, "error": type(error).__name__})
            return _page(pages, request, seen, trouble=True)
        return RedirectResponse(url or f"/m/pay/{token}", 303, headers=HEADERS)

    return [Route(PATH, show, methods=["GET"]), Route(PATH, pay, methods=["POST"])]


async def _lead_on(pages: PaymentPages, invoice: InvoiceView, method: str, language: str, token: str) -> str | None:
    """The provider's page to go to; None to show ours again (a number is there already).

    The attempt is committed before the provider is asked, with its id as the key: whatever happens between, pressing again
    asks for the same page.
    """

    def request(tx: Tx) -> tuple[AttemptView, str, int]:
        attempt = attempts.request_attempt(
            tx, profile=pages.profile, online=pages.online, invoice_id=invoice.id, method=method
        )
        email = get_member(tx, member_id=attempt.member_id).email or ""
        return attempt, email, (invoice.due_on - tx.today).days

    attempt, email, days_left = await arun(pages.database, request, name="pay")
    if attempt.state != "created":
        return attempt.url if attempt.state == "open" else None
    order = PageOrder(
        attempt_id=attempt.id,
        invoice_no=invoice.invoice_no,
        method=method,
        amount_yen=attempt.amount_yen,
        email=email,
        language=language,
        return_url=f"{pages.public_url}/m/pay/{token}",
        days=min(max(days_left, 1), MOST_NUMBER_DAYS),
    )
    try:
        made = await pages.providers[method].open_page(order)
    except PermanentError:
        await arun(pages.database, lambda tx: attempts.record_refused(tx, attempt_id=attempt.id), name="pay.refused")
        raise
    stored = await arun(
        pages.database,
        lambda tx: attempts.record_page(
            tx,
            attempt_id=attempt.id,
            session_ref=made.session_ref,
            payment_ref=made.payment_ref,
            url=made.url,
            expires_at=made.expires_at,
        ),
        name="pay.page",
    )
    return stored.url


def _see(tx: Tx, pages: PaymentPages, token: str) -> _Seen | None:
    found = attempts.find_invoice_of_link(tx, token=token)
    if found is None:
        return None
    invoice = get_invoice(tx, invoice_id=found.id)
    pending = attempts.find_pending(tx, invoice_id=invoice.id) if invoice.status == "open" else None
    return _Seen(invoice, attempts.list_payable(pages.profile, pages.online, invoice), pending)


def _page(pages: PaymentPages, request: Request, seen: _Seen | None, *, trouble: bool = False) -> Response:
    language = _language(request)
    words = _texts(language)
    values: dict[str, Any] = {
        "t": words,
        "lang": language,
        "seen": seen,
        "trouble": trouble,
        "back": "back" in request.query_params,
        "left": "left" in request.query_params and seen is not None and seen.pending is None,
        "offers_card": seen is not None and any(method.code == "credit_card" for method in seen.methods),
        "chat": f"{pages.public_url}{CHAT_PATH}",
        "operator": pages.profile.operator,
        "accounts": pages.profile.payment.bank_accounts,
        "yen": _yen(language),
        "day": _day(language),
        "clock": _clock(language),
        "local": lambda text: text.text(language),
    }
    status = 404 if seen is None else 503 if trouble else 200
    return HTMLResponse(_pages.get_template("pay.html").render(values), status, headers=HEADERS)


def _token(request: Request) -> str:
    return str(request.path_params["token"]).replace("\0", "")[:64]  # PostgreSQL takes no NUL


async def _method(request: Request) -> str:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            return ""
    fields = dict(part.split("=", 1) for part in body.decode("ascii", "replace").split("&") if "=" in part)
    return fields.get("method", "")


def _language(request: Request) -> str:
    """Japanese, unless the browser asks for another language first."""
    first = request.headers.get("accept-language", "").split(",")[0].strip().lower()
    return "en" if first and not first.startswith("ja") and first != "*" else "ja"


def _texts(language: str) -> Mapping[str, str]:
    return _TEXTS[language]


def _load() -> dict[str, dict[str, str]]:
    return {
        language: tomllib.loads((_FOLDER / f"texts.{language}.toml").read_text("utf-8")) for language in ("ja", "en")
    }


def _yen(language: str) -> Callable[[int], str]:
    return lambda amount: f"{amount:,}円" if language == "ja" else f"¥{amount:,}"


def _day(language: str) -> Callable[[date], str]:
    def show(day: date) -> str:
        if language == "ja":
            return f"{day.year}年{day.month}月{day.day}日({_WEEKDAYS[day.weekday()]})"
        return f"{day:%a, %b} {day.day}, {day.year}"

    return show


def _clock(language: str) -> Callable[[datetime], str]:
    def show(at: datetime) -> str:
        here = at.astimezone(JST)
        return f"{_day(language)(here.date())} {here:%H:%M}"

    return show


_TEXTS = _load()
