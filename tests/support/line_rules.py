"""LINE's own OpenAPI as a strict judge of what we send: unknown fields refused, and the lengths that the schema does not hold.

As published a validator accepts any message, because subtypes hang on a discriminator: here each is flattened, pinned to its
`type` and closed. Lengths: platforms.md 2 and https://developers.line.biz/en/docs/messaging-api/text-character-count/.
"""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
import yaml
from jsonschema import Draft202012Validator

SPEC = Path(__file__).parent / "specs" / "line" / "messaging-api.yml"
_REF = "#/components/schemas/"
_KEPT = ("type", "enum", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "pattern", "nullable")


@cache
def _components() -> dict[str, Any]:
    return dict(yaml.load(SPEC.read_text("utf-8"), Loader=yaml.CSafeLoader)["components"]["schemas"])


@cache
def validator(name: str) -> Draft202012Validator:
    """For one request body of the API by its schema's name."""
    definitions = {each: _schema(each) for each in _components()}
    return Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": definitions})


def _schema(name: str) -> dict[str, Any]:
    raw = _components()[name]
    mapping = raw.get("discriminator", {}).get("mapping")
    if not mapping:
        return _closed(raw)
    field = raw["discriminator"]["propertyName"]
    return {"anyOf": [_pinned(field, value, ref) for value, ref in mapping.items()]}


def _pinned(field: str, value: str, ref: str) -> dict[str, Any]:
    closed = _closed(_components()[ref.removeprefix(_REF)])
    properties = {**closed.get("properties", {}), field: {"const": value}}
    return {**closed, "properties": properties, "required": sorted({*closed.get("required", ()), field})}


def _closed(raw: dict[str, Any]) -> dict[str, Any]:
    properties, required = _flat(raw)
    if not properties:
        return _inner(raw)
    closed = {name: _inner(value) for name, value in properties.items()}
    return {"type": "object", "properties": closed, "required": sorted(required), "additionalProperties": False}


def _flat(raw: dict[str, Any]) -> tuple[dict[str, Any], set[str]]:
    """All properties of a schema and of what it extends."""
    properties, required = dict(raw.get("properties", {})), set(raw.get("required", ()))
    for part in raw.get("allOf", ()):
        base = _components()[part["$ref"].removeprefix(_REF)] if "$ref" in part else part
        more, needed = _flat(base)
        properties = {**more, **properties}
        required |= needed
    return properties, required


def _inner(raw: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in raw:
        return {"$ref": f"#/$defs/{raw['$ref'].removeprefix(_REF)}"}
    kept = {key: raw[key] for key in _KEPT if key in raw and key != "nullable"}
    if raw.get("type") == "array":
        kept["items"] = _inner(raw["items"])
    if raw.get("properties") or raw.get("allOf"):
        kept |= _closed(raw)
    return kept


def violations(name: str, body: Any) -> list[str]:
    """What LINE would refuse about this request body; empty when it would take it."""
    found = [f"{error.json_path}: {error.message[:160]}" for error in validator(name).iter_errors(body)]
    for message in body.get("messages", ()) if isinstance(body, dict) else ():
        found.extend(_lengths(message))
    return found


def units(text: str) -> int:
    """UTF-16 code units."""
    return len(text.encode("utf-16-le")) // 2


def _lengths(message: dict[str, Any]) -> Iterator[str]:
    if message.get("type") == "text" and not 1 <= units(message["text"]) <= 5_000:
        yield f"a text of {units(message['text'])}"
    if message.get("type") == "image":
        for field in ("originalContentUrl", "previewImageUrl"):
            if not message[field].startswith("https://") or len(message[field]) > 2_000:
                yield f"{field} must be https and at most 2000 characters"
    if message.get("type") == "flex":
        if not 1 <= units(message["altText"]) <= 400:
            yield "altText"
        if len(orjson.dumps(message["contents"])) > 30_000:
            yield "a bubble over 30 KB"
    for action in _actions(message):
        yield from _action(action)
    for text in _texts(message.get("contents")):
        if not text["text"]:
            yield "an empty Flex text"


def _action(action: dict[str, Any]) -> Iterator[str]:
    if len(action.get("label") or "") > 20:
        yield f"a label of {len(action['label'])}"
    if action["type"] in ("postback", "datetimepicker") and not 1 <= len(action["data"]) <= 300:
        yield "postback data"
    if len(action.get("displayText") or "") > 300:
        yield "displayText"
    if action["type"] == "uri" and urlsplit(action["uri"]).scheme not in ("http", "https", "line", "tel"):
        yield f"uri {action['uri'][:40]}"


def _actions(node: Any) -> Iterator[dict[str, Any]]:
    """Every action anywhere in a message."""
    if isinstance(node, dict):
        if isinstance(node.get("action"), dict):
            yield node["action"]
        for value in node.values():
            yield from _actions(value)
    elif isinstance(node, list):
        for value in node:
            yield from _actions(value)


def _texts(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if node.get("type") == "text" and "text" in node:
            yield node
        for value in node.values():
            yield from _texts(value)
    elif isinstance(node, list):
        for value in node:
            yield from _texts(value)


def said(message: dict[str, Any]) -> str:
    """Everything a person reads in a message, line by line."""
    if message.get("type") == "text":
        return str(message["text"])
    return "\n".join(text["text"] for text in _texts(message.get("contents")))


def pressable(message: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What can be pressed: the words on it → its action."""
    found: dict[str, dict[str, Any]] = {}

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            if isinstance(node.get("action"), dict):
                found["\n".join(text["text"] for text in _texts(node.get("contents")))] = node["action"]
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(message)
    return found
