"""Who a browser is: a random token in a cookie. The chat's address is its hash, so the database alone opens no chat."""

import hashlib
import hmac
import re
import secrets

from starlette.requests import Request
from starlette.responses import Response

from adapters.webchat.ports import WebchatSettings
from bot.network import stand_in

COOKIE = "madoguchi_chat"
COOKIE_PATH = "/chat"
COOKIE_SECONDS = 365 * 86_400  # a renewal comes round once a year: the chat should still be there
_VALUE = re.compile(r"([A-Za-z0-9_-]{43})\.([0-9a-f]{32})", re.ASCII)


def new_session(settings: WebchatSettings) -> str:
    """A cookie value that nobody can guess and only we can make."""
    token = secrets.token_urlsafe(32)
    return f"{token}.{_signature(settings, token)}"


def read_session(settings: WebchatSettings, request: Request) -> str | None:
    """The cookie's value if we made it, else None."""
    value = request.cookies.get(COOKIE, "")
    match = _VALUE.fullmatch(value)
    if match is None or not hmac.compare_digest(match[2], _signature(settings, match[1])):
        return None
    return value


def address_of(session: str) -> str:
    """The chat's address: 64 hex digits."""
    return hashlib.sha256(session.partition(".")[0].encode()).hexdigest()


def source_of(settings: WebchatSettings, request: Request) -> str:
    """What stands for the network address of this browser in limits; the server has resolved `X-Forwarded-For` of trusted
    proxies already.
    """
    return stand_in(request.client.host if request.client else "", settings.secret_key)


def set_session(settings: WebchatSettings, response: Response, session: str) -> None:
    """Keep the session for another year; scripts cannot read it, other sites' forms do not carry it."""
    response.set_cookie(
        COOKIE,
        session,
        max_age=COOKIE_SECONDS,
        path=COOKIE_PATH,
        secure=settings.secure_cookies,
        httponly=True,
        samesite="lax",
    )


def _signature(settings: WebchatSettings, token: str) -> str:
    return hmac.new(settings.secret_key.encode(), b"webchat:" + token.encode(), hashlib.sha256).hexdigest()[:32]
