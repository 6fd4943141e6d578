"""One request of somebody who is logged in: who, their language, their session's token; and the ways to answer it."""

import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property, partial
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import orjson
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from adapters.desk.guards import (
    FORM_BYTES,
    LANGUAGE_COOKIE,
    SESSION_COOKIE,
    Form,
    LoginNeeded,
    Refused,
    need_same_origin,
    need_token,
    read_form,
)
from adapters.desk.pages import page_answer
from adapters.desk.ports import Desk
from adapters.desk.texts import LANGUAGES, Texts
from core.clock import day_in_japan
from core.db import Tx, aread, arun
from core.errors import DomainError
from core.members.roles import Right, list_rights
from core.members.sessions import SessionView, find_session, is_touch_due, touch_session
from core.profiles.model import Profile

T = TypeVar("T")
STATUS = {"forbidden": 403}  # of refusals; what is not found is 404, all others 409


@dataclass
class Visit:
    """A request with its person. Lives for one answer."""

    desk: Desk
    request: Request
    staff: SessionView
    now: datetime  # business clock
    form: Form | None = None

    @cached_property
    def texts(self) -> Texts:
        """Words in the person's language, or the one they switched to."""
        return Texts(chosen_language(self.request, self.staff.language))

    @property
    def scripted(self) -> bool:
        """Whether our script asks (it wants JSON), rather than a browser that posts a form."""
        return self.request.headers.get("x-desk") == "1"

    def need_form(self) -> Form:
        """The form of a POST."""
        if self.form is None:
            raise Refused(400, "bad_form")
        return self.form

    @property
    def rights(self) -> tuple[Right, ...]:
        """Which buttons to offer; what is pressed is asked again in the core."""
        return list_rights(self.staff.role)

    @property
    def today(self) -> date:
        """The business day in Japan."""
        return day_in_japan(self.now)

    def new_key(self) -> str:
        """For a form whose second press must do nothing more than its first."""
        return secrets.token_urlsafe(18)

    def query_form(self) -> Form:
        """The address's query, read like a form (a form that asks first is sent by GET)."""
        return Form(FormData(list(self.request.query_params.multi_items())))

    async def read(self, work: Callable[[Tx], T]) -> T:
        """Work that only reads."""
        return await aread(self.desk.database, work)

    async def write(self, work: Callable[[Tx], T], *, name: str) -> T:
        """Work in a transaction; answers after its commit."""
        return await arun(self.desk.database, work, name=f"desk.{name}")

    def draw(self, template: str, values: Mapping[str, Any]) -> str:
        """A template with what every page needs."""
        common = {
            "staff": self.staff,
            "csrf": self.staff.csrf,
            "can": dict.fromkeys(self.rights, True),
            "path": self.request.url.path,
            "here": local_address(str(self.request.url)) if self.request.method == "GET" else "/desk",
            "demo": self.desk.settings.demo,
            "operator": self.desk.profile.operator,
            "hidden": hidden_pages(self.desk.profile),
            "now": self.now,
            "today": self.today,
            "done": self.request.query_params.get("done", ""),
        }
        return self.desk.pages.draw(template, self.texts, {**common, **values})

    def show(self, template: str, *, status: int = 200, **values: Any) -> Response:
        """A page."""
        return page_answer(self.draw(template, values), status)

    def go(self, address: str, *, done: str = "") -> Response:
        """After an act: to a page (POST, redirect, GET), saying what was done."""
        if done:
            address += ("&" if "?" in address else "?") + f"done={quote(done)}"
        if self.scripted:
            return json_answer({"go": address})
        return RedirectResponse(address, 303)

    def refuse(self, status: int, code: str, data: Mapping[str, object]) -> Response:
        """Why not, in plain words; the script shows it beside the form, so that nothing typed is lost."""
        words = self.texts.error(code, data)
        if self.scripted:
            fresh = (
                {"csrf": self.staff.csrf} if code == "old_form" else {}
            )  # logged in anew in another tab: press again
            return json_answer({"error": code, "text": words, **fresh}, status)
        return self.show("refused.html", status=status, title=self.texts.name("refused", status), words=words)


