"""What is checked before anything is read: where a request comes from, how big it is; refusals as plain JSON."""

from collections.abc import AsyncIterator
from tempfile import SpooledTemporaryFile
from typing import IO, Any

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from adapters.webchat.ports import WebchatSettings
from adapters.webchat.session import address_of, read_session

MEMORY_BYTES = 1_000_000  # of a body being received; what is longer waits on disk


class Refused(Exception):
    """The request is answered with `status` and `{"error": code, …}`; nothing was stored."""

    def __init__(self, status: int, code: str, **data: Any) -> None:
        super().__init__(code)
        self.status = status
        self.content = {"error": code, **data}


def json_answer(content: Any, status: int = 200) -> Response:
    """JSON that no cache keeps: it is one person's conversation."""
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return Response(orjson.dumps(content), status, headers, "application/json")


def need_address(settings: WebchatSettings, request: Request) -> str:
    """The chat's address of this browser. Refused 401 `no_session` without a cookie of ours."""
    session = read_session(settings, request)
    if session is None:
        raise Refused(401, "no_session")
    return address_of(session)


def need_same_origin(settings: WebchatSettings, request: Request) -> None:
    """Another site's page must not act for a member. Browsers say where a request comes from; who says nothing is refused.

    `Sec-Fetch-Site` cannot be set by a page; older browsers send `Origin`. Refused 403 `other_origin`.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        allowed = site == "same-origin"
    else:
        own = {f"{request.url.scheme}://{request.url.netloc}", settings.public_origin.rstrip("/")} - {""}
        allowed = request.headers.get("origin", "") in own
    if not allowed:
        raise Refused(403, "other_origin")


async def read_body(request: Request, limit_bytes: int) -> bytes:
    """A small body, never more than the limit in memory. Refused 413 `too_large`."""
    body = bytearray()
    async for chunk in _chunks(request, limit_bytes):
        body += chunk
    return bytes(body)


async def spool_body(request: Request, limit_bytes: int) -> IO[bytes]:
    """A file's body, on disk when long; the caller closes it. Refused 413 `too_large` as soon as the limit is passed."""
    spool: IO[bytes] = SpooledTemporaryFile(MEMORY_BYTES)  # noqa: SIM115 - handed to the caller
    try:
        async for chunk in _chunks(request, limit_bytes):
            spool.write(chunk)
    except BaseException:
        spool.close()
        raise
    spool.seek(0)
    return spool


async def _chunks(request: Request, limit_bytes: int) -> AsyncIterator[bytes]:
    """The body piece by piece. What is announced too long is not read at all; what lies about its length is cut off."""
    too_large = Refused(413, "too_large", limit_bytes=limit_bytes)
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > limit_bytes:
        raise too_large
    seen = 0
    try:
        async for chunk in request.stream():
            seen += len(chunk)
            if seen > limit_bytes:
                raise too_large
            yield chunk
    except ClientDisconnect as gone:
        raise Refused(400, "cut_off") from gone
