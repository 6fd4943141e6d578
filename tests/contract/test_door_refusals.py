"""Every webhook door in one table: what it answers, what is stored, what staff see (issue 3, interfaces.md "HTTP").

The product as it is started, on both databases; the proofs are made as the platforms make them.
"""

import hmac
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import count
from typing import Any

from core.schema import METADATA
from tests.support.line_double import ACCOUNT, LineDouble, sign
from tests.support.line_double import SECRET as LINE_SECRET
from tests.support.line_double import TOKEN as LINE_TOKEN
from tests.support.running import Running, running
from tests.support.stripe_double import API_KEY, StripeDouble
from tests.support.stripe_double import SECRET as STRIPE_SECRET
from tests.support.telegram_double import TOKEN as TELEGRAM_TOKEN
from tests.support.telegram_double import TelegramDouble

TELEGRAM_SECRET = "a-secret_of-the-operator"
LINE, TELEGRAM, STRIPE = "/webhooks/line", "/webhooks/telegram", "/webhooks/stripe"
HEADERS = {LINE: "x-line-signature", TELEGRAM: "x-telegram-bot-api-secret-token", STRIPE: "stripe-signature"}
LIVING = {"lease", "setting"}  # the loops write these by themselves
_numbers = count(1)


def stripe_proof(body: bytes, *, at: int = 0, secrets: tuple[str, ...] = (STRIPE_SECRET,)) -> str:
    """As Stripe signs; several secrets while one is being rolled over."""
    stamp = int(time.time()) + at
    signed = [hmac.new(secret.encode(), b"%d." % stamp + body, sha256).hexdigest() for secret in secrets]
    return ",".join([f"t={stamp}", *(f"v1={each}" for each in signed)])


PROOFS: dict[str, Callable[[bytes], str]] = {
    LINE: sign,
    TELEGRAM: lambda body: TELEGRAM_SECRET,
    STRIPE: stripe_proof,
}


def nested(levels: int) -> Any:
    """An object in an object in an object."""
    inner: Any = 1
    for _ in range(levels):
        inner = {"a": inner}
    return inner


def deep(levels: int) -> bytes:
    return b'{"a":' * levels + b"1" + b"}" * levels


def line(*events: dict[str, Any]) -> bytes:
    return json.dumps({"destination": ACCOUNT, "events": list(events)}).encode()


def line_event(kind: str = "message", person: str = "U" + "b" * 32, **more: Any) -> dict[str, Any]:
    """A text, unless it says otherwise."""
    event = {
        "type": kind,
        "mode": "active",
        "timestamp": int(time.time() * 1000),
        "source": {"type": "user", "userId": person},
        "webhookEventId": f"01DOOR{next(_numbers):020d}",
        "deliveryContext": {"isRedelivery": False},
    }
    if kind == "message":
        event["message"] = {"type": "text", "id": str(next(_numbers)), "text": "メニュー", "quoteToken": "q"}
    return {**event, **more}


def telegram(**what: Any) -> bytes:
    return json.dumps({"update_id": 500_000 + next(_numbers), **what}).encode()


def telegram_text(**more: Any) -> dict[str, Any]:
    message = {"message_id": next(_numbers), "date": 1, "chat": {"id": 88, "type": "private"}, "text": "メニュー"}
    return {"message": {**message, **more}}


def stripe(kind: str, subject: Any, **more: Any) -> bytes:
    event = {"id": f"evt_door_{next(_numbers)}", "type": kind, "created": int(time.time()), "livemode": False}
    return json.dumps({**event, "data": {"object": subject}, **more}).encode()


GOOD = {
    LINE: line(line_event()),
    TELEGRAM: telegram(**telegram_text()),
    STRIPE: stripe("customer.created", {"id": "cus_1"}),
}


@dataclass(frozen=True)
class Case:
    """One delivery. `proof` None: as the platform would make it; `headers` besides."""

    name: str
    door: str
    body: bytes
    answer: int
    proof: str | None = None
    headers: dict[str, str] = field(default_factory=dict)


