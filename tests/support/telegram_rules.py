"""What the Bot API accepts: fields and types by aiogram's models, lengths and HTML by the documentation."""

import html
import json
import re
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ValidationError

TEXT, CAPTION, ENTITIES = 4096, 1024, 100
_TAGS = {
    "b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "underline", "ins": "underline",
    "s": "strikethrough", "strike": "strikethrough", "del": "strikethrough", "code": "code", "pre": "pre",
    "blockquote": "blockquote", "tg-spoiler": "spoiler", "a": "text_link",
}  # fmt: skip
_TOKEN = re.compile(r"<(/?)([a-z-]*)([^<>]*)>|<|&(#x?[0-9a-fA-F]+|[a-zA-Z]+);|[^<&]+|&")
_KNOWN_ENTITIES = {"lt", "gt", "amp", "quot"}


class Refused(Exception):
    """An answer with `ok: false`."""

    def __init__(self, status: int, description: str, retry_after: int | None = None) -> None:
        super().__init__(description)
        self.status, self.description, self.retry_after = status, description, retry_after


@dataclass
class Formatted:
    """Text after entity parsing."""

    text: str
    entities: list[dict[str, Any]] = field(default_factory=list)


def utf16(text: str) -> int:
    """Length as Telegram counts offsets."""
    return len(text.encode("utf-16-le")) // 2


def parse_html(source: str) -> Formatted:
    """As Telegram reads `parse_mode=HTML`: only its own tags, closed in order; only four named entities."""
    out, entities, open_tags = "", [], []
    for match in _TOKEN.finditer(source):
        token, (closing, tag, rest, entity) = match[0], match.groups()
        if tag is not None:
            if tag not in _TAGS or (rest.strip() and tag not in {"a", "code", "blockquote"}):
                raise Refused(400, f'Bad Request: can\'t parse entities: Unsupported start tag "{tag}"')
            if not closing:
                open_tags.append((tag, utf16(out)))
                continue
            if not open_tags or open_tags[-1][0] != tag:
                raise Refused(400, "Bad Request: can't parse entities: Unexpected end tag")
            _, start = open_tags.pop()
            if utf16(out) > start:
                entities.append({"type": _TAGS[tag], "offset": start, "length": utf16(out) - start})
        elif token == "<":
            raise Refused(400, "Bad Request: can't parse entities: Unclosed start tag")
        elif entity and (entity in _KNOWN_ENTITIES or entity.startswith("#")):
            out += html.unescape(token)
        else:
            out += token
    if open_tags:
        raise Refused(400, "Bad Request: can't parse entities: Can't find end tag")
    return Formatted(out, entities)


def formatted(params: dict[str, Any], name: str, limit: int) -> Formatted:
    """Text or caption of a call, parsed, trimmed and measured."""
    source = str(params.get(name) or "")
    parsed = parse_html(source) if params.get("parse_mode") == "HTML" else Formatted(source)
    parsed.text = parsed.text.strip()
    if utf16(parsed.text) > limit:
        raise Refused(400, f"Bad Request: message {'caption ' if name == 'caption' else ''}is too long")
    if name == "text" and not parsed.text:
        raise Refused(400, "Bad Request: message text is empty")
    if len(parsed.entities) > ENTITIES:
        raise Refused(400, "too many entities: Telegram would drop some")
    return parsed


@dataclass(frozen=True)
class Upload:
    """A file that came with a call."""

    filename: str
    data: bytes


def decode(fields: dict[str, str], files: dict[str, tuple[str, bytes]]) -> dict[str, Any]:
    """A form of strings → JSON values; uploads as they are."""
    params: dict[str, Any] = {}
    for name, text in fields.items():
        structured = name not in {"text", "caption"} and (text[:1] in {"{", "["} or text in {"true", "false"})
        params[name] = json.loads(text) if structured else text
    for name, (filename, content) in files.items():
        params[name] = Upload(filename, content)
    return params


def check_fields(method: str, params: dict[str, Any]) -> list[str]:
    """What aiogram's model of the method finds wrong: unknown fields at any depth, missing ones, wrong types."""
    import aiogram.methods  # eight seconds: only for who needs it
    from aiogram.types import BufferedInputFile

    model = getattr(aiogram.methods, method[0].upper() + method[1:], None)
    if model is None:
        return [f"{method}: no such method"]
    given = {
        name: BufferedInputFile(value.data, value.filename) if isinstance(value, Upload) else value
        for name, value in params.items()
    }
    try:
        call = model.model_validate(given)
    except ValidationError as error:
        return [f"{method}: {item['loc']}: {item['msg']}" for item in error.errors()]
    return [f"{method}: unknown field {path}" for path in _unknown(call, "")]


def _unknown(value: Any, path: str) -> list[str]:
    if isinstance(value, BaseModel):
        found = [f"{path}.{name}" for name in value.model_extra or {}]
        for name in type(value).model_fields:
            found += _unknown(getattr(value, name), f"{path}.{name}")
        return found
    if isinstance(value, list):
        return [item for index, element in enumerate(value) for item in _unknown(element, f"{path}[{index}]")]
    return []


def check_keyboard(markup: dict[str, Any] | None) -> None:
    """Sizes of an inline keyboard, and that each button does exactly one thing."""
    rows = (markup or {}).get("inline_keyboard", [])
    if sum(map(len, rows)) > 100 or any(len(row) > 8 for row in rows):
        raise Refused(400, "Bad Request: too many inline keyboard buttons")
    for button in (button for row in rows for button in row):
        if not button["text"].strip():
            raise Refused(400, "Bad Request: inline keyboard button text is empty")
        if len(button.keys() & {"url", "callback_data"}) != 1:
            raise Refused(400, "Bad Request: inline keyboard button must have exactly one action")
        if "callback_data" in button and not 1 <= len(button["callback_data"].encode()) <= 64:
            raise Refused(400, "Bad Request: BUTTON_DATA_INVALID")
        if re.match(r"https?://(localhost|127\.|\[::1\])", button.get("url", "")):
            raise Refused(400, f"Bad Request: inline keyboard button URL '{button['url']}' is invalid: Wrong HTTP URL")


def check_commands(params: dict[str, Any]) -> None:
    """Names and lengths of a commands menu."""
    for command in params["commands"]:
        if not re.fullmatch(r"[a-z0-9_]{1,32}", command["command"]) or not 1 <= len(command["description"]) <= 256:
            raise Refused(400, f"Bad Request: BOT_COMMAND_INVALID {command}")
