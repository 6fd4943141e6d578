"""The words of the Slack desk: `wording/ja.toml` and `wording/en.toml`, flat keys, the same in both."""

import tomllib
from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from bot.wording import show_date, show_time, show_yen

FOLDER = Path(__file__).parent / "wording"


@cache
def load_words(language: str) -> Mapping[str, str]:
    """All texts of a language, "card.title" → text."""
    tables = tomllib.loads((FOLDER / f"{language}.toml").read_text("utf-8"))
    return {f"{table}.{key}": text for table, texts in tables.items() for key, text in texts.items()}


class Words:
    """Texts of one language: `w("card.unread", n=3)`. Days, instants and `…_yen` are written as people read them."""

    def __init__(self, language: str) -> None:
        self.language = "en" if language == "en" else "ja"
        self._texts = load_words(self.language)

    def __call__(self, key: str, /, **values: Any) -> str:
        """The text of a key with its values; an unknown key is a programming error."""
        return self._texts[key].format(**{name: self._shown(name, value) for name, value in values.items()})

    def name(self, table: str, code: str) -> str:
        """The word for a code of the database; the code itself when it is younger than the words."""
        return self._texts.get(f"{table}.{code}", code)

    def error(self, code: str, data: Mapping[str, object]) -> str:
        """A refusal in plain words; one that has none of its own is named by its code."""
        try:
            return self(f"error.{code}", **data)
        except (KeyError, IndexError):
            return self("error.other", code=code)

    def _shown(self, name: str, value: object) -> object:
        if isinstance(value, datetime):
            return show_time(value, self.language)
        if isinstance(value, date):
            return show_date(value, self.language)
        if isinstance(value, int) and name.endswith("_yen"):
            return show_yen(value, self.language)
        return value
