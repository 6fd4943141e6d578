"""What the bot shows, before any channel draws it: text, cards, buttons, a check-mark list, a date picker, files.

A `Screen` is plain data. `render` turns it into its public form (stored with the message and given to channels; it holds
labels and opaque handles) and the list of what each handle does, which never leaves the database.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

Style = Literal["normal", "primary", "danger", "quiet"]
Tone = Literal["plain", "good", "warn", "bad"]


@dataclass(frozen=True, slots=True)
class Button:
    """A thing to press. `action` names a handler, `args` its arguments; a `url` button opens a page instead."""

    label: str
    action: str = ""
    args: Mapping[str, Any] = field(default_factory=dict)
    style: Style = "normal"
    url: str = ""


def answer(label: str, value: Any, *, primary: bool = False) -> Button:
    """A button that answers the present step of a form; the form's engine adds its run and revision."""
    return Button(label, "form.answer", {"value": value}, style="primary" if primary else "normal")


@dataclass(frozen=True, slots=True)
class Card:
    """A titled table of facts: a contract, an invoice, bank details."""

    title: str
    rows: tuple[tuple[str, str], ...] = ()
    badge: str = ""
    tone: Tone = "plain"
    note: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One line of a check-mark list."""

    value: str
    label: str
    hint: str = ""
    checked: bool = False


@dataclass(frozen=True, slots=True)
class Checks:
    """A list to tick and a button to go on. Channels without such a list toggle line by line with `toggle`."""

    items: tuple[Check, ...]
    submit: Button
    toggle: str = "form.toggle"


@dataclass(frozen=True, slots=True)
class DatePick:
    """A calendar; channels without one let the person type the day."""

    label: str
    button: Button
    earliest: date | None = None
    latest: date | None = None
    value: date | None = None


@dataclass(frozen=True, slots=True)
class ScreenFile:
    """A file shown or offered; channels fetch it from the store by id."""

    file_id: int
    name: str
    mime: str
    size_bytes: int
    token: str


@dataclass(frozen=True, slots=True)
class Screen:
    """One bubble of the bot. Text is plain: no markup survives from member data, channels escape it."""

    text: str
    cards: tuple[Card, ...] = ()
    buttons: tuple[tuple[Button, ...], ...] = ()  # rows
    checks: Checks | None = None
    date: DatePick | None = None
    files: tuple[ScreenFile, ...] = ()
    upload: bool = False  # a file is welcome as the answer
    toast: str = ""
    kind: str = "reply"  # outbox kind: decides what happens when a send's outcome is unknown
    fresh: bool = False  # never drawn over an older bubble, even where the channel can


@dataclass(frozen=True, slots=True)
class Rendered:
    """A screen ready to be stored: public body, and what its handles do (index → [action, args])."""

    body: dict[str, Any]
    actions: list[list[Any]]


_HANDLE = re.compile(r"([0-9a-z]{1,12})\.([0-9]{1,3})\.([0-9a-z]{4,12})", re.ASCII)
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def make_handle(seq: int, index: int, key: str) -> str:
    """At most 30 bytes (Telegram allows 64): which message, which button, and a secret of the message."""
    digits = ""
    while seq:
        seq, rest = divmod(seq, 36)
        digits = _DIGITS[rest] + digits
    return f"{digits or '0'}.{index}.{key}"


def read_handle(handle: str) -> tuple[int, int, str] | None:
    """Back to (seq, index, key); None for anything that is no handle of ours."""
    match = _HANDLE.fullmatch(handle)
    return (int(match[1], 36), int(match[2]), match[3]) if match else None


def with_handles(body: Mapping[str, Any], *, seq: int, key: str) -> dict[str, Any]:
    """A stored body as message `seq` of another chat: its handles lead there, to the same acts."""

    def again(part: Any, name: str = "") -> Any:
        if isinstance(part, dict):
            return {key_: again(value, key_) for key_, value in part.items()}
        if isinstance(part, list):
            return [again(item) for item in part]
        found = read_handle(part) if name in ("handle", "toggle") else None
        return part if found is None else make_handle(seq, found[1], key)

    return {name: again(value, name) for name, value in body.items()}


def render(screen: Screen, *, seq: int, key: str) -> Rendered:
    """The stored form of a screen as message `seq`; `key` is the message's secret."""
    actions: list[list[Any]] = []

    def handle(action: str, args: Mapping[str, Any]) -> str:
        actions.append([action, dict(args)])
        return make_handle(seq, len(actions) - 1, key)

    def button(item: Button) -> dict[str, Any]:
        target = {"url": item.url} if item.url else {"handle": handle(item.action, item.args)}
        return {"label": item.label, "style": item.style, **target}

    body: dict[str, Any] = {"v": 1, "text": screen.text}
    if screen.cards:
        body["cards"] = [
            {"title": c.title, "rows": [list(row) for row in c.rows], "badge": c.badge, "tone": c.tone, "note": c.note}
            for c in screen.cards
        ]
    if screen.checks:
        args = screen.checks.submit.args
        body["checks"] = {
            "items": [
                {
                    "value": item.value,
                    "label": item.label,
                    "hint": item.hint,
                    "checked": item.checked,
                    "toggle": handle(screen.checks.toggle, {**args, "value": item.value}),
                }
                for item in screen.checks.items
            ],
            "submit": button(screen.checks.submit),
        }
    if screen.date:
        pick = screen.date
        body["date"] = {
            "label": pick.label,
            "submit": button(pick.button),
            "min": pick.earliest.isoformat() if pick.earliest else None,
            "max": pick.latest.isoformat() if pick.latest else None,
            "value": pick.value.isoformat() if pick.value else None,
        }
    if screen.buttons:
        body["buttons"] = [[button(item) for item in row] for row in screen.buttons]
    if screen.files:
        body["files"] = [
            {"file_id": str(f.file_id), "name": f.name, "mime": f.mime, "size_bytes": f.size_bytes, "token": f.token}
            for f in screen.files
        ]
    if screen.upload:
        body["upload"] = True
    return Rendered(body, actions)
