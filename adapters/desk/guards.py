"""What is checked before anything is done: where a request comes from, how big it is, whose session, which form."""

import hmac
from collections.abc import Sequence
from typing import Any

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request

from adapters.desk.ports import DeskSettings

SESSION_COOKIE = "madoguchi_desk"
LOGIN_COOKIE = "madoguchi_desk_login"
LANGUAGE_COOKIE = "madoguchi_desk_language"
COOKIE_PATH = "/desk"
FORM_BYTES = 200_000
UPLOAD_BYTES = 42_000_000  # two files of the largest size with their form
MAX_FILES = 5


class Refused(Exception):
    """The request is answered with `status` and the words of `error.code`; nothing was done."""

    def __init__(self, status: int, code: str, **data: Any) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.data = data


class LoginNeeded(Exception):
    """Nobody is logged in (any more)."""


class Form:
    """A form as sent, with plain strings; NUL, which PostgreSQL refuses, is dropped."""

    def __init__(self, data: FormData) -> None:
        self._data = data

    def text(self, name: str, *, limit: int = 10_000, trimmed: bool = True) -> str:
        """A field, trimmed at its ends; empty when it is missing. Refused 400 `too_long` (limit)."""
        value = self._data.get(name, "")
        if not isinstance(value, str):
            raise Refused(400, "bad_form")
        value = value.replace("\0", "").replace("\r\n", "\n")
        value = value.strip() if trimmed else value
        if len(value) > limit:
            raise Refused(400, "too_long", limit=limit)
        return value

    def files(self, name: str) -> Sequence[UploadFile]:
        """The files chosen in a field (an empty choice is sent as a file without a name)."""
        return [item for item in self._data.getlist(name) if isinstance(item, UploadFile) and item.filename]


def need_same_origin(settings: DeskSettings, request: Request) -> None:
    """Another site's page must not act for staff. Browsers say where a request comes from. Refused 403 `other_origin`.

    A client that sends neither header is no browser: the form's own token decides for it.
    """
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if site is not None:
        allowed = site in ("same-origin", "none")
    elif origin is not None:
        own = {f"{request.url.scheme}://{request.url.netloc}", settings.public_origin.rstrip("/")} - {""}
        allowed = origin in own
    else:
        allowed = True
    if not allowed:
        raise Refused(403, "other_origin")


async def read_form(request: Request, *, limit_bytes: int) -> Form:
    """The form of a request. Refused 411 without a length, 413 above the limit, 400 when it is no form."""
    announced = request.headers.get("content-length", "")
    if not announced.isdecimal():
        raise Refused(411, "bad_form")
    if int(announced) > limit_bytes:
        raise Refused(413, "too_large", limit_mb=limit_bytes // 1_000_000)
    try:
        return Form(await request.form(max_files=MAX_FILES, max_fields=200, max_part_size=FORM_BYTES))
    except Exception as error:  # the parsers have many: whichever it was, the body is no form
        raise Refused(400, "bad_form") from error


def need_token(expected: str, given: str) -> None:
    """The form's token against the session's. Refused 403 `old_form`."""
    if not expected or not hmac.compare_digest(expected.encode(), given.encode()):
        raise Refused(403, "old_form")
