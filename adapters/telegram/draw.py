"""A screen's public body (`bot.screens.model.Rendered.body`) → the Telegram messages that show it.

Cards are a bold title and lines, check lists are rows of "☐/☑" buttons that toggle, a date picker is a hint to type the day.
"""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

from telegram import InlineKeyboardButton, InlineKeyboardMarkup
from telegram.constants import FileSizeLimit, InlineKeyboardButtonLimit, InlineKeyboardMarkupLimit, KeyboardButtonStyle

from adapters.telegram.request import is_loopback
from adapters.telegram.text import CAPTION_UNITS, Run, Runs, clean, split_runs, to_html, to_plain, units
from core.errors import InvariantBroken, PermanentError

MAX_ROW = int(InlineKeyboardMarkupLimit.BUTTONS_PER_ROW)
MAX_BUTTONS = int(InlineKeyboardMarkupLimit.TOTAL_BUTTON_NUMBER)
MAX_DATA_BYTES = int(InlineKeyboardButtonLimit.MAX_CALLBACK_DATA)
ROW_COLUMNS = 32  # half-width characters that a phone shows in one row of buttons; wider rows go below
PHOTO_BYTES = int(FileSizeLimit.PHOTOSIZE_UPLOAD)
_PHOTOS = frozenset({"image/jpeg", "image/png", "image/webp"})
_STYLES = {"primary": KeyboardButtonStyle.PRIMARY.value, "danger": KeyboardButtonStyle.DANGER.value}
_MARKS = {"good": "✅ ", "warn": "⚠️ ", "bad": "❗ "}
_NOTHING_SAID = "▼"  # a keyboard or a date needs a text to hang on


@dataclass(frozen=True, slots=True)
class Part:
    """One Telegram message: text, or a file with a caption; the keyboard is on the last one."""

    runs: Runs = ()
    keyboard: InlineKeyboardMarkup | None = None
    file: Mapping[str, Any] | None = None  # an entry of the body's `files`

    @property
    def html(self) -> str:
        """Text or caption as HTML."""
        return to_html(self.runs)

    @property
    def plain(self) -> str:
        """Text or caption without markup, for when Telegram cannot read ours."""
        return to_plain(self.runs)

    @property
    def is_photo(self) -> bool:
        """Whether the file may be shown as a picture."""
        return bool(
            self.file and self.file["mime"] in _PHOTOS and 0 < int(self.file.get("size_bytes") or 0) <= PHOTO_BYTES
        )


def draw(body: Mapping[str, Any], *, public_url: str = "") -> list[Part]:
    """All messages of one bubble, in their order: files, then the text in parts, the keyboard on the last.

    Errors: PermanentError for more buttons than Telegram shows; InvariantBroken for a handle of more than 64 bytes.
    """
    rows = list(_rows(body, public_url))
    keyboard = _keyboard([_stack(row) for row in rows if row])
    runs = _runs(body, list(_unlinkable(body, public_url)))
    files = list(body.get("files") or ())
    if len(files) == 1 and units(to_plain(runs)) <= CAPTION_UNITS:
        caption = split_runs(runs)
        return [Part(caption[0] if caption else (), keyboard, files[0])]
    texts = split_runs(runs) or ([(Run(_NOTHING_SAID),)] if keyboard or not files else [])
    parts = [Part(file=file) for file in files] + [Part(text) for text in texts]
    parts[-1] = Part(parts[-1].runs, keyboard, parts[-1].file)
    return parts


