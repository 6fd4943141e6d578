"""Coming in and going out. The password is checked on a thread of its own: the database's threads never wait for it."""

import asyncio
import secrets
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from adapters.desk.guards import (
    COOKIE_PATH,
    FORM_BYTES,
    LANGUAGE_COOKIE,
    LOGIN_COOKIE,
    SESSION_COOKIE,
    LoginNeeded,
    Refused,
    need_same_origin,
    need_token,
    read_form,
)
from adapters.desk.pages import page_answer
from adapters.desk.ports import Desk
from adapters.desk.texts import LANGUAGES, Texts
from adapters.desk.visits import Visit, chosen_language, local_address, open_visit
from core.db import aread, arun
from core.members.passwords import is_password_right
from core.members.sessions import end_session
from core.members.staff import find_credentials, record_login

CHECKS_AT_ONCE = asyncio.Semaphore(2)  # each takes 64 MiB and a core: a flood of log-ins must not stop the desk


async def show_login(desk: Desk, request: Request) -> Response:
    """The form; whoever is logged in already goes on."""
    try:
        await open_visit(desk, request)
    except LoginNeeded:
        ended = "session_ended" if request.query_params.get("ended") == "1" else ""
        return _form(desk, request, error=ended, next_address=safe_next(request.query_params.get("next", "")))
    return RedirectResponse(safe_next(request.query_params.get("next", "")), 303)


async def log_in(desk: Desk, request: Request) -> Response:
    """The same answer for an unknown login, a wrong password and a locked account (row Q6)."""
    try:
        need_same_origin(desk.settings, request)
        form = await read_form(request, limit_bytes=FORM_BYTES)
        next_address = safe_next(form.text("next"))
        need_token(request.cookies.get(LOGIN_COOKIE, ""), form.text("csrf"))
        login, password = form.text("login", limit=200), form.text("password", limit=1_000, trimmed=False)
    except Refused as refused:
        return _form(desk, request, status=refused.status, error=refused.code, next_address="/desk")
    credentials = await aread(desk.database, lambda tx: find_credentials(tx, login=login))
    async with CHECKS_AT_ONCE:
        right = await asyncio.to_thread(is_password_right, credentials.password_hash, password)
    session = await arun(
        desk.database, lambda tx: record_login(tx, credentials=credentials, right=right), name="desk.login"
    )
    if session is None:
        return _form(desk, request, status=401, error="login_refused", next_address=next_address, login=login)
    response = RedirectResponse(next_address, 303)
    _set_cookie(desk, response, SESSION_COOKIE, session.token)
    response.delete_cookie(LOGIN_COOKIE, path=COOKIE_PATH)
    return response


async def log_out(visit: Visit) -> Response:
    """Ends this session, here and in the database."""
    token = visit.request.cookies[SESSION_COOKIE]
    await visit.write(lambda tx: end_session(tx, token=token), name="logout")
    response = RedirectResponse("/desk/login", 303)
    response.delete_cookie(SESSION_COOKIE, path=COOKIE_PATH)
    return response


async def switch_language(desk: Desk, request: Request) -> Response:
    """Japanese or English on this browser; changes nothing else, so it needs no token."""
    try:
        form = await read_form(request, limit_bytes=FORM_BYTES)
        language, back = form.text("language", limit=2), form.text("back")
    except Refused:
        language, back = "", ""
    response = RedirectResponse(safe_next(back), 303)
    if language in LANGUAGES:
        _set_cookie(desk, response, LANGUAGE_COOKIE, language, max_age=365 * 86_400)
    return response


def safe_next(address: str) -> str:
    """Where to go after the log-in: a page of the desk and nothing else."""
    parts = urlsplit(address.replace("\\", "/"))
    local = not parts.scheme and not parts.netloc and (parts.path == "/desk" or parts.path.startswith("/desk/"))
    return local_address(address) if local and not parts.path.startswith("/desk/log") else "/desk"


def _form(
    desk: Desk, request: Request, *, next_address: str, status: int = 200, error: str = "", login: str = ""
) -> Response:
    texts = Texts(chosen_language(request, desk.profile.language))
    token = request.cookies.get(LOGIN_COOKIE) or secrets.token_urlsafe(24)
    values = {
        "token": token,
        "error": texts.error(error, {}) if error else "",
        "next": next_address,
        "login": login,
        "operator": desk.profile.operator,
        "settings": desk.settings,
        "here": local_address(str(request.url)) if request.method == "GET" else "/desk/login",
    }
    response = page_answer(desk.pages.draw("login.html", texts, values), status)
    _set_cookie(desk, response, LOGIN_COOKIE, token)
    return response


def _set_cookie(desk: Desk, response: Response, name: str, value: str, *, max_age: int | None = None) -> None:
    response.set_cookie(
        name,
        value,
        max_age=max_age,
        path=COOKIE_PATH,
        secure=desk.settings.secure_cookies,
        httponly=True,
        samesite="lax",
    )
