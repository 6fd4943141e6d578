"""A provider that delivers the same event a hundred times at once, to two real server processes on one PostgreSQL."""

import asyncio
import time
from pathlib import Path
from typing import NamedTuple

import aiohttp
import orjson
import stripe
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from bot.deployment import Bot
from bot.telling import listeners
from core.billing import attempts
from core.clock import SystemClock
from core.contracts import renewals
from core.contracts.quotes import RenewalItem
from core.contracts.service import list_contracts
from core.db import Tx, run
from core.ids import SystemIds
from core.open_database import open_database
from core.profiles.files import load_profile
from tests.support.databases import PostgresServer
from tests.support.started import Started

SECRET = "whsec_replays"
DELIVERIES = 100
MEMBER = "M-000001"


class _Order(NamedTuple):
    attempt_id: int
    amount_yen: int
    contract_id: int


def _order(url: str) -> _Order:
    """A renewal of one of the demo member's contracts, its payment page handed out."""
    profile = load_profile("renewal-notice")
    database = open_database(url, SystemClock(), SystemIds(), listeners(Bot(profile, "http://127.0.0.1:1")))

    def work(tx: Tx) -> _Order:
        member_id = int(_rows(url, f"SELECT id FROM member WHERE member_no = '{MEMBER}'")[0][0])
        contract = next(
            c for c in list_contracts(tx, profile=profile, member_id=member_id, query="srv001") if c.renewable
        )
        invoice = renewals.request_renewals(
            tx,
            profile=profile,
            member_id=member_id,
            items=[RenewalItem(contract.id, 12, False)],
            method="credit_card",
            chat_id=None,
            shown={},
            language="ja",
        )
        attempt = attempts.request_attempt(
            tx, profile=profile, online=attempts.PROVIDER_OF, invoice_id=invoice.id, method="credit_card"
        )
        return _Order(attempt.id, attempt.amount_yen, contract.id)

    try:
        return run(database, work)
    finally:
        database.close()


def _rows(url: str, sql: str) -> list[tuple[object, ...]]:
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
    with engine.connect() as connection:
        found = [tuple(row) for row in connection.execute(text(sql))]
    engine.dispose()
    return found


def _event(order: _Order, name: str, kind: str) -> bytes:
    common = {"metadata": {"madoguchi_attempt": str(order.attempt_id)}, "currency": "jpy"}
    if kind == "payment_intent.succeeded":
        subject = {"id": "pi_1", "status": "succeeded", "amount_received": order.amount_yen, **common}
    else:
        state = {"status": "complete", "payment_status": "paid", "payment_intent": "pi_1"}
        subject = {"id": "cs_1", "amount_total": order.amount_yen, **state, **common}
    return orjson.dumps({"id": name, "type": kind, "created": int(time.time()), "data": {"object": subject}})


async def _deliver(urls: list[str], bodies: list[bytes]) -> list[int]:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:

        async def one(number: int, body: bytes) -> int:
            signed = stripe.WebhookSignature.generate_signature_header(body.decode(), SECRET)
            address = f"{urls[number % len(urls)]}/webhooks/stripe"
            async with http.post(address, data=body, headers={"stripe-signature": signed}) as answer:
                return answer.status

        return await asyncio.gather(*(one(number, body) for number, body in enumerate(bodies)))


async def test_a_hundred_deliveries_at_two_processes_have_one_effect_and_two_events_one_booking(
    postgres_server: PostgresServer, tmp_path: Path
) -> None:
    with postgres_server.database() as url:
        settings = {
            "DATABASE_URL": url,
            "STRIPE_API_KEY": "sk_test_replays",
            "STRIPE_WEBHOOK_SECRET": SECRET,
            "STRIPE_API_URL": "http://127.0.0.1:9",  # nothing is asked of it here
        }
        folders = [tmp_path / name for name in ("one", "two")]
        servers = []
        try:
            for folder in folders:
                folder.mkdir()
                servers.append(Started(folder, settings))
                await asyncio.to_thread(servers[-1].start)
            order = await asyncio.to_thread(_order, url)
            before = _rows(url, f"SELECT cycle_no FROM contract WHERE id = {order.contract_id}")[0][0]
            same = [_event(order, "evt_1", "payment_intent.succeeded")] * DELIVERIES
            other = [_event(order, "evt_2", "checkout.session.completed")] * 10
            statuses = await _deliver([server.url for server in servers], [*same, *other])
        finally:
            for server in servers:
                server.kill()
        assert statuses == [200] * (DELIVERIES + 10)
        assert _rows(url, "SELECT delivery_key FROM inbox WHERE channel = 'stripe' ORDER BY 1") == [
            ("evt_1",),
            ("evt_2",),
        ]
        assert _rows(url, "SELECT reference, amount_yen FROM payment") == [("pi_1", order.amount_yen)]
        assert _rows(url, f"SELECT cycle_no FROM contract WHERE id = {order.contract_id}") == [(int(str(before)) + 1,)]
        assert _rows(url, "SELECT count(*) FROM ledger_entry WHERE kind = 'payment'") == [(1,)]
        assert _rows(url, "SELECT count(*) FROM outbox WHERE reason = 'payment confirmed'") == [
            (len(_rows(url, f"SELECT 1 FROM member WHERE member_no = '{MEMBER}' AND sub_email IS NOT NULL")) + 1,)
        ]