def hidden_pages(profile: Profile) -> frozenset[str]:
    """Entries of the menu for what this operator does not have."""
    return frozenset(
        name for name, there in (("contracts", profile.plans), ("reservations", profile.bookings)) if not there
    )


Endpoint = Callable[[Visit], Awaitable[Response]]


def json_answer(content: Any, status: int = 200) -> Response:
    """For our script."""
    return Response(orjson.dumps(content), status, {"Cache-Control": "no-store"}, "application/json")


def local_address(url: str) -> str:
    """Path and query only: where to come back to, never another site."""
    parts = urlsplit(url)
    path = "/" + parts.path.lstrip("/\\")
    return f"{path}?{parts.query}" if parts.query else path


def chosen_language(request: Request, default: str) -> str:
    """The language of the switch, else the person's own."""
    chosen = request.cookies.get(LANGUAGE_COOKIE, "")
    if chosen in LANGUAGES:
        return chosen
    return default if default in LANGUAGES else LANGUAGES[0]


async def open_visit(desk: Desk, request: Request, *, touch: bool = True) -> Visit:
    """Who asks. Raises LoginNeeded without a living session.

    `touch` only for what a person does: what an open page asks by itself must not keep an abandoned desk logged in.
    """
    token = request.cookies.get(SESSION_COOKIE, "")
    if not token:
        raise LoginNeeded
    found = await aread(desk.database, partial(_look, token=token))
    if found is None:
        raise LoginNeeded
    session, touch_due, now = found
    if touch and touch_due:
        await arun(desk.database, lambda tx: touch_session(tx, token=token), name="desk.touch")
    return Visit(desk, request, session, now)


def _look(tx: Tx, *, token: str) -> tuple[SessionView, bool, datetime] | None:
    session = find_session(tx, token=token)
    return None if session is None else (session, is_touch_due(session, real=tx.real), tx.now)


def showing(desk: Desk, endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    """A page for GET: needs a session, answers refusals in words."""

    async def call(request: Request) -> Response:
        return await _answer(desk, request, endpoint, limit_bytes=None)

    return call


def acting(
    desk: Desk, endpoint: Endpoint, *, limit_bytes: int = FORM_BYTES, touch: bool = True
) -> Callable[[Request], Awaitable[Response]]:
    """An act by POST: from our own pages only, with the session's token in its form; `touch` as in `open_visit`."""

    async def call(request: Request) -> Response:
        return await _answer(desk, request, endpoint, limit_bytes=limit_bytes, touch=touch)

    return call


async def _answer(
    desk: Desk, request: Request, endpoint: Endpoint, *, limit_bytes: int | None, touch: bool = True
) -> Response:
    try:
        visit = await open_visit(desk, request, touch=touch)
    except LoginNeeded:
        return _to_login(request)
    try:
        if limit_bytes is not None:
            need_same_origin(desk.settings, request)
            visit.form = await read_form(request, limit_bytes=limit_bytes)
            need_token(visit.staff.csrf, visit.form.text("csrf"))
        return await endpoint(visit)
    except Refused as refused:
        return visit.refuse(refused.status, refused.code, refused.data)
    except DomainError as error:
        status = 404 if error.code.endswith(("_not_found", "_unknown")) else STATUS.get(error.code, 409)
        return visit.refuse(status, error.code, error.data)
    finally:
        await request.close()


def _to_login(request: Request) -> Response:
    if request.headers.get("x-desk") == "1":
        return json_answer(
            {"error": "login_needed", "text": Texts(chosen_language(request, "ja"))("error.login_needed")}, 401
        )
    if request.method != "GET":
        return RedirectResponse("/desk/login", 303)
    return RedirectResponse(f"/desk/login?next={quote(local_address(str(request.url)))}", 303)
