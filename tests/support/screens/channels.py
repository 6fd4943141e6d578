"""Every screen of a way as each channel gets it: judged by the channel's own rules, then what is read and pressed there."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from adapters.line.draw import draw as draw_for_line
from adapters.telegram.draw import Part
from adapters.telegram.draw import draw as draw_for_telegram
from core.dialogue.service import MessageView
from tests.support import webchat_rules
from tests.support.line_rules import pressable, said
from tests.support.line_rules import violations as line_violations
from tests.support.telegram_rules import CAPTION, TEXT, check_fields, check_keyboard, formatted


def _ours(history: Sequence[MessageView]) -> Iterator[MessageView]:
    return (message for message in history if message.author != "member")


def in_line(history: Sequence[MessageView]) -> Iterator[str]:
    """LINE's schema first; then the words, what can be pressed, and what is read aloud."""
    for message in _ours(history):
        drawn = draw_for_line(message.body)
        assert line_violations("PushMessageRequest", {"to": "U1", "messages": drawn}) == []
        for part in drawn:
            labels = " / ".join(label.replace("\n", " ") for label in pressable(part))
            yield f"### {part['type']}\n{said(part)}\n[{labels}]\n({part.get('altText', '')})\n"


def in_telegram(history: Sequence[MessageView]) -> Iterator[str]:
    """The HTML as Telegram reads it, and the rows of the keyboard."""
    for message in _ours(history):
        for part in draw_for_telegram(message.body, public_url="https://madoguchi.example.jp"):
            markup = part.keyboard.to_dict() if part.keyboard else None
            _judge_telegram(part, markup)
            rows = (markup or {}).get("inline_keyboard", [])
            keys = "\n".join(" ".join(f"<{button['text']}>" for button in row) for row in rows)
            file = f"📎 {part.file['name']}\n" if part.file else ""
            yield f"### {message.author}\n{file}{part.html}\n{keys}\n"


def _judge_telegram(part: Part, markup: dict[str, Any] | None) -> None:
    name, limit = ("caption", CAPTION) if part.file else ("text", TEXT)
    call: dict[str, Any] = {"chat_id": 1, name: part.html, "parse_mode": "HTML"}
    call |= {"reply_markup": markup} if markup else {}
    if not part.file:
        assert check_fields("sendMessage", call) == []
    formatted(call, name, limit)
    check_keyboard(markup)


def in_webchat(history: Sequence[MessageView]) -> Iterator[str]:
    """What the page draws of the body it receives, element by element."""
    for message in _ours(history):
        assert webchat_rules.violations(message.body) == []
        name = f" {message.author_name}" if message.author_name else ""
        edited = " edited" if message.author == "staff" and message.edited_at else ""
        yield "\n".join((f"### {message.author}{name}{edited}", *_elements(message.body), ""))


def _elements(body: dict[str, Any]) -> Iterator[str]:
    if body["text"]:
        yield body["text"]
    for card in body.get("cards", ()):
        yield f"card {card['tone'] or 'plain'}: {card['title']} [{card['badge']}]"
        yield from (f"  {label} | {value}" for label, value in card["rows"])
        if card["note"]:
            yield f"  ({card['note']})"
    if checks := body.get("checks"):
        yield from (f"checkbox{' on' if i['checked'] else ''}: {i['label']} ({i['hint']})" for i in checks["items"])
        yield f"submit: {checks['submit']['label']}"
    if pick := body.get("date"):
        yield f"date: {pick['label']} {pick['min']}..{pick['max']}"
        yield f"submit: {pick['submit']['label']}"
    if body.get("upload"):
        yield "file chooser"
    for row in body.get("buttons", ()):
        yield " ".join(f"{'link' if 'url' in b else 'button'} {b['style']}: {b['label']};" for b in row)
    yield from (f"file: {file['name']} {file['mime']} {file['size_bytes']}" for file in body.get("files", ()))


DRAWN: dict[str, Callable[[Sequence[MessageView]], Iterator[str]]] = {
    "line": in_line,
    "telegram": in_telegram,
    "webchat": in_webchat,
}
