"""Why a profile is refused, in words its author understands: Japanese, and English beside it."""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from core.profiles.shapes import Part


class Reason(NamedTuple):
    """The same reason in both languages."""

    ja: str
    en: str


_TYPES: Mapping[str, Reason] = {
    "missing": Reason("この項目は必須ですが、書かれていません", "this key is required but missing"),
    "string_type": Reason('文字列を引用符で囲んで指定してください（例: "…"）', 'must be a text in quotes ("…")'),
    "bool_type": Reason("true か false で指定してください", "must be true or false"),
    "tuple_type": Reason("角かっこで囲んだ並びで指定してください（例: [ … ]）", "must be a list ([ … ])"),
    "too_short": Reason("一つ以上必要です", "at least one entry is needed"),
    "date_type": Reason("日付は引用符なしで 2026-04-01 のように指定してください", "must be a date such as 2026-04-01"),
    "model_type": Reason("ここは値ではなく表（[…] または { … }）にしてください", "must be a table, not a value"),
    "dict_type": Reason("ここは値ではなく表（[…] または { … }）にしてください", "must be a table, not a value"),
}

_SYNTAX: tuple[tuple[str, Reason], ...] = (
    ("Cannot overwrite a value", Reason("同じ項目が二度書かれています", "this key is written twice")),
    ("Cannot declare", Reason("同じ表（[…]）が二度書かれています", "this table is declared twice")),
    (
        "Cannot mutate immutable",
        Reason("{ … } や [ … ] で書いた値には、後から項目を足せません", "an inline value cannot be added to later"),
    ),
    ("Unclosed array", Reason("角かっこ「]」が閉じていません", "an array is not closed")),
    ("Unclosed inline table", Reason("波かっこ「}」が閉じていません", "an inline table is not closed")),
    ("Unterminated string", Reason("引用符が閉じていません", "a text in quotes is not closed")),
    ('Expected "', Reason("引用符が閉じていません", "a text in quotes is not closed")),
    (
        "Illegal character",
        Reason("引用符が閉じていないか、使えない文字があります", "unclosed quotes or illegal character"),
    ),
    (
        "Expected newline or end of document",
        Reason(
            "値の後に余分なものがあります（数字を0で始めていないか、改行を忘れていないか確かめてください）",
            "something follows the value (a number with a leading zero? a missing line break?)",
        ),
    ),
    ("Expected '=' after a key", Reason("項目名の後に「=」がありません", "'=' is missing after the key")),
    ("Expected ']", Reason("表の見出しの「]」が閉じていません", "the table header is not closed")),
    (
        "Invalid value",
        Reason(
            "値の書き方に誤りがあります（文字は引用符で囲み、数字は半角で書いてください）",
            "this is not a value (texts need quotes, digits must be half-width)",
        ),
    ),
    ("Invalid date", Reason("この日付はありません", "there is no such date")),
    (
        "Invalid statement",
        Reason(
            "項目名の書き方に誤りがあります（半角英数字・「-」「_」を使ってください）",
            "this is not a key (letters, digits, '-' and '_')",
        ),
    ),
)


def syntax_reason(message: str) -> tuple[Reason, int | None, int | None]:
    """The reason, line and column of a tomllib message; line and column are None where it says "at end of document"."""
    place = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)$", message)
    bare = message[: place.start()] if place else message
    line, column = (int(place[1]), int(place[2])) if place and place[1] else (None, None)
    for start, reason in (*_SYNTAX, ("Expected '", Reason("引用符が閉じていません", "a text in quotes is not closed"))):
        if bare.startswith(start):
            return reason, line, column
    return Reason(f"TOMLの書き方に誤りがあります（{bare}）", f"invalid TOML: {bare}"), line, column


def type_reason(error: ErrorDetails) -> Reason:
    """The reason of one pydantic error: our own words where a check raised it, else those for its type."""
    context = error.get("ctx", {})
    if error["type"] == "profile":
        return Reason(context["ja"], context["en"])
    if error["type"] in ("literal_error", "enum"):
        choices = context["expected"]
        listed = re.sub(r" or ", ", ", choices)
        return Reason(f"次のどれかにしてください: {listed}", f"must be {choices}")
    return _TYPES.get(error["type"]) or Reason(f"指定できない値です（{error['msg']}）", error["msg"])


def unknown_reason(key: str, known: Iterable[str]) -> tuple[Reason, str | None]:
    """The reason for a key nobody knows, and the key that was probably meant."""
    near = difflib.get_close_matches(key, list(known), n=1, cutoff=0.6)
    if not near:
        return Reason(f"「{key}」という項目はありません", f"there is no key '{key}'"), None
    return (
        Reason(
            f"「{key}」という項目はありません。「{near[0]}」ではありませんか？",
            f"there is no key '{key}'; did you mean '{near[0]}'?",
        ),
        near[0],
    )


def known_keys(model: type[BaseModel], path: tuple[str | int, ...]) -> list[str]:
    """The keys that may stand in the table at `path` of the model."""
    for part in path:
        if isinstance(part, str):
            field = model.model_fields.get(part)
            found = next(_models_in(field.annotation), None) if field else None
            if found is None:
                return []
            model = found
    return list(model.model_fields)


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, Part):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)
