"""What people put into addresses and fields, read leniently: full-width digits, yen signs, dates from a picker."""

import re
import unicodedata
from datetime import date
from urllib.parse import urlencode

from adapters.desk.guards import Form, Refused
from adapters.desk.visits import Visit
from core.errors import DomainError

_YEN = re.compile(r"-?\d{1,15}", re.ASCII)


def number_in_path(visit: Visit, name: str) -> int:
    """An id in the address. Refused 404 for anything else."""
    text = str(visit.request.path_params[name])
    if not text.isascii() or not text.isdecimal() or len(text) > 18:
        raise Refused(404, "not_found")
    return int(text)


def text_in_path(visit: Visit, name: str) -> str:
    """A number people read, in the address."""
    return str(visit.request.path_params[name]).replace("\0", "")[:60]


def query_text(visit: Visit, name: str, *, limit: int = 200) -> str:
    """A search field or filter; empty when it is missing."""
    return visit.request.query_params.get(name, "").replace("\0", "").strip()[:limit]


def query_number(visit: Visit, name: str) -> int | None:
    """A number in the query, or None when it is missing or none."""
    text = query_text(visit, name, limit=18)
    return int(text) if text.isascii() and text.isdecimal() else None


def query_day(visit: Visit, name: str) -> date | None:
    """A day in the query, or None when it is missing or none."""
    return _day(query_text(visit, name, limit=20))


def field_day(form: Form, name: str) -> date:
    """A day in a field. Errors: DomainError `date_unreadable`."""
    day = _day(form.text(name, limit=40))
    if day is None:
        raise DomainError("date_unreadable")
    return day


def field_yen(form: Form, name: str) -> int:
    """An amount as people type it: 13,200 / １３，２００円 / ¥13200. Errors: DomainError `yen_unreadable`."""
    return read_yen(form.text(name, limit=40))


def read_yen(typed: str) -> int:
    """See `field_yen`; whether the amount is allowed is the core's question."""
    text = re.sub(r"[\s,、円¥\\]", "", unicodedata.normalize("NFKC", typed))
    if not _YEN.fullmatch(text):
        raise DomainError("yen_unreadable")
    return int(text)


def field_id(form: Form, name: str) -> int | None:
    """An id in a hidden field or a choice; None when nothing is chosen. Refused 400 for anything else."""
    text = form.text(name, limit=20)
    if not text:
        return None
    if not text.isascii() or not text.isdecimal():
        raise Refused(400, "bad_form")
    return int(text)


def with_query(visit: Visit, **changes: object) -> str:
    """This page's address with other values in its query; None takes one away."""
    kept = {**visit.request.query_params, **changes}
    query = urlencode({name: value for name, value in kept.items() if value not in (None, "") and name != "done"})
    return f"{visit.request.url.path}?{query}" if query else visit.request.url.path


def _day(text: str) -> date | None:
    text = unicodedata.normalize("NFKC", text).replace("/", "-").strip()
    if match := re.fullmatch(r"(\d{4})-(\d{1,2})-(\d{1,2})", text, re.ASCII):
        try:
            return date(int(match[1]), int(match[2]), int(match[3]))
        except ValueError:
            return None
    return None
