"""`/m/link/…`: where the operator's one-time link leads. It names the doors; it neither looks the link up nor uses it."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from bot.deployment import Bot
from bot.inbound import DEEP_LINK
from bot.wording import LANGUAGES

_TOKEN = re.compile(r"[0-9a-z]{16,48}", re.ASCII)
_page = jinja2.Environment(loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True)
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "same-origin",  # the form's post says where it comes from; other sites learn nothing
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}


@dataclass(frozen=True, slots=True)
class Doors:
    """How people reach the operator's other channels; empty where there is none."""

    telegram: str = ""  # the bot's user name, without @
    line: str = ""  # the account's basic id, with @

    def telegram_url(self, token: str) -> str:
        """Opens the bot with `/start link_TOKEN`. Source: https://core.telegram.org/bots/features#deep-linking"""
        return f"https://t.me/{self.telegram}?start={DEEP_LINK}{token}" if self.telegram else ""

    def line_url(self, token: str) -> str:
        """Opens the chat with the words filled in. Source: https://developers.line.biz/en/docs/line-login/using-line-url-scheme/"""
        words = quote(f"/start {DEEP_LINK}{token}", safe="")
        return f"https://line.me/R/oaMessage/{quote(self.line, safe='')}/?{words}" if self.line else ""


@dataclass(frozen=True, slots=True)
class _Urls:
    telegram: str
    line: str


def link_route(bot: Bot, doors: Callable[[], Awaitable[Doors]]) -> Route:
    """The same page for every link that looks like one, usable or not: only pressing a door does something."""

    async def show(request: Request) -> Response:
        token = str(request.path_params["token"])
        if _TOKEN.fullmatch(token) is None:
            return PlainTextResponse("not found", 404)
        w = bot.wording(_language(request, bot.profile.language))
        found = await doors()
        urls = _Urls(found.telegram_url(token), found.line_url(token))
        page = _page.get_template("link.html").render(
            w=w, operator=bot.operator_name(w.language), token=token, doors=urls
        )
        return HTMLResponse(page, headers=HEADERS)

    return Route("/m/link/{token}", show, methods=["GET"])


def _language(request: Request, default: str) -> str:
    first = request.headers.get("accept-language", "")[:2].lower()
    return first if first in LANGUAGES else default
