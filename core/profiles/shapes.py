"""The small types a profile is built from, each with a refusal in plain words.

Every check that can fail says why in Japanese and English: an operator who edits the file reads these sentences, not
pydantic's. Checks that look at several fields collect all their findings, each with its own place, so that one run of
`profile check` shows everything there is to mend.
"""

import datetime as dt
import re
from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

Language = Literal["ja", "en"]
Where = tuple[str | int, ...]


def refusal(ja: str, en: str) -> PydanticCustomError:
    """An error whose reason is known in both languages; to be raised inside a validator."""
    return PydanticCustomError("profile", "{ja}", {"ja": ja, "en": en})


class Flaws:
    """Findings of one check over several fields, each at its place relative to the checked part."""

    def __init__(self) -> None:
        self._found: list[InitErrorDetails] = []

    def add(self, where: Where, ja: str, en: str) -> None:
        """Note one finding at `where` (field names and list positions, seen from the checked part)."""
        self._found.append(InitErrorDetails(type=refusal(ja, en), loc=where, input=None))

    def raise_if_any(self) -> None:
        """End the check: ValidationError with all findings, nothing when there are none."""
        if self._found:
            raise ValidationError.from_exception_data("profile", self._found)


class Part(BaseModel):
    """A frozen table of the profile: unknown keys and silent type conversions are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def whole(ja: str, en: str, *, low: int, high: int) -> BeforeValidator:
    """A whole number from `low` to `high`; `ja` and `en` name the thing and its unit in the refusal."""

    def check(value: Any) -> int:
        if type(value) is not int or not low <= value <= high:
            raise refusal(
                f"{ja}は{low}以上{high}以下の整数で指定してください",
                f"{en} must be a whole number from {low} to {high}",
            )
        return value

    return BeforeValidator(check)


def worded(pattern: str, ja: str, en: str) -> AfterValidator:
    """A text that matches `pattern` as a whole; `ja` and `en` are the whole refusal."""
    expected = re.compile(pattern)

    def check(value: str) -> str:
        if not expected.fullmatch(value):
            raise refusal(ja, en)
        return value

    return AfterValidator(check)


def _to_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _to_time(value: Any) -> Any:
    if isinstance(value, dt.time):
        return value
    if isinstance(value, str) and re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value):
        return dt.time(int(value[:2]), int(value[3:]))
    raise refusal('時刻は "09:00" のように24時間制の時:分で指定してください', 'a time is written as "09:00" (24 hours)')


def _not_blank(value: str) -> str:
    if not value.strip():
        raise refusal("空のままにはできません", "must not be empty")
    return value


T = TypeVar("T")
Rows = Annotated[tuple[T, ...], BeforeValidator(_to_tuple)]
Text = Annotated[str, AfterValidator(_not_blank)]
Code = Annotated[
    str,
    worded(
        r"[a-z0-9][a-z0-9_-]{0,39}",
        "コードは半角の英小文字・数字・「-」「_」で40文字以内にしてください",
        "a code has lower-case letters, digits, '-' and '_', 40 at most",
    ),
]
ClockTime = Annotated[
    dt.time, BeforeValidator(_to_time), PlainSerializer(lambda t: t.strftime("%H:%M"), return_type=str)
]
Yen = Annotated[int, whole("金額（円）", "an amount in yen", low=0, high=99_999_999)]
TermMonths = Annotated[int, whole("契約期間（月数）", "a term in months", low=1, high=120)]
DayOffset = Annotated[
    int, whole("案内の日（利用期限からの日数）", "a milestone in days from expiry", low=-365, high=365)
]


class LocalText(Part):
    """A text members read, in both languages."""

    ja: Text = Field(description="日本語")
    en: Text = Field(description="English")

    def text(self, language: Language) -> str:
        """The wording in `language`."""
        return self.ja if language == "ja" else self.en


def repeated(values: tuple[T, ...], key: Callable[[T], object]) -> list[int]:
    """Positions whose key has been seen before, in order: what a uniqueness check points at."""
    seen: set[object] = set()
    again: list[int] = []
    for position, value in enumerate(values):
        if key(value) in seen:
            again.append(position)
        seen.add(key(value))
    return again
