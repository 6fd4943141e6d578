"""A screen's public body (`bot.screens.model.Rendered.body`) → LINE messages: text bubbles, or Flex where there is more.

One screen is one Flex bubble as far as it fits: text, cards as tables, ticks as rows, buttons below. Buttons are boxes with
wrapping text, so that no label is cut off; they stay pressable, unlike quick replies, which vanish with the next message.
Source: https://developers.line.biz/en/docs/messaging-api/flex-message-elements/
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urljoin, urlsplit

import orjson

from adapters.line.text import ALT_UNITS, TEXT_UNITS, clean, shorten, split, units
from core.errors import InvariantBroken

Json = dict[str, Any]
FileUrl = Callable[[Mapping[str, Any]], str]

MAX_DATA = 300
FLEX_TEXT_UNITS = 1_500  # longer words go before the bubble as plain text
BUBBLE_BYTES = 20_000  # LINE refuses 30 KB
LABEL_UNITS = 20  # of an action, read aloud by screen readers; what is seen is the box's own text
SHOWN_AS_PICTURE = frozenset({"image/jpeg", "image/png"})
PREVIEW_BYTES = 1_000_000  # LINE's limit for a preview: larger pictures are a link
_COLORS = {"good": "#0a7a3c", "warn": "#8a5a00", "bad": "#b3261e", "plain": "#555555"}
_STYLE = {
    "primary": ("#0b6b4f", "#ffffff"),
    "danger": ("#b3261e", "#ffffff"),
    "quiet": ("#ffffff", "#444444"),
    "normal": ("#e8f3ef", "#0b4a38"),
}


def draw(body: Mapping[str, Any], *, public_url: str = "", file_url: FileUrl | None = None) -> list[Json]:
    """All messages of one screen in their order. Errors: InvariantBroken for a handle of more than 300 characters."""
    text = clean(str(body.get("text") or ""))
    if body.get("author") == "staff":
        name = clean(str(body.get("author_name") or ""))
        label = f"Staff {name}:" if body.get("language") == "en" else f"担当 {name}："
        text = f"{label}\n{text}".replace(" ：", "：").replace("Staff :", "Staff:")
    files = [message for file in body.get("files") or () for message in _file(file, file_url)]
    blocks = [_card(card) for card in body.get("cards") or ()]
    buttons = _buttons(body, public_url)
    if not blocks and not buttons:
        return [*_texts(text), *files] or [_text("…")]
    messages: list[Json] = []
    if units(text) > FLEX_TEXT_UNITS:
        messages, text = _texts(text), ""
    head = [_words(part) for part in ([text] if text else [])]
    if body.get("date"):
        head.append(_words(clean(str(body["date"]["label"]))))
    return [*messages, *files, *_bubbles(head, blocks, buttons, _alt(body, text))]


def _texts(text: str) -> list[Json]:
    return [_text(part) for part in split(text, TEXT_UNITS)] if text.strip() else []


def _text(text: str) -> Json:
    return {"type": "text", "text": text}


def _words(text: str, **more: Any) -> Json:
    return {"type": "text", "text": text or " ", "wrap": True, "size": "md", "color": "#111111", **more}


def _card(card: Mapping[str, Any]) -> Json:
    title: list[Json] = [_words(clean(str(card["title"])), weight="bold", flex=3)]
    if card.get("badge"):
        color = _COLORS.get(str(card.get("tone")), _COLORS["plain"])
        title.append(_words(clean(str(card["badge"])), size="sm", color=color, align="end", flex=2, weight="bold"))
    rows: list[Json] = [{"type": "box", "layout": "horizontal", "contents": title, "spacing": "sm"}]
    rows.extend(
        {
            "type": "box",
            "layout": "horizontal",
            "spacing": "sm",
            "contents": [
                _words(clean(str(label)), size="sm", color="#555555", flex=2),
                _words(clean(str(value)), size="sm", flex=3),
            ],
        }
        for label, value in card.get("rows") or ()
    )
    if card.get("note"):
        rows.append(_words(clean(str(card["note"])), size="sm", color="#555555"))
    return {
        "type": "box",
        "layout": "vertical",
        "contents": rows,
        "spacing": "sm",
        "margin": "md",
        "paddingAll": "12px",
        "cornerRadius": "8px",
        "backgroundColor": "#f5f5f5",
    }


def _buttons(body: Mapping[str, Any], public_url: str) -> list[Json]:
    found: list[Json] = []
    checks = body.get("checks") or {}
    for item in checks.get("items", ()):
        mark = "☑" if item.get("checked") else "☐"
        label = f"{mark} {item['label']}" + (f"\n　{item['hint']}" if item.get("hint") else "")
        found.append(
            _pressable(label, _postback(item["toggle"], f"{mark} {item['label']}", echo=False), "quiet", "start")
        )
    if checks:
        found.append(_button(checks["submit"], public_url))
    if body.get("date"):
        found.append(_date(body["date"]))
    found.extend(_button(button, public_url) for row in body.get("buttons") or () for button in row)
    return found


def _button(button: Mapping[str, Any], public_url: str) -> Json:
    label = clean(str(button["label"])).strip() or "…"
    style = str(button.get("style", "normal"))
    if button.get("url"):
        url = urljoin(public_url, str(button["url"]))
        if urlsplit(url).scheme not in ("http", "https", "tel", "line"):
            return _words(f"{label}：{url}", size="sm")
        return _pressable(label, {"type": "uri", "label": shorten(label, LABEL_UNITS), "uri": url}, style)
    return _pressable(label, _postback(button["handle"], label), style)


def _postback(handle: Any, label: str, *, echo: bool = True) -> Json:
    data = str(handle)
    if not 1 <= len(data) <= MAX_DATA:
        raise InvariantBroken(f"a button's handle has {len(data)} characters, LINE takes {MAX_DATA}")
    action: Json = {"type": "postback", "label": shorten(label, LABEL_UNITS), "data": data}
    return {**action, "displayText": shorten(label, MAX_DATA)} if echo else action


def _date(pick: Mapping[str, Any]) -> Json:
    submit = pick["submit"]
    label = clean(str(submit["label"])).strip() or "…"
    action: Json = {
        "type": "datetimepicker",
        "label": shorten(label, LABEL_UNITS),
        "data": str(submit["handle"]),
        "mode": "date",
    }
    action |= {
        name: pick[ours] for name, ours in (("initial", "value"), ("min", "min"), ("max", "max")) if pick.get(ours)
    }
    return _pressable(f"📅 {label}", action, "normal")


def _pressable(label: str, action: Json, style: str, align: str = "center") -> Json:
    """A box that looks like a button, at least 44 px high, whatever the length of its words."""
    fill, ink = _STYLE.get(style, _STYLE["normal"])
    return {
        "type": "box",
        "layout": "vertical",
        "action": action,
        "backgroundColor": fill,
        "borderColor": "#c9d6d1",
        "borderWidth": "1px",
        "cornerRadius": "8px",
        "paddingAll": "12px",
        "margin": "sm",
        "contents": [_words(label, color=ink, align=align, weight="bold" if style == "primary" else "regular")],
    }


def _bubbles(head: list[Json], blocks: list[Json], buttons: list[Json], alt: str) -> list[Json]:
    """As many bubbles as the size asks for, one below the other; the buttons are in the last ones."""
    pages: list[list[Json]] = [[]]
    size = 0
    for item in [*head, *blocks, *buttons]:
        weight = len(orjson.dumps(item))
        if pages[-1] and size + weight > BUBBLE_BYTES:
            pages.append([])
            size = 0
        pages[-1].append(item)
        size += weight
    return [
        {
            "type": "flex",
            "altText": alt,
            "contents": {
                "type": "bubble",
                "size": "mega",
                "body": {"type": "box", "layout": "vertical", "contents": page, "spacing": "sm"},
            },
        }
        for page in pages
    ]


def _alt(body: Mapping[str, Any], text: str) -> str:
    """What the list of chats, a notification and a screen reader say: the content, not "a message"."""
    lines: list[str] = [text] if text else []
    for card in body.get("cards") or ():
        rows = " ".join(f"{label}：{value}" for label, value in card.get("rows") or ())
        lines.append(f"{card['title']} {card.get('badge') or ''} {rows}".strip())
    lines.extend(str(item["label"]) for item in (body.get("checks") or {}).get("items", ()))
    return shorten(clean("\n".join(lines)).strip() or "…", ALT_UNITS)


def _file(file: Mapping[str, Any], file_url: FileUrl | None) -> Sequence[Json]:
    """A picture where LINE can show it (https, within its limits), else a button to a link that ends by itself."""
    name = clean(str(file.get("name") or "file"))
    url = file_url(file) if file_url else ""
    if not url:
        return [_text(f"📎 {name}")]
    small = 0 < int(file.get("size_bytes") or 0) <= PREVIEW_BYTES
    if url.startswith("https://") and file.get("mime") in SHOWN_AS_PICTURE and small:
        return [{"type": "image", "originalContentUrl": url, "previewImageUrl": url}]
    action = {"type": "uri", "label": shorten(name, LABEL_UNITS), "uri": url}
    return _bubbles([], [], [_pressable(f"📎 {name}", action, "normal")], shorten(f"📎 {name}", ALT_UNITS))
