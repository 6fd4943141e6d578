"""The words of the desk: `texts/ja.toml` and `texts/en.toml`, flat keys, the same in both."""

import tomllib
from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from bot.wording import show_date, show_yen

LANGUAGES = ("ja", "en")
FOLDER = Path(__file__).parent / "texts"


@cache
def load_texts(language: str) -> Mapping[str, str]:
    """All texts of a language, "page.key" → text."""
    tables = tomllib.loads((FOLDER / f"{language}.toml").read_text("utf-8"))
    return {f"{table}.{key}": text for table, texts in tables.items() for key, text in texts.items()}


def list_codes(table: str) -> list[str]:
    """All codes of a table of words, as the file orders them."""
    return [key.removeprefix(f"{table}.") for key in load_texts(LANGUAGES[0]) if key.startswith(f"{table}.")]


class Texts:
    """Texts for one page: `t("inbox.title")`, `t("inbox.waiting", n=3)`."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._texts = load_texts(language)

    def __call__(self, key: str, /, **values: Any) -> str:
        """The text of a key with its values; an unknown key is a programming error."""
        return self._texts[key].format(**values) if values else self._texts[key]

    def name(self, table: str, code: object) -> str:
        """The word for a code of the database; the code itself when it is younger than the words."""
        return self._texts.get(f"{table}.{code}", str(code))

    def done(self, code: str) -> str:
        """What an act has done; the address may be anybody's, so unknown codes are never repeated."""
        return self._texts.get(f"done.{code}", self._texts["done.ok"])

    def error(self, code: str, data: Mapping[str, object]) -> str:
        """A refusal in plain words; one that has no words of its own still says what to do."""
        text = self._texts.get(f"error.{code}")
        if text is None:
            return self._texts["error.other"].format(code=code)
        try:
            return text.format(**{name: self._shown(name, value) for name, value in data.items()})
        except (KeyError, IndexError):
            return self._texts["error.other"].format(code=code)

    def _shown(self, name: str, value: object) -> object:
        if isinstance(value, date):
            return show_date(value, self.language)
        if isinstance(value, int) and name.endswith("_yen"):
            return show_yen(value, self.language)
        return value
