"""Drawing pages: Jinja with escaping everywhere, the words of the reader's language, headers that keep others out."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from starlette.requests import Request
from starlette.responses import Response

from adapters.desk.texts import Texts
from bot.wording import show_date, show_time, show_yen
from core.clock import JST

HERE = Path(__file__).parent
TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
PAGE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


class Pages:
    """The templates and the files beside them, read once for a process (`pages`)."""

    def __init__(self) -> None:
        self._files = {
            path.name: (TYPES[path.suffix], path.read_bytes())
            for path in sorted((HERE / "static").iterdir())
            if path.suffix in TYPES
        }
        whole = b"\0".join(name.encode() + content for name, (_, content) in self._files.items())
        self.version = hashlib.sha256(whole).hexdigest()[:12]
        self._jinja = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._jinja.globals["version"] = self.version
        self._jinja.filters.update(day=_day, at=_at, moment=_moment, yen=_yen, since=_since, bytes=_bytes)

    def draw(self, template: str, texts: Texts, values: Mapping[str, Any]) -> str:
        """A template as HTML; what comes from people is escaped."""
        return self._jinja.get_template(template).render(t=texts, language=texts.language, **values)

    def send_asset(self, request: Request) -> Response:
        """A script or style sheet; its address carries its hash, so that browsers may keep it for good."""
        found = self._files.get(request.path_params["name"])
        if found is None:
            return Response("not found", 404, media_type="text/plain")
        mime, content = found
        current = request.path_params["version"] == self.version
        keep = "public, max-age=31536000, immutable" if current else "no-cache"
        return Response(content, headers={"Cache-Control": keep, "X-Content-Type-Options": "nosniff"}, media_type=mime)


@cache
def pages() -> Pages:
    """The desk's pages: nothing in them depends on the operator."""
    return Pages()


def page_answer(content: str, status: int = 200) -> Response:
    """A page that no cache and no frame keeps."""
    return Response(content, status, PAGE_HEADERS, "text/html")


def _language(context: Context) -> str:
    return str(context["language"])


@pass_context
def _day(context: Context, day: date | None) -> str:
    return "–" if day is None else show_date(day, _language(context))


@pass_context
def _at(context: Context, at: datetime | None) -> str:
    return "–" if at is None else show_time(at, _language(context))


@pass_context
def _moment(context: Context, at: datetime) -> str:
    """With the year: 2026年11月22日(日) 12:00."""
    local = at.astimezone(JST)
    return f"{show_date(local.date(), _language(context))} {local:%H:%M}"


@pass_context
def _yen(context: Context, amount_yen: int) -> str:
    return show_yen(amount_yen, _language(context))


@pass_context
def _since(context: Context, at: datetime, now: datetime) -> str:
    """How long ago, in one unit: 3分, 5時間, 2日."""
    t: Texts = context["t"]
    passed = max(now.astimezone(UTC) - at.astimezone(UTC), timedelta(0))
    if passed >= timedelta(days=1):
        return t("since.days", n=passed.days)
    if passed >= timedelta(hours=1):
        return t("since.hours", n=passed.seconds // 3600)
    return t("since.minutes", n=passed.seconds // 60)


def _bytes(size_bytes: int) -> str:
    return f"{size_bytes / 1_000_000:.1f} MB" if size_bytes >= 1_000_000 else f"{max(1, size_bytes // 1000)} kB"
