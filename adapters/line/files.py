"""`GET /m/files/…`: a file for one member by a signed address that ends by itself, for channels that cannot carry files."""

import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from core.clock import Clock
from core.db import Database, aread
from core.delivery.files import find_file

PATH = "/m/files/{until}/{proof}/{token}"
LASTS = timedelta(days=7)
_SHOWN = frozenset({"image/jpeg", "image/png", "application/pdf"})


class SignedFiles:
    """Makes and opens the addresses. The proof binds the file to its end; nobody can lengthen it."""

    def __init__(self, database: Database, clock: Clock, *, secret: str, public_url: str) -> None:
        self._database, self._clock = database, clock
        self._key = sha256(b"madoguchi signed files\0" + secret.encode()).digest()
        self._public_url = public_url.rstrip("/")
        self.route = Route(PATH, self._send, methods=["GET"])

    def url(self, file: Mapping[str, Any]) -> str:
        """The address of an entry of a body's `files`, good for a week."""
        until = int((self._clock.real() + LASTS).timestamp())
        token = str(file["token"])
        return f"{self._public_url}/m/files/{until}/{self._proof(until, token)}/{token}"

    def _proof(self, until: int, token: str) -> str:
        return hmac.new(self._key, f"{until}:{token}".encode(), sha256).hexdigest()[:40]

    async def _send(self, request: Request) -> Response:
        given = request.path_params
        until, token = str(given["until"]), str(given["token"])
        if not until.isascii() or not until.isdigit() or len(until) > 12:
            return _gone()
        if not hmac.compare_digest(self._proof(int(until), token), str(given["proof"])):
            return _gone()
        if self._clock.real() > datetime.fromtimestamp(int(until), self._clock.real().tzinfo):
            return _gone()
        found = await aread(self._database, lambda tx: find_file(tx, token=token))
        if found is None or found.content is None:
            return _gone()
        shown = found.mime in _SHOWN
        place = "inline" if shown else "attachment"
        return Response(
            found.content,
            media_type=found.mime if shown else "application/octet-stream",
            headers={
                "content-disposition": f"{place}; filename*=UTF-8''{quote(found.name)}",
                "x-content-type-options": "nosniff",
                "content-security-policy": "default-src 'none'; sandbox",
                "referrer-policy": "no-referrer",
                "x-robots-tag": "noindex",
                "cache-control": "private, no-store",
            },
        )


def _gone() -> Response:
    text = (
        "このリンクは使えないか、期限が切れています。お手数ですが、チャットで担当者にお知らせください。\n"
        "This link cannot be used or has ended."
    )
    return PlainTextResponse(text, 404, headers={"x-robots-tag": "noindex", "referrer-policy": "no-referrer"})
