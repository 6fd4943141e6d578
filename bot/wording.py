"""The words of the bot: files by language and topic, in the operator's own words where they changed them.

Texts are format strings with three formats of our own: `{day:date}` 2026年11月22日(日), `{total:yen}` 13,200円,
`{at:time}` 11月22日(日) 14:05. An English text may have `key.one` beside `key` for a count of one (`n`).
"""

import re
import string
import tomllib
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from core.clock import JST

LANGUAGES = ("ja", "en")
LOCALES = Path(__file__).parent / "locales"
_WEEKDAYS_JA = "月火水木金土日"


def show_date(day: date, language: str) -> str:
    """2026年11月22日(日), or "Sun, Nov 22, 2026"."""
    if language == "ja":
        return f"{day.year}年{day.month}月{day.day}日({_WEEKDAYS_JA[day.weekday()]})"
    return f"{day:%a, %b} {day.day}, {day.year}"


def show_time(at: datetime, language: str) -> str:
    """11月22日(日) 14:05 in Japan, or "Sun, Nov 22, 14:05"."""
    local = at.astimezone(JST)
    if language == "ja":
        return f"{local.month}月{local.day}日({_WEEKDAYS_JA[local.weekday()]}) {local:%H:%M}"
    return f"{local:%a, %b} {local.day}, {local:%H:%M}"


def show_yen(amount_yen: int, language: str) -> str:
    """13,200円, or "¥13,200"."""
    sign = "-" if amount_yen < 0 else ""
    return f"{sign}{abs(amount_yen):,}円" if language == "ja" else f"{sign}¥{abs(amount_yen):,}"


class _Formatter(string.Formatter):
    def __init__(self, language: str) -> None:
        self.language = language

    def format_field(self, value: Any, format_spec: str) -> str:
        if format_spec == "date":
            return show_date(value, self.language)
        if format_spec == "time":
            return show_time(value, self.language)
        if format_spec == "yen":
            return show_yen(value, self.language)
        return str(super().format_field(value, format_spec))


@cache
def texts(language: str) -> Mapping[str, str]:
    """All texts of a language, "topic.key" → text; a topic is a file."""
    found: dict[str, str] = {}
    for path in sorted((LOCALES / language).glob("*.toml")):
        for key, text in _flat(tomllib.loads(path.read_text("utf-8"))):
            found[f"{path.stem}.{key}"] = text
    return found


def _flat(table: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for key, value in table.items():
        if isinstance(value, str):
            rows.append((prefix + key, value))
        else:
            rows.extend(_flat(value, f"{prefix}{key}."))
    return rows


_HIRAGANA = re.compile("[ぁ-ゖ]")
_ENGLISH_WORD = re.compile(r"[A-Za-z']+")
_ENGLISH_GLUE = re.compile(r"the|a|my|i|is|are|how|when|what|where|please|want|would|can|do|does|to|for|of|you")


def written_in(text: str) -> str:
    """The language a sentence is plainly written in (ja, en), or nothing: names, addresses and numbers tell none.

    Hiragana, because a payer's name is katakana or kanji in either language; English by the small words between names.
    """
    if len(_HIRAGANA.findall(text)) >= 2:
        return "ja"
    words = [word.casefold() for word in _ENGLISH_WORD.findall(text)] if text.isascii() else []
    return "en" if len(words) >= 3 and sum(_ENGLISH_GLUE.fullmatch(word) is not None for word in words) >= 2 else ""


class Wording:
    """Texts of one language for one conversation: `w("renew.term_question", label="example.jp")`."""

    def __init__(self, language: str, overrides: Mapping[str, str] | None = None) -> None:
        self.language = language
        self._overrides = overrides or {}
        self._texts = texts(language)
        self._formatter = _Formatter(language)

    def __call__(self, key: str, /, **values: Any) -> str:
        """The text of `key` with its values; an unknown key is a programming error."""
        if values.get("n") == 1 and f"{key}.one" in self._texts:
            key = f"{key}.one"
        text = self._overrides.get(key) or self._texts[key]
        return self._formatter.vformat(text, (), values)

    def has(self, key: str) -> bool:
        """Whether there is such a text."""
        return key in self._texts

    def join(self, items: Iterable[str]) -> str:
        """Several names in a row: 「、」 between them, or a comma."""
        return ("、" if self.language == "ja" else ", ").join(items)

    def date(self, day: date) -> str:
        """A day as people write it."""
        return show_date(day, self.language)

    def time(self, at: datetime) -> str:
        """An instant as people in Japan write it."""
        return show_time(at, self.language)

    def yen(self, amount_yen: int) -> str:
        """An amount as people write it."""
        return show_yen(amount_yen, self.language)