def _runs(body: Mapping[str, Any], links: Sequence[str]) -> list[Run]:
    """The text of a bubble with everything that Telegram has no own element for."""
    blocks: list[list[Run]] = []
    if body.get("author") == "staff":
        name = clean(str(body.get("author_name") or ""))
        label = f"Staff {name}:" if body.get("language") == "en" else f"担当 {name}："
        blocks.append([Run(label.replace(" ：", "：").replace(" :", ":"), bold=True), Run("\n")])
    text = clean(str(body.get("text") or ""))
    if text:
        blocks.append([Run(text)])
    blocks.extend(_card(card) for card in body.get("cards") or ())
    hints = [f"・{item['label']}{_colon(item['label'])}{item['hint']}" for item in _items(body) if item.get("hint")]
    if hints:
        blocks.append([Run(clean("\n".join(hints)))])
    if body.get("date"):
        blocks.append([Run(clean(str(body["date"]["label"])))])
    if links:
        blocks.append([Run(clean("\n".join(links)))])
    runs: list[Run] = []
    for block in blocks:
        if runs and runs[-1].text != "\n":
            runs.append(Run("\n\n"))
        runs.extend(block)
    return runs


def _card(card: Mapping[str, Any]) -> list[Run]:
    runs = [Run(clean(str(card["title"])), bold=True)]
    if card.get("badge"):
        runs.append(Run(f"  {_MARKS.get(card.get('tone', ''), '')}{clean(str(card['badge']))}"))
    runs.extend(
        Run(f"\n{clean(str(label))}{_colon(str(label))}{clean(str(value))}") for label, value in card.get("rows") or ()
    )
    if card.get("note"):
        runs.append(Run(f"\n{clean(str(card['note']))}"))
    return runs


def _colon(label: str) -> str:
    return ": " if label.isascii() else "："


def _items(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list((body.get("checks") or {}).get("items", ()))


def _rows(body: Mapping[str, Any], public_url: str) -> Iterator[list[InlineKeyboardButton]]:
    for item in _items(body):
        mark = "☑" if item.get("checked") else "☐"
        yield [_button({"label": f"{mark} {item['label']}", "handle": item["toggle"]}, "")]
    if body.get("checks"):
        yield [_button(body["checks"]["submit"], public_url)]
    for row in body.get("buttons") or ():
        yield [_button(button, public_url) for button in row if not _is_unlinkable(button, public_url)]


def _button(button: Mapping[str, Any], public_url: str) -> InlineKeyboardButton:
    label = clean(str(button["label"])).strip() or "…"
    style = _STYLES.get(button.get("style", "normal"))
    if button.get("url"):
        return InlineKeyboardButton(label, url=urljoin(public_url, button["url"]), style=style)
    data = str(button["handle"])
    if not 1 <= len(data.encode()) <= MAX_DATA_BYTES:
        raise InvariantBroken(f"a button's handle has {len(data.encode())} bytes, Telegram takes {MAX_DATA_BYTES}")
    return InlineKeyboardButton(label, callback_data=data, style=style)


def _is_unlinkable(button: Mapping[str, Any], public_url: str) -> bool:
    """Telegram refuses a whole message for a button to this machine: such a link becomes a line of text."""
    if not button.get("url"):
        return False
    url = urljoin(public_url, button["url"])
    return not url.startswith(("https://", "http://", "tg://")) or is_loopback(url)


def _unlinkable(body: Mapping[str, Any], public_url: str) -> Iterator[str]:
    for row in body.get("buttons") or ():
        for button in row:
            if _is_unlinkable(button, public_url):
                yield f"{button['label']}{_colon(button['label'])}{urljoin(public_url, button['url'])}"


def _stack(row: list[InlineKeyboardButton]) -> list[list[InlineKeyboardButton]]:
    """A row as a phone can show it, no label cut off: as many side by side as fit, at most eight, the rest below."""
    beside = max(1, min(MAX_ROW, ROW_COLUMNS // max(_columns(button.text) for button in row)))
    return [row[start : start + beside] for start in range(0, len(row), beside)]


def _columns(label: str) -> int:
    return max(1, sum(2 if unicodedata.east_asian_width(char) in "WFA" else 1 for char in label))


def _keyboard(stacked: list[list[list[InlineKeyboardButton]]]) -> InlineKeyboardMarkup | None:
    rows = [row for rows in stacked for row in rows]
    if sum(map(len, rows)) > MAX_BUTTONS:
        raise PermanentError(f"a screen has more than {MAX_BUTTONS} buttons")
    return InlineKeyboardMarkup(rows) if rows else None
