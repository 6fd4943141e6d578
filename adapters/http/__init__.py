"""The plain pages of the deployment: start page, health, readiness, metrics, and demo's clock and mailbox."""

import hmac
import ipaddress
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import jinja2
import orjson
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from core.clock import JST
from core.db import Database, Tx, aread
from core.delivery import inbox, outbox

MAX_BODY = 10_000
MAX_TRAVEL_DAYS = 400
PROXY_HEADERS = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip")

_pages = jinja2.Environment(loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True)


@dataclass(frozen=True, slots=True)
class Demo:
    """Clock travel: `travel(to)` moves on day by day, doing what becomes due; `now()` is the demo's time."""

    now: Callable[[], datetime]
    travel: Callable[[datetime], Awaitable[datetime]]


@dataclass(frozen=True, slots=True)
class Parts:
    """What the pages need."""

    database: Database
    operator: str
    ready: Callable[[], Awaitable[str]]  # "" or why not
    demo: Demo | None
    metrics_token: str = ""  # opens `/metrics` to another machine; empty: only this one may read it


def build(parts: Parts) -> list[Route]:
    """The routes; those of demo exist only in demo."""

    async def start(request: Request) -> Response:
        page = _pages.get_template("start.html")
        now = parts.demo.now().astimezone(JST) if parts.demo else None
        return HTMLResponse(page.render(operator=parts.operator, demo=parts.demo is not None, now=now))

    async def healthz(request: Request) -> Response:
        return PlainTextResponse("ok")

    async def readyz(request: Request) -> Response:
        why_not = await parts.ready()
        return PlainTextResponse(why_not or "ready", status_code=503 if why_not else 200)

    async def metrics(request: Request) -> Response:
        if not _may_read_metrics(request, parts.metrics_token):
            return PlainTextResponse(
                "ask from this machine itself (127.0.0.1), or send MADOGUCHI_METRICS_TOKEN as a bearer token",
                status_code=403,
            )
        return Response(await _metrics(parts.database), media_type="text/plain; version=0.0.4")

    routes = [
        Route("/", start),
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        Route("/metrics", metrics),
    ]
    return routes + _demo_routes(parts.database, parts.demo) if parts.demo else routes


def _may_read_metrics(request: Request, token: str) -> bool:
    """Whoever has the token; without it only who asks this machine from itself and not through a proxy.

    A proxy here has a loopback address too: it is known by the headers it adds, or by the public name it passes on.
    """
    given = request.headers.get("authorization", "")
    if token and hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
        return True
    proxied = any(name in request.headers for name in PROXY_HEADERS)
    return (
        not proxied
        and _is_loopback(request.client.host if request.client else "")
        and _is_loopback(request.url.hostname)
    )


def _is_loopback(host: str | None) -> bool:
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return host == "localhost"


def _demo_routes(database: Database, demo: Demo) -> list[Route]:
    async def clock(request: Request) -> Response:
        if request.method == "GET":
            return JSONResponse({"now": demo.now().astimezone(JST).isoformat(timespec="seconds")})
        if (origin := request.headers.get("origin")) and origin.split("//")[-1] != request.headers.get("host"):
            return JSONResponse({"error": "other origin"}, status_code=403)
        wanted = _wanted_time(await request.body(), demo.now())
        if isinstance(wanted, str):
            return JSONResponse({"error": wanted}, status_code=400)
        now = await demo.travel(wanted)
        return JSONResponse({"now": now.astimezone(JST).isoformat(timespec="seconds")})

    async def mail(request: Request) -> Response:
        mails = await aread(database, outbox.list_mails)
        if "text/html" in request.headers.get("accept", ""):
            return HTMLResponse(_pages.get_template("mail.html").render(mails=mails, JST=JST))
        rows = [
            {
                "to": row.address,
                "subject": row.payload["subject"],
                "text": row.payload["text"],
                "at": row.created_at.isoformat(),
                "state": row.state,
            }
            for row in mails
        ]
        return JSONResponse(rows)

    return [Route("/demo/clock", clock, methods=["GET", "POST"]), Route("/demo/mail", mail)]


def _wanted_time(body: bytes, now: datetime) -> datetime | str:
    """The instant asked for, or what is wrong with the request."""
    if len(body) > MAX_BODY:
        return "too large"
    try:
        asked: Any = orjson.loads(body)
        if isinstance(asked.get("days"), int) and not isinstance(asked["days"], bool):
            wanted = now + timedelta(days=asked["days"])
        else:
            wanted = datetime.fromisoformat(asked["to"])
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError, OverflowError):
        return 'send {"days": 1} or {"to": "2026-12-01T09:00:00+09:00"}'
    if wanted.tzinfo is None:
        wanted = wanted.replace(tzinfo=JST)
    if wanted < now:
        return "the clock only moves forward"
    if wanted - now > timedelta(days=MAX_TRAVEL_DAYS):
        return f"at most {MAX_TRAVEL_DAYS} days at once"
    return wanted


async def _metrics(database: Database) -> bytes:
    """Prometheus text: what is owed, what is stuck. Counted in the database, the same in every replica, from small indexes."""

    def count(tx: Tx) -> tuple[dict[str, int], int]:
        return outbox.count_by_state(tx), inbox.count_dead(tx)

    by_state, dead = await aread(database, count)
    repeats = by_state.pop("repeats")

    class Collector:
        """One scrape."""

        def collect(self) -> list[GaugeMetricFamily]:
            """The gauges."""
            owed = GaugeMetricFamily("madoguchi_outbox_messages", "Messages by delivery state", labels=["state"])
            for state, n in by_state.items():
                owed.add_metric([state], n)
            doubled = GaugeMetricFamily(
                "madoguchi_outbox_repeats", "Sends repeated after an unknown outcome", value=repeats
            )
            letters = GaugeMetricFamily(
                "madoguchi_inbox_dead_letters", "Deliveries given up, waiting for staff", value=dead
            )
            return [owed, doubled, letters]

    registry = CollectorRegistry()
    registry.register(Collector())
    return generate_latest(registry)
