"""`POST /chat/inbound`: what the page sends becomes an `Inbound`."""

import re
from dataclasses import replace
from datetime import date
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from adapters.webchat.guards import Refused, json_answer, need_address, need_same_origin, read_body
from adapters.webchat.ports import ACCOUNT, CHANNEL, Webchat
from adapters.webchat.session import source_of
from bot.inbound import MAX_TEXT, Ack, Inbound
from core.errors import TransientError

BODY_BYTES = 64_000
MAX_CHOSEN = 200
_KEY = re.compile(r"[A-Za-z0-9_-]{8,64}", re.ASCII)
_LANGUAGES = ("ja", "en")


async def receive_act(web: Webchat, request: Request) -> Response:
    """Answers only after the commit; the same key again gets the answer again and has no second effect.

    Refused: 403 another site, 401 no session, 413 over 64 kB, 400 broken JSON or an unknown kind.
    """
    need_same_origin(web.settings, request)
    address = need_address(web.settings, request)
    inbound = parse_act(await read_body(request, BODY_BYTES), address)
    return answer_ack(await deliver(web, replace(inbound, source=source_of(web.settings, request))))


async def deliver(web: Webchat, inbound: Inbound) -> Ack:
    """Hand it to the turn. Refused 503 `busy` when the database cannot take it now: the page tries again by itself."""
    try:
        return await web.deliver(inbound)
    except TransientError as error:
        raise Refused(503, "busy") from error


def answer_ack(ack: Ack) -> Response:
    """The turn's answer for the page."""
    return json_answer({"outcome": ack.outcome, "toast": ack.toast, "last_seq": ack.last_seq})


def delivery_key(address: str, key: object) -> str:
    """The page's key, made the chat's own: nobody can use up another person's keys. Refused 400 `bad_key`."""
    if not isinstance(key, str) or not _KEY.fullmatch(key):
        raise Refused(400, "bad_key")
    return f"{address[:32]}:{key}"


def read_language(value: object) -> str:
    """The page's language as a hint, or nothing."""
    return value if isinstance(value, str) and value in _LANGUAGES else ""


def parse_act(body: bytes, address: str) -> Inbound:
    """From the page's JSON. Texts over 10 000 characters are cut and say so; NUL, which PostgreSQL refuses, is dropped."""
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Refused(400, "broken_json") from error
    if not isinstance(data, dict):
        raise Refused(400, "broken_json")
    kind = data.get("kind")
    if kind not in ("text", "press", "date", "start"):
        raise Refused(400, "unknown_kind")
    text = _string(data, "text", limit=BODY_BYTES).replace("\0", "")
    if kind == "text" and not text.strip():
        raise Refused(400, "empty_text")
    return Inbound(
        channel=CHANNEL,
        account=ACCOUNT,
        address=address,
        delivery_key=delivery_key(address, data.get("key")),
        kind=kind,
        text=text[:MAX_TEXT],
        cut=len(text) > MAX_TEXT,
        handle=_string(data, "handle", limit=40, needed=kind in ("press", "date")),
        chosen=_chosen(data),
        date=_day(data) if kind == "date" else "",
        language_hint=read_language(data.get("lang")),
    )


def _string(data: dict[str, Any], name: str, *, limit: int, needed: bool = False) -> str:
    value = data.get(name)
    if value is None:
        value = ""
    if not isinstance(value, str) or len(value) > limit or (needed and not value):
        raise Refused(400, f"bad_{name}")
    return value


def _chosen(data: dict[str, Any]) -> tuple[str, ...] | None:
    chosen = data.get("chosen")
    if chosen is None:
        return None
    if not isinstance(chosen, list) or len(chosen) > MAX_CHOSEN:
        raise Refused(400, "bad_chosen")
    if not all(isinstance(value, str) and len(value) <= 200 and "\0" not in value for value in chosen):
        raise Refused(400, "bad_chosen")
    return tuple(chosen)


def _day(data: dict[str, Any]) -> str:
    try:
        return date.fromisoformat(_string(data, "date", limit=10)).isoformat()
    except ValueError as error:
        raise Refused(400, "bad_date") from error
