"""The page and its scripts, read once at start. Their address carries their hash, so that browsers may keep them for good."""

import hashlib
import html
from pathlib import Path
from string import Template

from starlette.requests import Request
from starlette.responses import Response

from adapters.webchat.guards import Refused
from adapters.webchat.ports import WebchatSettings
from adapters.webchat.session import new_session, read_session, set_session

FOLDER = Path(__file__).parent / "page"
TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


class Assets:
    """The files of `page/`."""

    def __init__(self, settings: WebchatSettings) -> None:
        self._settings = settings
        self._page = Template((FOLDER / "chat.html").read_text("utf-8"))
        self._files = {
            path.name: (TYPES[path.suffix], path.read_bytes())
            for path in sorted(FOLDER.iterdir())
            if path.suffix in TYPES
        }
        whole = b"\0".join(name.encode() + content for name, (_, content) in self._files.items())
        self.version = hashlib.sha256(whole).hexdigest()[:12]

    async def show_page(self, request: Request) -> Response:
        """The chat. The first visit makes the session; every visit keeps it for another year."""
        name = self._settings.operator()
        name_en = self._settings.operator_en() if self._settings.operator_en else name
        page = self._page.substitute(operator=html.escape(name), operator_en=html.escape(name_en), version=self.version)
        response = Response(page, media_type="text/html", headers=self._page_headers())
        set_session(self._settings, response, read_session(self._settings, request) or new_session(self._settings))
        return response

    async def send_asset(self, request: Request) -> Response:
        """A script or style sheet. An old version's address gets today's file, and is not kept."""
        found = self._files.get(request.path_params["name"])
        if found is None:
            raise Refused(404, "no_asset")
        mime, content = found
        current = request.path_params["version"] == self.version
        headers = {
            "Cache-Control": "public, max-age=31536000, immutable" if current else "no-cache",
            "X-Content-Type-Options": "nosniff",
        }
        return Response(content, headers=headers, media_type=mime)

    def _page_headers(self) -> dict[str, str]:
        frames = " ".join(("'self'", *self._settings.widget_origins))
        policy = (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
            f"base-uri 'none'; form-action 'none'; frame-ancestors {frames}"
        )
        return {
            "Content-Security-Policy": policy,
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "same-origin",
            "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
        }
