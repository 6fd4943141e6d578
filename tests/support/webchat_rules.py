"""What the page of the web chat understands of a message (adapters/webchat/page/bubbles.js), as a closed schema.

A field that the page does not draw would be a word that nobody reads: it is refused here.
"""

from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

_TEXT = {"type": "string"}
_WORDS = {"type": "string", "minLength": 1}
_DAY = {"type": ["string", "null"], "pattern": r"^\d{4}-\d\d-\d\d$"}
_SEEN = {"label": _WORDS, "style": {"enum": ["primary", "danger", "quiet", "normal"]}}
_HANDLE = {"type": "string", "pattern": r"^[0-9a-z]{1,12}\.[0-9]{1,3}\.[0-9a-z]{4,12}$"}


def _closed(properties: dict[str, Any], *optional: str) -> dict[str, Any]:
    required = sorted(properties.keys() - set(optional))
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _listed(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": item, "minItems": 1}


_PRESS = _closed({**_SEEN, "handle": _HANDLE})
_OPEN = _closed({**_SEEN, "url": {"type": "string", "pattern": "^https://"}})  # `safeAddress` drops what is not secure
_BUTTON = {"oneOf": [_PRESS, _OPEN]}
_CARD = _closed(
    {
        "title": _WORDS,
        "rows": {"type": "array", "items": {"type": "array", "items": _WORDS, "minItems": 2, "maxItems": 2}},
        "badge": _TEXT,
        "tone": {"enum": ["good", "warn", "bad", "plain", ""]},
        "note": _TEXT,
    }
)
_ITEM = _closed({"value": _WORDS, "label": _WORDS, "hint": _TEXT, "checked": {"type": "boolean"}, "toggle": _HANDLE})
_FILE = _closed({"file_id": _WORDS, "name": _WORDS, "mime": _WORDS, "size_bytes": {"type": "integer"}, "token": _WORDS})
BODY = _closed(
    {
        "v": {"const": 1},
        "text": _TEXT,
        "cards": _listed(_CARD),
        "checks": _closed({"items": _listed(_ITEM), "submit": _PRESS}),
        "date": _closed({"label": _TEXT, "submit": _PRESS, "min": _DAY, "max": _DAY, "value": _DAY}),
        "buttons": _listed(_listed(_BUTTON)),
        "files": _listed(_FILE),
        "upload": {"const": True},
        # of staff's words: the name stands above the bubble, from the message itself
        "author": {"const": "staff"},
        "author_name": _TEXT,
        "language": {"const": "en"},
    },
    "cards", "checks", "date", "buttons", "files", "upload", "author", "author_name", "language",
)  # fmt: skip


@cache
def _judge() -> Draft202012Validator:
    return Draft202012Validator(BODY)


def violations(body: dict[str, Any]) -> list[str]:
    """What the page would leave out or could not draw; empty when it draws everything."""
    found = [f"{error.json_path}: {error.message[:160]}" for error in _judge().iter_errors(body)]
    shown = body.get("text") or body.get("cards") or body.get("files")
    return found if shown else [*found, "an empty bubble"]
