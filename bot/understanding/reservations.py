"""What a sentence says about reservations beyond the slots of intents.md: a whole month or week, a state, which facilities."""

import re
from calendar import monthrange
from collections.abc import Mapping
from datetime import date, timedelta
from typing import NamedTuple

from bot.understanding.dates import DateProblem, find_dates, read_date
from bot.understanding.text import fold, normalise


class Period(NamedTuple):
    """Days of use that are meant, both inclusive; None is open."""

    from_on: date | None
    until_on: date | None


_DAY_FOLLOWS = r"(?!の?\s?\d{1,2}日|の?末|末|の?[月火水木金土日]曜|\s?\d{1,2}日)"
_MONTH = re.compile(rf"(?:(?P<year>(?:19|20)\d\d)\s?年\s?)?(?<!\d)(?P<month>1[0-2]|[1-9])\s?月{_DAY_FOLLOWS}")
_JA_MONTHS = {"先々月": -2, "先月": -1, "今月": 0, "来月": 1, "再来月": 2, "翌月": 1}
_JA_WEEKS = {"先々週": -2, "先週": -1, "今週": 0, "再来週": 2, "来週": 1, "翌週": 1}
_JA_YEARS = {"一昨年": -2, "去年": -1, "昨年": -1, "今年": 0, "来年": 1}
_JA_RELATIVE = re.compile(
    rf"({'|'.join(sorted([*_JA_MONTHS, *_JA_WEEKS, *_JA_YEARS], key=len, reverse=True))}){_DAY_FOLLOWS}"
)
_YEAR = re.compile(r"(?<!\d)((?:19|20)\d\d)\s?年(?!\s?\d{1,2}\s?月)|\bin ((?:19|20)\d\d)\b")
_EN_RELATIVE = re.compile(r"\b(this|next|last) (week|month|year)\b", re.I)
_EN_MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july", "august"),
    *("september", "october", "november", "december"),
)
_EN_MONTH = re.compile(
    rf"\b(?P<lead>in|for|of|from|during)?\s?(?P<name>{'|'.join(f'{m}|{m[:3]}' for m in _EN_MONTHS)})\b\.?"
    r"(?:\s(?P<year>20\d\d))?(?!\s?\d)",
    re.I,
)
_COMING = re.compile(r"これから|今後|この先|先の予約|\b(?:upcoming|coming|future)\b", re.I)
_PAST = re.compile(r"これまで|今まで|過去|以前|済んだ|\b(?:past|previous|earlier)\b", re.I)
_STATES = (
    ("waiting", re.compile(r"キャンセル待ち|空き?待ち|\bwait(?:ing|list|listed)?\b", re.I)),
    ("declined", re.compile(r"断り|断られ|お受けでき|却下|不可|\b(?:declined|rejected)\b", re.I)),
    ("cancelled", re.compile(r"キャンセル(?!待)|取り?消|\bcancell?ed\b", re.I)),
    (
        "asked",
        re.compile(
            r"仮予約|申し?込み?中|申請中|受付中|未確定|承認待|確認待|確認中|保留"
            r"|\b(?:pending|requested|tentative|unconfirmed|open)\b",
            re.I,
        ),
    ),
    ("used", re.compile(r"利用済|使用済|完了|終了|済んだ|使った|\b(?:used|completed|finished)\b", re.I)),
    ("confirmed", re.compile(r"確定|予約中|承認済|受付済|\b(?:confirmed|approved|booked)\b", re.I)),
)
_GENERIC = re.compile(r"(?:の|を|で|は|が)?(?:予約|施設|部屋|facility|room|reservations?|bookings?|the|my)", re.I)


def read_states(text: str) -> tuple[str, ...]:
    """The states a word or sentence names ("キャンセル待ち", "確定した予約"); the more exact word hides the vaguer one."""
    plain = normalise(text)
    return next(((state,) for state, pattern in _STATES if pattern.search(plain)), ())


def find_period(text: str, *, today: date) -> Period | None:
    """A whole month, week or year, or "from now on" and "so far"; None where nothing of the kind is said.

    A month without a year is the one nearest to today, before or after: who asks for their history in November means the
    October just past.
    """
    plain = normalise(text)
    if found := _JA_RELATIVE.search(plain):
        return _relative(found[1], today)
    if found := _EN_RELATIVE.search(plain):
        step = {"last": -1, "this": 0, "next": 1}[found[1].lower()]
        return {"week": _week, "month": _month_from, "year": _year_from}[found[2].lower()](today, step)
    if found := _MONTH.search(plain):
        year = int(found["year"]) if found["year"] else _nearest_year(int(found["month"]), today)
        return _month(year, int(found["month"]))
    for found in _EN_MONTH.finditer(plain):
        if found["name"].lower() != "may" or found["lead"]:
            month = [name[:3] for name in _EN_MONTHS].index(found["name"][:3].lower()) + 1
            return _month(int(found["year"]) if found["year"] else _nearest_year(month, today), month)
    if found := _YEAR.search(plain):
        return _year_from(date(int(found[1] or found[2]), 1, 1), 0)
    if _COMING.search(plain):
        return Period(today, None)
    return Period(None, today - timedelta(days=1)) if _PAST.search(plain) else None


