"""Single cells, as people type them, to values: pure, and each refusal has a code the reader is told in words.

NFKC first: full-width digits, ideographic spaces and half-width kana become what they mean. Digits are then `[0-9]` only,
since `str.isdigit` takes ① for a digit. Reiwa, Heisei, Showa, Taisho and Meiji years count from their first year
(元年); an era's date outside the era is refused, since one of the two must be a slip.
"""

import re
import unicodedata
from datetime import date, datetime, time
from functools import lru_cache
from typing import NamedTuple

from core.clock import at_in_japan
from core.money import MAX_YEN

MAX_EMAIL = 254
_ERAS = {
    "令和": (date(2019, 5, 1), date.max),
    "平成": (date(1989, 1, 8), date(2019, 4, 30)),
    "昭和": (date(1926, 12, 25), date(1989, 1, 7)),
    "大正": (date(1912, 7, 30), date(1926, 12, 24)),
    "明治": (date(1868, 1, 25), date(1912, 7, 29)),
}
_ERA_LETTERS = {"R": "令和", "H": "平成", "S": "昭和", "T": "大正", "M": "明治"}
_WEEKDAY = r"(?:\s*\([日月火水木金土](?:曜日?)?\))?"
_TIME = r"(?:[\sT]+0{1,2}:00(?::00(?:\.0+)?)?)?"  # a day that a database wrote out with its midnight
_WESTERN = re.compile(rf"(\d{{4}})(?:[/.-]|年)\s*(\d{{1,2}})(?:[/.-]|月)\s*(\d{{1,2}})日?{_WEEKDAY}{_TIME}")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})")
_JAPANESE = re.compile(
    rf"({'|'.join(_ERAS)}|[{''.join(_ERA_LETTERS)}])\.?\s*(\d{{1,2}}|元)(?:[/.-]|年)\s*(\d{{1,2}})(?:[/.-]|月)\s*(\d{{1,2}})日?{_WEEKDAY}"
)
_EMAIL = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]{1,62}"
)
_TRUE = frozenset(
    [
        "1",
        "true",
        "yes",
        "y",
        "on",
        "はい",
        "有",
        "有り",
        "あり",
        "○",
        "〇",
        "する",
        "希望",
        "希望する",
        "要",
        "true",
        "自動",
        "自動更新",
        "◯",
        "on",
        "オン",
    ]
)
_FALSE = frozenset(
    [
        "0",
        "false",
        "no",
        "n",
        "off",
        "いいえ",
        "無",
        "無し",
        "なし",
        "×",
        "x",
        "しない",
        "希望しない",
        "不要",
        "手動",
        "手動更新",
        "オフ",
        "-",
    ]
)
_KANA = re.compile(r"[ァ-ヺー・ヽヾ0-9A-Za-z &'’,.\-‐()/_]*")
_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—―−ー", "-"))
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class BadValueError(ValueError):
    """A cell that cannot be what its column asks for; `code` is stable, `data` fills the reason's wording."""

    def __init__(self, code: str, **data: object) -> None:
        super().__init__(code)
        self.code = code
        self.data = data


class Words(NamedTuple):
    """How many characters a text may have, and whether it may be left out."""

    longest: int
    needed: bool = False


def plain(cell: str) -> str:
    """NFKC and trimmed: for codes, numbers, dates; not for names, whose variants (髙) and marks (㈱) are kept."""
    return cell.strip() if cell.isascii() else unicodedata.normalize("NFKC", cell).strip()


def parse_text(cell: str, longest: int) -> str:
    """A name or address on one line, as written, surrounding and repeated spaces aside.

    Raises BadValueError `too_long` (longest), `control_character`.
    """
    if _CONTROL.search(cell):
        raise BadValueError("control_character")
    text = " ".join(cell.split())
    if len(text) > longest:
        raise BadValueError("too_long", longest=longest)
    return text


def parse_key(cell: str, longest: int) -> str:
    """A number or key: NFKC, without inner line ends. Raises BadValueError `too_long`, `control_character`."""
    return parse_text(plain(cell), longest)


@lru_cache(maxsize=8192)
def parse_date(cell: str) -> date:
    """2027/3/31, 2027-03-31, 20270331, 2027年3月31日(水), 令和9年3月31日, R9.3.31, in any width.

    Raises BadValueError `bad_date` when it is not written as a date, `no_such_day` for 31 Feb and the like,
    `era_mismatch` for a day outside its era, `year_out_of_range` outside 1868–2199.
    """
    text = plain(cell).upper()
    if found := _WESTERN.fullmatch(text) or _COMPACT.fullmatch(text):
        year, month, day = (int(part) for part in found.groups())
        era = None
    elif found := _JAPANESE.fullmatch(text):
        era = _ERA_LETTERS.get(found[1], found[1])
        year = _ERAS[era][0].year + (1 if found[2] == "元" else int(found[2])) - 1
        month, day = int(found[3]), int(found[4])
    else:
        raise BadValueError("bad_date")
    if not 1868 <= year <= 2199:
        raise BadValueError("year_out_of_range")
    try:
        parsed = date(year, month, day)
    except ValueError as error:
        raise BadValueError("no_such_day") from error
    if era and not _ERAS[era][0] <= parsed <= _ERAS[era][1]:
        raise BadValueError("era_mismatch", era=era)
    return parsed