def _refused() -> list[Case]:
    cases = []  # bytes that are no text cannot be what Stripe signed: it signs text
    for door, good in GOOD.items():
        big = b'{"x": "' + b"x" * 5_000_000 + b'"}'
        cases += [
            Case("wrong proof", door, good, 401, "x" * 44),
            Case("no proof", door, good, 401, ""),
            Case("a proof of signs that none has", door, good, 401, f"t={int(time.time())},v1=\xe9\xff"),
            Case("5 MB", door, big, 413),
            Case("broken JSON", door, good[:-1], 400),
            Case("no JSON", door, b"update=1", 400, headers={"content-type": "application/x-www-form-urlencoded"}),
            Case("nothing", door, b"", 400),
            Case(
                "bytes that are no text",
                door,
                b'{"update_id": 1, "events": "\xff\xfe"}',
                401 if door == STRIPE else 400,
            ),
            Case("a list", door, b"[]", 400),
            Case("another object", door, b'{"hello": "world"}', 400),
            Case("nested too deep", door, deep(2_000), 400),
        ]
    signed = GOOD[STRIPE]
    return [
        *cases,
        Case("another body's proof", LINE, GOOD[LINE], 401, sign(GOOD[LINE] + b" ")),
        Case("another body's proof", STRIPE, signed, 401, stripe_proof(signed + b" ")),
        Case("an old time", STRIPE, signed, 401, stripe_proof(signed, at=-301)),
        Case("a future time", STRIPE, signed, 401, stripe_proof(signed, at=400)),
        Case("another secret", STRIPE, signed, 401, stripe_proof(signed, secrets=("whsec_other",))),
        Case("events that are no list", LINE, b'{"destination": "x", "events": {}}', 400),
        Case("no account", LINE, b'{"events": []}', 400),
        Case("an update without a number", TELEGRAM, b'{"update_id": "7"}', 400),
        Case("an object that is none", STRIPE, stripe("refund.created", 3), 400),
        Case("no amount", STRIPE, stripe("refund.created", {"id": "r", "payment_intent": "p", "amount": 10**30}), 400),
        Case("an id no database holds", STRIPE, stripe("x", {}, id="evt\0"), 400),
    ]


@asynccontextmanager
async def doors(database_url: str) -> AsyncIterator[Running]:
    """The product with all three doors open."""
    async with LineDouble() as at_line, TelegramDouble() as at_telegram, StripeDouble() as at_stripe:
        async with running(
            database_url,
            line_channel_secret=LINE_SECRET, line_channel_token=LINE_TOKEN, line_api_url=at_line.url,
            telegram_token=TELEGRAM_TOKEN, telegram_mode="webhook", telegram_api_url=at_telegram.url,
            telegram_webhook_secret=TELEGRAM_SECRET,
            stripe_api_key=API_KEY, stripe_webhook_secret=STRIPE_SECRET, stripe_api_url=at_stripe.url,
        ) as product:  # fmt: skip
            await product.log_in()
            yield product
        assert at_line.violations == at_telegram.violations == at_stripe.violations == []


async def knock(product: Running, case: Case) -> int:
    """Deliver it; the status answered."""
    proof = PROOFS[case.door](case.body) if case.proof is None else case.proof
    headers = {"content-type": "application/json", **case.headers}
    if proof:
        headers[HEADERS[case.door]] = proof
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    return (await product.http.post(case.door, content=case.body, headers=raw)).status_code


async def everything(product: Running) -> dict[str, int]:
    """How many rows each table holds."""
    tables = [table for table in METADATA.tables if table not in LIVING]
    ((*counts,),) = await product.rows("SELECT " + ", ".join(f'(SELECT count(*) FROM "{t}")' for t in tables))
    return dict(zip(tables, counts, strict=True))


async def troubles(product: Running) -> str:
    """The box of troubles at the desk, as staff see it."""
    page = (await product.http.get("/desk")).text
    return page[page.index('id="troubles"') :] if 'id="troubles"' in page else page


async def test_what_is_refused_is_not_stored_and_troubles_nobody(database_url: str) -> None:
    async with doors(database_url) as product:
        before = await everything(product)
        cases = _refused()
        answers = {(case.door, case.name): await knock(product, case) for case in cases}
        assert answers == {(case.door, case.name): case.answer for case in cases}
        assert {door: (await product.http.get(door)).status_code for door in GOOD} == dict.fromkeys(GOOD, 405)
        assert await everything(product) == before
        assert "困りごとはありません" in await troubles(product)