def read_period(text: str, *, today: date) -> Period | DateProblem:
    """The answer to "when": a day, a month, a week, or why it is none of these."""
    reading = read_date(text, today=today, past=False)
    if reading.on is not None:
        return Period(reading.on, reading.on)
    if reading.problem is DateProblem.IMPOSSIBLE:
        return DateProblem.IMPOSSIBLE
    return find_period(text, today=today) or DateProblem.UNREADABLE


def other_days(text: str, *, today: date, but: str) -> list[date]:
    """The days a sentence names beside the one that is wanted: "3/5の予約を3/8に" names the reservation's own."""
    found = [each.reading.on for each in find_dates(normalise(text), today=today, past=False)]
    return [on for on in found if on is not None and on.isoformat() != but]


_CLOCK = r"(\d{1,2})(?::|時)(\d{1,2})?分?(半)?"
_RANGE = re.compile(rf"{_CLOCK}\s?(?:から|~|-|より|to|till|until)\s?{_CLOCK}", re.I)
_EN_CLOCK = r"(\d{1,2})(?::(\d{2}))?\s?(am|pm)?"
_EN_RANGE = re.compile(rf"{_EN_CLOCK}\s?(?:-|~|to|till|until)\s?{_EN_CLOCK}", re.I)
_NOON_EN = re.compile(r"\bnoon\b", re.I)
_AFTERNOON = re.compile(r"午後\s?(\d{1,2})(?=時|:)")


def read_times(text: str) -> tuple[str, str] | None:
    """Begin and end as "13:00": 13:00〜15:00, 午後1時から3時半, 1pm to 3pm. None when it is not two times of day."""
    plain = normalise(text).replace("〜", "~").replace("午前", "")
    plain = _NOON_EN.sub("12pm", plain.replace("正午", "12時"))
    later = bool(_AFTERNOON.search(plain))
    plain = _AFTERNOON.sub(lambda m: str(int(m[1]) % 12 + 12), plain).replace("午後", "")
    if found := _RANGE.search(plain):
        begin = _clock(int(found[1]), int(found[2] or (30 if found[3] else 0)))
        hour = int(found[4]) + (12 if later and int(found[4]) < int(found[1]) and int(found[4]) < 12 else 0)
        end = _clock(hour, int(found[5] or (30 if found[6] else 0)))
        return (begin, end) if begin and end else None
    if found := _EN_RANGE.fullmatch(plain.strip(" .")):
        begin = _clock(_hour(found[1], found[3] or _same_half(found[1], found[4], found[6])), int(found[2] or 0))
        end = _clock(_hour(found[4], found[6]), int(found[5] or 0))
        return (begin, end) if begin and end else None
    return None


def _same_half(begin: str, end: str, half: str | None) -> str | None:
    """ "1 to 3 pm": both in the afternoon, unless the first is the larger number (11 to 1 pm)."""
    return half if half and int(begin) % 12 <= int(end) % 12 else None


def _hour(digits: str, half: str | None) -> int:
    hour = int(digits)
    return hour if half is None else hour % 12 + (12 if half.lower() == "pm" else 0)


def _clock(hour: int, minute: int) -> str | None:
    if (hour, minute) == (24, 0):
        return "23:59"
    return f"{hour:02d}:{minute:02d}" if hour <= 23 and minute <= 59 else None


_COUNT = re.compile(r"(?:約|about )?(\d{1,6})\s?(?:人|名|people|persons?|guests?)?(?:です|に変更|に)?", re.I)


def read_count(text: str) -> int | None:
    """How many: 12, １２名, 12 people. None for anything else."""
    found = _COUNT.fullmatch(normalise(text).rstrip("。. "))
    return int(found[1]) if found else None


def match_names(text: str, names: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Codes of what a text names: "会議室" is every 会議室, "第1会議室" the one; the longest name in a sentence wins."""
    wanted = _bare(text)
    if not wanted:
        return ()
    folded = {code: [_bare(word) or _folded(word) for word in words] for code, words in names.items()}
    whole = tuple(code for code, words in folded.items() if wanted in words)
    if whole:
        return whole
    inside = {code: max((len(word) for word in words if word in wanted), default=0) for code, words in folded.items()}
    longest = max(inside.values(), default=0)
    if longest:
        return tuple(code for code, length in inside.items() if length == longest)
    return tuple(code for code, words in folded.items() if any(wanted in word for word in words))


def _folded(text: str) -> str:
    return re.sub(r"\s", "", fold(normalise(text)))


def _bare(text: str) -> str:
    return _folded(_GENERIC.sub("", normalise(text)))


def _relative(word: str, today: date) -> Period:
    if word in _JA_MONTHS:
        return _month_from(today, _JA_MONTHS[word])
    return _week(today, _JA_WEEKS[word]) if word in _JA_WEEKS else _year_from(today, _JA_YEARS[word])


def _week(today: date, step: int) -> Period:
    monday = today - timedelta(days=today.weekday()) + timedelta(weeks=step)
    return Period(monday, monday + timedelta(days=6))


def _month_from(today: date, step: int) -> Period:
    index = today.year * 12 + today.month - 1 + step
    return _month(index // 12, index % 12 + 1)


def _year_from(today: date, step: int) -> Period:
    return Period(date(today.year + step, 1, 1), date(today.year + step, 12, 31))


def _month(year: int, month: int) -> Period:
    return Period(date(year, month, 1), date(year, month, monthrange(year, month)[1]))


def _nearest_year(month: int, today: date) -> int:
    here = today.year * 12 + today.month
    return min((today.year, today.year - 1, today.year + 1), key=lambda year: abs(year * 12 + month - here))