def parse_email(cell: str) -> str:
    """A mail address in its usual shape. Old carriers' addresses with dots anywhere (`a..b.@docomo.ne.jp`) are real: kept.

    Raises BadValueError `bad_email`.
    """
    text = plain(cell)
    if len(text) > MAX_EMAIL or not _EMAIL.fullmatch(text):
        raise BadValueError("bad_email")
    return text


def parse_phone(cell: str) -> str:
    """A phone number in half-width digits and hyphens. Raises BadValueError `bad_phone`; `phone_lost_zero` after Excel."""
    text = re.sub(r"[()\s]+", "-", plain(cell).translate(_DASHES)).strip("-")
    text = re.sub(r"-+", "-", text)
    digits = text.replace("-", "")
    if re.fullmatch(r"\+[0-9-]+", text) and 8 <= len(digits) - 1 <= 15:
        return text
    if not re.fullmatch(r"[0-9-]+", text):
        raise BadValueError("bad_phone")
    if not digits.startswith("0"):
        raise BadValueError("phone_lost_zero" if len(digits) in (9, 10) else "bad_phone")
    if len(digits) not in (10, 11):
        raise BadValueError("bad_phone")
    return text


def parse_postal_code(cell: str) -> str:
    """123-4567. Raises BadValueError `bad_postal_code`."""
    digits = plain(cell).translate(_DASHES).removeprefix("〒").replace("-", "").strip()
    if not re.fullmatch(r"[0-9]{7}", digits):
        raise BadValueError("bad_postal_code")
    return f"{digits[:3]}-{digits[3:]}"


def parse_kana(cell: str, longest: int) -> str:
    """A reading in full-width katakana (hiragana and half-width kana are converted).

    Raises BadValueError `not_kana` when there is kanji in it, `too_long`, `control_character`.
    """
    text = to_katakana(parse_text(unicodedata.normalize("NFKC", cell), longest))
    if not _KANA.fullmatch(text):
        raise BadValueError("not_kana")
    return text


def to_katakana(text: str) -> str:
    """Hiragana to katakana, all else as it is."""
    return "".join(chr(ord(c) + 0x60) if "ぁ" <= c <= "ゖ" else c for c in text)


def parse_bool(cell: str) -> bool:
    """はい / いいえ, ○ / ×, あり / なし, 1 / 0, yes / no … Raises BadValueError `bad_bool`."""
    text = plain(cell).lower()
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise BadValueError("bad_bool")


def parse_anchor(cell: str) -> int:
    """The day of the month 1–31 a contract is counted by: "31", "31日", "末日". Raises BadValueError `bad_anchor`."""
    text = plain(cell).removesuffix("日")
    if text in ("末", "月末"):
        return 31
    if not re.fullmatch(r"[0-9]{1,2}", text) or not 1 <= int(text) <= 31:
        raise BadValueError("bad_anchor")
    return int(text)


_CLOCK = re.compile(r"([0-9]{1,2})(?::|時)([0-9]{1,2})?分?(?::[0-9]{2})?")
_INSTANT = re.compile(r"(.+?)(?:\s+|T)([0-9]{1,2}(?::|時).*)")
_YEN_CELL = re.compile(r"[¥\\]?([0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:円)?(?:\.0+)?")


def parse_clock(cell: str) -> time:
    """9:00, 13時30分, 9時, 09:00:00. Raises BadValueError `bad_clock`; 24:00 is the day's last minute."""
    text = plain(cell)
    found = _CLOCK.fullmatch(text)
    if not found:
        raise BadValueError("bad_clock")
    hour, minute = int(found[1]), int(found[2] or 0)
    if (hour, minute) == (24, 0):
        return time(23, 59)
    if hour > 23 or minute > 59:
        raise BadValueError("bad_clock")
    return time(hour, minute)


def parse_instant(cell: str) -> datetime:
    """A moment in Japan, "2026/10/1 14:05", or a day alone, which is its beginning.

    Raises BadValueError as `parse_date` and `parse_clock`.
    """
    text = plain(cell)
    found = _INSTANT.fullmatch(text)
    if not found:
        return at_in_japan(parse_date(text), time.min)
    return at_in_japan(parse_date(found[1]), parse_clock(found[2].partition("+")[0].partition(".")[0]))


def parse_yen(cell: str) -> int:
    """13,200 / １３２００円 / ¥13,200 / 13200.0. Raises BadValueError `bad_yen`, `yen_too_large` (most)."""
    found = _YEN_CELL.fullmatch(plain(cell).replace(" ", ""))
    if not found:
        raise BadValueError("bad_yen")
    amount_yen = int(found[1].replace(",", ""))
    if amount_yen > MAX_YEN:
        raise BadValueError("yen_too_large", most=MAX_YEN)
    return amount_yen


def parse_word(cell: str, words: dict[str, str], code: str) -> str:
    """One of a list of words, by any of its spellings. Raises BadValueError `code` with the words known (known)."""
    found = words.get(plain(cell).lower())
    if found is None:
        raise BadValueError(code, known="、".join(words))
    return found
