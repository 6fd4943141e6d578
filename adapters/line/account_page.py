"""`/m/link/line/…`: LINE's account link. A member proves who they are on a page of ours, then LINE asks them to press once.

The page belongs to one chat. A link token is asked for at the last moment, since it lives ten minutes: LINE lets only the
person it was made for press, and brings our nonce back in an `accountLink` event.
Source: https://developers.line.biz/en/docs/messaging-api/linking-accounts/
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

import aiohttp
import jinja2
from linebot.v3.messaging.exceptions import ApiException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from bot.deployment import Bot
from bot.network import stand_in
from bot.wording import LANGUAGES, Wording
from core.db import Database, Tx, aread, arun
from core.dialogue.service import ChatView, get_chat
from core.errors import DomainError
from core.members import link_tokens
from core.members.linking import CodeEntered

log = logging.getLogger(__name__)

PATH = "/m/link/line/{token}"
DIALOG = "https://access.line.me/dialog/bot/accountLink"
MAX_BODY_BYTES = 4_000
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self' https://access.line.me; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
_page = jinja2.Environment(loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True)

IssueToken = Callable[[str], Awaitable[str]]  # LINE's link token for a user id


@dataclass(frozen=True, slots=True)
class Page:
    """What the page needs of the deployment."""

    database: Database
    bot: Bot
    secret_key: str
    issue_token: IssueToken


@dataclass(frozen=True, slots=True)
class _Asked:
    """One form as it was sent."""

    token: str
    fields: dict[str, str]
    source: str


def page_route(page: Page) -> Route:
    """GET shows the first form and changes nothing; POST takes a form. 404 for a page that has ended."""

    async def answer(request: Request) -> Response:
        token = str(request.path_params["token"])
        chat = await aread(page.database, lambda tx: _chat_of(tx, token))
        w = page.bot.wording(_language(page, chat))
        if chat is None:
            return _show(page, w, "ended", status=404)
        if request.method == "GET":
            return _show(page, w, "who")
        fields = await _read(request)
        asked = _Asked(token, fields, stand_in(request.client.host if request.client else "", page.secret_key))
        return await (_take_code(page, w, asked, chat) if "code" in fields else _take_who(page, w, asked))

    return Route(PATH, answer, methods=["GET", "POST"])


async def _take_who(page: Page, w: Wording, asked: _Asked) -> Response:
    """Member number and mail address; the answer never tells whether they belong together."""
    member_no, email = asked.fields.get("member_no", "").strip(), asked.fields.get("email", "").strip()
    if not member_no or "@" not in email:
        return _show(page, w, "who", note=w("linkpage.incomplete"), status=400)

    def request_code(tx: Tx) -> Any:
        return link_tokens.request_page_code(
            tx, page.bot.profile, token=asked.token, member_no=member_no, email=email, source=asked.source or None
        )

    try:
        requested = await arun(page.database, request_code, name="line.page")
    except DomainError as error:
        return _show(page, w, "who", note=w(f"errors.{error.code}", **error.data), status=409)
    return _show(page, w, "code") if requested is not None else _show(page, w, "ended", status=404)


async def _take_code(page: Page, w: Wording, asked: _Asked, chat: ChatView) -> Response:
    def prove(tx: Tx) -> tuple[CodeEntered, str] | None:
        return link_tokens.prove_on_page(tx, page.bot.profile, token=asked.token, code=asked.fields["code"])

    proved = await arun(page.database, prove, name="line.page")
    if proved is None:
        return _show(page, w, "ended", status=404)
    entered, nonce = proved
    if entered.state == "wrong":
        left = entered.tries_left
        return _show(page, w, "code", note=w("link.wrong_code", left=left, n=left), status=400)
    if not nonce:
        return _show(page, w, "who", note=w("link.dead_code"), status=400)
    try:
        link_token = await page.issue_token(chat.address)
    except (ApiException, aiohttp.ClientError, TimeoutError) as error:
        log.warning("LINE gave no link token", extra={"error": type(error).__name__})
        return _show(page, w, "ended", note=w("linkpage.line_away"), status=503)
    return RedirectResponse(f"{DIALOG}?{urlencode({'linkToken': link_token, 'nonce': nonce})}", 303, HEADERS)


def _chat_of(tx: Tx, token: str) -> ChatView | None:
    chat_id = link_tokens.find_page(tx, token=token)
    return None if chat_id is None else get_chat(tx, chat_id=chat_id)


def _language(page: Page, chat: ChatView | None) -> str:
    chosen = (chat.language or chat.hint) if chat is not None else ""
    return chosen if chosen in LANGUAGES else page.bot.profile.language


def _show(page: Page, w: Wording, part: str, *, note: str = "", status: int = 200) -> Response:
    drawn = _page.get_template("account.html").render(
        w=w, part=part, note=note, operator=page.bot.operator_name(w.language)
    )
    return HTMLResponse(drawn, status, HEADERS)


async def _read(request: Request) -> dict[str, str]:
    """The form's fields; a body that is too long or no form has none."""
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                return {}
    except ClientDisconnect:
        return {}
    try:
        return {name: values[0].replace("\0", "") for name, values in parse_qs(bytes(body).decode()).items()}
    except (UnicodeDecodeError, ValueError):
        return {}