def _taken() -> list[tuple[Case, list[str]]]:
    """What is taken, and the states its rows in the inbox have then."""
    again = line_event()
    group = {"type": "group", "groupId": "C" + "c" * 32, "userId": "U" + "b" * 32}
    unknown_kind = {"message": {"type": "hologram", "id": "9", "depth": nested(300)}}
    twice, rolled = stripe("customer.created", {"id": "cus_2"}), stripe("customer.updated", {"id": "cus_3"})
    paid = {"id": "pi_x", "status": "succeeded", "amount_received": 1, "metadata": {"madoguchi_attempt": "1"}}
    update, later, first = telegram(**telegram_text()), line_event(), line_event()
    later["timestamp"] = first["timestamp"] + 1
    return [
        (Case("LINE's Verify button", LINE, line(), 200), []),
        (Case("standby", LINE, line(line_event(mode="standby")), 200), []),
        (Case("no sender", LINE, line(line_event(source={"type": "user"})), 200), []),
        (Case("an event that is none", LINE, line(3), 200), []),  # type: ignore[arg-type]
        (Case("another content type", LINE, line(line_event()), 200, headers={"content-type": "text/plain"}), ["done"]),
        (Case("once", LINE, line(again), 200), ["done"]),
        (Case("again", LINE, line({**again, "deliveryContext": {"isRedelivery": True}}), 200), []),
        (Case("two, the later first", LINE, line(later, first), 200), ["done", "done"]),
        (Case("an unknown event", LINE, line(line_event("teleport")), 200), ["done"]),
        (Case("an unknown message, nested", LINE, line(line_event(**unknown_kind)), 200), ["done"]),
        (Case("a known kind in another form", LINE, line(line_event(message={"type": "image", "id": "1",
            "contentProvider": "line"})), 200), ["done"]),
        (Case("a time beyond any calendar", LINE, line(line_event(timestamp=10**18, replyToken="r")), 200), ["done"]),
        (Case("a text with U+0000", LINE, line(line_event(message={"type": "text", "id": "1", "text": "更新\0"})), 200),
            ["done"]),
        (Case("overheard in a group", LINE, line(line_event(source=group)), 200), ["done"]),
        (Case("another content type", TELEGRAM, telegram(**telegram_text()), 200, headers={"content-type": "text/plain"}),
            ["done"]),
        (Case("not ours", TELEGRAM, telegram(poll_answer={}), 200), []),
        (Case("once", TELEGRAM, update, 200), ["done"]),
        (Case("again", TELEGRAM, update, 200), []),
        (Case("an unknown message, nested", TELEGRAM, telegram(**telegram_text(text=None, hologram=nested(300))), 200),
            ["done"]),
        (Case("a text with U+0000", TELEGRAM, telegram(**telegram_text(text="更新\0")), 200), ["done"]),
        (Case("overheard in a group", TELEGRAM, telegram(**telegram_text(chat={"id": -5, "type": "group"})), 200), ["done"]),
        (Case("an unknown kind", STRIPE, stripe("invoice.created", {"id": "in_1"}), 200), ["ignored"]),
        (Case("once", STRIPE, twice, 200), ["ignored"]),
        (Case("again", STRIPE, twice, 200), []),
        (Case("of live mode while the key is of test mode", STRIPE, stripe("payment_intent.succeeded", paid, livemode=True),
            200), ["ignored"]),
        (Case("of a connected account", STRIPE, stripe("payment_intent.succeeded", paid, account="acct_2"), 200),
            ["ignored"]),
        (Case("of somebody else's payment", STRIPE, stripe("payment_intent.succeeded", paid), 200), ["ignored"]),
        (Case("signed with both secrets while one is rolled over", STRIPE, rolled, 200,
            stripe_proof(rolled, secrets=("whsec_before", STRIPE_SECRET))), ["ignored"]),
    ]  # fmt: skip


async def test_what_is_taken_is_stored_once_and_troubles_nobody(database_url: str) -> None:
    async with doors(database_url) as product:
        seen = 0
        for case, states in _taken():
            assert await knock(product, case) == case.answer, case
            kept = [state for (state,) in await product.rows("SELECT state FROM inbox ORDER BY id")]
            assert kept[seen:] == states, case
            seen = len(kept)
        said = [body for (body,) in await product.rows("SELECT body FROM message WHERE author = 'member'")]
        assert sum("更新" in str(json.loads(body) if isinstance(body, str) else body) for body in said) == 2
        assert await product.rows("SELECT id FROM payment") == []
        assert "困りごとはありません" in await troubles(product)
