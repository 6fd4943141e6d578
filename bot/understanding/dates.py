"""Dates as members write them, Japanese or English, counted from a given day (intents.md, `transfer_date`, `date`)."""

import re
from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum

from bot.understanding.amounts import read_number
from bot.understanding.text import normalise


class DateProblem(Enum):
    """Why a text gave no usable date; each needs another answer to the member."""

    UNREADABLE = "unreadable"
    IMPOSSIBLE = "impossible"
    """A day that no calendar has, such as 2/31."""
    FUTURE = "future"
    """A real day, but later than today where only the past makes sense."""


@dataclass(frozen=True, slots=True)
class DateReading:
    """What a text says about a day. `on` is also set with FUTURE, so that the answer can name the day."""

    on: date | None
    problem: DateProblem | None = None


@dataclass(frozen=True, slots=True)
class DateFound:
    """A date expression and where it stands in the normalised text; `tense` is what the words alone say (-1, 0, 1)."""

    start: int
    end: int
    reading: DateReading
    tense: int


_N = r"(?:\d{1,2}|[一二三四五六七八九十]{1,3})"
_DAYS = "月火水木金土日"
_WEEKDAY_EN = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_WD = r"(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?"
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_MON = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?)\.?"
)
_COUNT_EN = {
    "a": 1, "an": 1, "one": 1, "two": 2, "couple of": 2, "a couple of": 2, "three": 3, "four": 4, "five": 5, "six": 6,
    "seven": 7, "eight": 8, "nine": 9, "ten": 10,
}  # fmt: skip
_CNT = r"(?:\d{1,3}|(?:a )?couple of|an?|one|two|three|four|five|six|seven|eight|nine|ten)"
_ERA_START = {"令和": 2018, "r": 2018, "平成": 1988, "h": 1988, "昭和": 1925, "s": 1925}
_WORDS = {  # the longer words first: 一昨日 holds 昨日
    -3: "さきおととい|一昨々日",
    3: "しあさって|明々後日",
    -2: "一昨日|おととい|おとつい|(?:the )?day before yesterday",
    2: "明後日|あさって|(?:the )?day after tomorrow",
    -1: "昨日|きのう|昨夜|昨晩|ゆうべ|前日|yesterday|last night",
    1: "明日|あした|あす(?!か)|明朝|翌日|tomorrow",
    0: "今日|本日|きょう|さっき|さきほど|先ほど|先程|今朝|けさ|今しがた|たった今|つい今|当日|今夜|今晩"
    "|today|tonight|this morning|this afternoon|this evening|just now|a (?:moment|minute|while) ago|earlier today",
}
_WEEK_OFFSET = {"先々週": -2, "先週": -1, "前の週": -1, "今週": 0, "来週": 1, "翌週": 1, "再来週": 2}
_MONTH_OFFSET = {"先々月": -2, "先月": -1, "前月": -1, "今月": 0, "当月": 0, "来月": 1, "翌月": 1, "再来月": 2}


def _int(text: str) -> int:
    return read_number(text) or 0


def _make(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _shift_month(today: date, offset: int) -> tuple[int, int]:
    index = today.year * 12 + today.month - 1 + offset
    return index // 12, index % 12 + 1


def _month_end(year: int, month: int) -> date:
    return date(year, month, monthrange(year, month)[1])


def _monday(today: date) -> date:
    return today - timedelta(days=today.weekday())


def _yearless(month: int, day: int, today: date, past: bool) -> date | None:
    after = (month, day) > (today.month, today.day)
    before = (month, day) < (today.month, today.day)
    year = today.year - 1 if past and after else today.year + 1 if not past and before else today.year
    return _make(year, month, day)


def _bare_day(day: int, today: date, past: bool) -> date | None:
    if not 1 <= day <= 31:
        return None
    for step in range(13):
        year, month = _shift_month(today, -step if past else step)
        on = _make(year, month, day)
        if on and (on <= today if past else on >= today):
            return on
    return None


def _weekday_near(weekday: int, today: date, past: bool, *, strict: bool = False) -> date:
    days = (today.weekday() - weekday) % 7 if past else (weekday - today.weekday()) % 7
    days = 7 if strict and days == 0 else days
    return today - timedelta(days=days) if past else today + timedelta(days=days)


def _weekday_en(word: str) -> int:
    return _WEEKDAY_EN.index(word[:3].lower())


def _month_en(word: str) -> int:
    return _MONTHS.index(word[:3].lower()) + 1


Match = re.Match[str]
Reader = Callable[[Match, date, bool], tuple[date | None, int]]


def _read_era(m: Match, today: date, past: bool) -> tuple[date | None, int]:
    year = 1 if m["ey"] == "元" else _int(m["ey"])
    return _make(_ERA_START[m["era"].lower()] + year, _int(m["em"]), _int(m["ed"])), 0


def _read_full(m: Match, today: date, past: bool) -> tuple[date | None, int]:
    return _make(int(m["fy"]), int(m["fm"]), int(m["fd"])), 0


def _read_compact(m: Match, today: date, past: bool) -> tuple[date | None, int]:
    digits = m["compact"]
    return _make(int(digits[:4]), int(digits[4:6]), int(digits[6:])), 0


def _read_month_day(m: Match, today: date, past: bool) -> tuple[date | None, int]:
    month = _int(m["jm"])
    year = {"去年": -1, "昨年": -1, "今年": 0, "来年": 1}.get(m["jy"] or "")
    if m["jend"]:
        if not 1 <= month <= 12:
            return None, 0
        chosen = today.year + year if year is not None else today.year
        end = _month_end(chosen, month)
        if year is None and past and end > today:
            end = _month_end(chosen - 1, month)
        elif year is None and not past and end < today:
            end = _month_end(chosen + 1, month)
        return end, 0
    day = _int(m["jd"])
    if year is not None:
        return _make(today.year + year, month, day), year
    return _yearless(month, day, today, past), 0


def _read_slash(m: Match, today: date, past: bool) -> tuple[date | None, int]:
    return _yearless(int(m["sm"]), int(m["sd"]), today, past), 0


def _read_relative_month(m: Match, today: date, past: bool) -> tuple[date | None, int]:
    offset = _MONTH_OFFSET[m["rm"]]
    year, month = _shift_month(today, offset)
    tense = (offset > 0) - (offset < 0)
    return (_month_end(year, month), tense) if m["rend"] else (_make(year, month, _int(m["rd"])), tense)


def _read_week_day(m: Match, today: date, past: bool) -> tuple[date | None, int]:
    offset = _WEEK_OFFSET[m["week"]]
    on = _monday(today) + timedelta(days=7 * offset + _DAYS.index(m["wd"]))
    return on, (offset > 0) - (offset < 0)


def _read_weekday(m: Match, today: date, past: bool) -> tuple[date | None, int]:
    which, weekday = m["which"] or "", _DAYS.index(m["bare"])
    if which in ("前の", "この前の", "こないだの", "先日の"):
        return _weekday_near(weekday, today, True, strict=True), -1
    if which in ("次の", "今度の", "こんどの"):
        return _weekday_near(weekday, today, False, strict=which == "次の"), 1
    return _weekday_near(weekday, today, past), 0


def _read_count(m: Match, today: date, past: bool) -> tuple[date | None, int]:
    back = m["way"] in ("前", "まえ")
    count = _int(m["count"]) * (-1 if back else 1)
    return _moved(
        today,
        count,
        {"日": "d", "週": "w", "か": "m"}[
            m["unit"][0]
            .replace("ヶ", "か")
            .replace("ヵ", "か")
            .replace("カ", "か")
            .replace("ケ", "か")
            .replace("箇", "か")
        ],
    ), -1 if back else 1


def _moved(today: date, count: int, unit: str) -> date | None:
    if unit == "m":
        year, month = _shift_month(today, count)
        return date(year, month, min(today.day, monthrange(year, month)[1])) if 1 <= year <= 9998 else None
    return today + timedelta(days=count * (7 if unit == "w" else 1))


def _read_month_end(m: Match, today: date, past: bool) -> tuple[date | None, int]:
    end = _month_end(today.year, today.month)
    return (end if not past or end == today else today.replace(day=1) - timedelta(days=1)), 0


def _read_bare_day(m: Match, today: date, past: bool) -> tuple[date | None, int]:
    return _bare_day(_int(m["day"]), today, past), 0


def _read_month_en(m: Match, today: date, past: bool) -> tuple[date | None, int]:
    month, day = _month_en(m["m1"] or m["m2"]), int(m["d1"] or m["d2"])
    year = m["y1"] or m["y2"]
    return (_make(int(year), month, day) if year else _yearless(month, day, today, past)), 0


def _read_weekday_en(m: Match, today: date, past: bool) -> tuple[date | None, int]:
    which, weekday = (m["whichen"] or "").lower(), _weekday_en(m["wden"])
    if which in ("last", "past", "previous"):
        return _weekday_near(weekday, today, True, strict=True), -1
    if which in ("next", "coming", "this coming"):
        return _weekday_near(weekday, today, False, strict=which == "next"), 1
    return _weekday_near(weekday, today, past), 0


def _read_week_en(m: Match, today: date, past: bool) -> tuple[date | None, int]:
    offset = {"last": -1, "this": 0, "next": 1}[(m["wk1"] or m["wk2"]).lower()]
    on = _monday(today) + timedelta(days=7 * offset + _weekday_en(m["wd1"] or m["wd2"]))
    return on, offset


def _read_count_en(m: Match, today: date, past: bool) -> tuple[date | None, int]:
    word = (m["c1"] or m["c2"] or m["c3"]).lower()
    count = int(word) if word.isdigit() else _COUNT_EN[word]
    unit = (m["u1"] or m["u2"] or m["u3"]).lower()[0]
    sign = -1 if m["c1"] else 1
    return _moved(today, sign * count, unit), sign


def _read_month_day_en(m: Match, today: date, past: bool) -> tuple[date | None, int]:
    offset = {"last": -1, "this": 0, "next": 1}.get((m["mo1"] or "this").lower(), 0)
    year, month = _shift_month(today, offset)
    return _make(year, month, int(m["od1"])), offset


def _read_end_en(m: Match, today: date, past: bool) -> tuple[date | None, int]:
    which = (m["emo"] or "").lower()
    if which in ("last", "next"):
        offset = 1 if which == "next" else -1
        return _month_end(*_shift_month(today, offset)), offset
    return _read_month_end(m, today, past)


def _read_ordinal(m: Match, today: date, past: bool) -> tuple[date | None, int]:
    return _bare_day(int(m["ord"]), today, past), 0


def _word_reader(offset: int) -> Reader:
    return lambda m, today, past: (today + timedelta(days=offset), (offset > 0) - (offset < 0))


_AGO = r"(?:days?|weeks?|months?)"
_READERS: list[tuple[re.Pattern[str], Reader]] = [
    (re.compile(pattern, re.IGNORECASE), reader)
    for pattern, reader in [
        (rf"(?P<era>令和|平成|昭和|(?<![A-Za-z])[RHS])\s?(?P<ey>元|{_N})\s?(?:年|[./-])\s?(?P<em>{_N})\s?(?:月|"
            rf"[./-])\s?(?P<ed>{_N})(?:日|(?!\d))", _read_era),
        (r"(?<![\d-])(?P<fy>(?:19|20)\d\d)\s?(?:年|[-/.])\s?(?P<fm>\d{1,2})\s?(?:月|"
            r"[-/.])\s?(?P<fd>\d{1,2})(?:日|(?![\d-]))", _read_full),
        (r"(?<![\d-])(?P<compact>(?:19|20)\d\d(?:0\d|1[0-2])[0-3]\d)(?![\d円-])", _read_compact),
        (rf"(?:(?P<jy>今年|去年|昨年|来年)の?)?(?<!\d)(?P<jm>{_N})\s?月の?\s?(?:(?P<jd>{_N})日?(?!\d|年|"
            rf"[ヶか]?月|人|名|時|円|分)|(?P<jend>末日?))", _read_month_day),
        (r"(?<![\d/.-])(?P<sm>\d{1,2})/(?P<sd>\d{1,2})(?![\d/]|\.\d)", _read_slash),
        (rf"(?P<rm>{'|'.join(_MONTH_OFFSET)})の?(?:(?P<rd>{_N})日|(?P<rend>末日?|月末))", _read_relative_month),
        (rf"(?P<week>{'|'.join(sorted(_WEEK_OFFSET, key=len, reverse=True))})の?(?P<wd>[{_DAYS}])(?:曜日?|"
            rf"(?=[にのはへをで、]|$))", _read_week_day),
        (rf"(?P<which>この前の|こないだの|先日の|前の|次の|今度の|こんどの|"
            rf"今週の)?(?P<bare>[{_DAYS}])曜日?", _read_weekday),
        (rf"(?P<count>{_N})\s?(?P<unit>日|週間?|[ヶかヵカケ箇]月)(?P<way>前|まえ|後|ご(?!ろ))", _read_count),
        (rf"(?<![\d/月年])(?P<day>{_N})日(?![間前後目分以め程ほ])", _read_bare_day),
        (r"月末(?:日)?|末日", _read_month_end),
        (rf"\b(?P<wk1>last|this|next) week(?:'s)?,?(?: on)? (?P<wd1>{_WD})\b|"
            rf"\b(?P<wd2>{_WD}),?(?: of)? (?P<wk2>last|this|next) week\b", _read_week_en),
        (rf"\b(?P<m1>{_MON})\s?(?P<d1>\d{{1,2}})(?:st|nd|rd|th)?\b(?:,?\s(?P<y1>20\d\d)\b)?|"
            rf"\b(?P<d2>\d{{1,2}})(?:st|nd|rd|"
            rf"th)?\s(?:of\s)?(?P<m2>{_MON})(?![a-z])(?:,?\s(?P<y2>20\d\d)\b)?", _read_month_en),
        (rf"\b(?:(?P<whichen>last|past|previous|next|this coming|coming|"
            rf"this)\s)?(?P<wden>{_WD})\b(?!\s?(?:seminar|club))", _read_weekday_en),
        (rf"\b(?P<c1>{_CNT})\s(?P<u1>{_AGO})\s(?:ago|before|back)\b|\bin\s(?P<c2>{_CNT})\s(?P<u2>{_AGO})\b|"
            rf"\b(?P<c3>{_CNT})\s(?P<u3>{_AGO})\s(?:later|from (?:now|today))\b", _read_count_en),
        (r"\bthe\s(?P<od1>\d{1,2})(?:st|nd|rd|th)?\sof\s(?P<mo1>last|this|next|the)\smonth\b", _read_month_day_en),
        (r"\b(?:the\s)?(?:end of (?:the |this |(?P<emo>last|next) )?month|month[ -]end)\b", _read_end_en),
        (r"\b(?:the\s|on\s)(?P<ord>\d{1,2})(?:st|nd|rd|th)\b", _read_ordinal),
        *[(rf"(?:(?<![A-Za-z])(?:{words})(?![A-Za-z]))", _word_reader(offset)) for offset, words in _WORDS.items()],
    ]
]  # fmt: skip


def find_dates(plain: str, *, today: date, past: bool) -> list[DateFound]:
    """Date expressions in a normalised sentence, in the order said; of overlapping ones the more exact stays.

    `past` picks the latest day not in the future for incomplete dates (a payment), else the nearest not past.
    """
    found: list[DateFound] = []
    taken = bytearray(len(plain))
    for pattern, read in _READERS:
        for match in pattern.finditer(plain):
            if any(taken[match.start() : match.end()]):
                continue
            try:
                on, tense = read(match, today, past)
            except (OverflowError, ValueError):
                on, tense = None, 0
            problem = DateProblem.IMPOSSIBLE if on is None else DateProblem.FUTURE if past and on > today else None
            found.append(DateFound(match.start(), match.end(), DateReading(on, problem), tense))
            taken[match.start() : match.end()] = b"\x01" * (match.end() - match.start())
    return sorted(found, key=lambda date_found: date_found.start)


_DASHED = re.compile(r"(\d{1,2})[-.](\d{1,2})")
_FOUR_DIGITS = re.compile(r"(\d{2})(\d{2})")
_DAY_ALONE = re.compile(r"\d{1,2}")


def read_date(text: str, *, today: date, past: bool) -> DateReading:
    """The day an answer to "when" names, or why there is none. It may also be 3-5, 3.5, 0305 or a bare 5."""
    plain = normalise(text)
    found = find_dates(plain, today=today, past=past)
    if found:
        return found[0].reading
    short = plain.strip("。. ")
    pair = _DASHED.fullmatch(short) or _FOUR_DIGITS.fullmatch(short)
    if pair:
        on = _yearless(int(pair[1]), int(pair[2]), today, past)
    elif _DAY_ALONE.fullmatch(short):
        on = _bare_day(int(short), today, past)
    else:
        return DateReading(None, DateProblem.UNREADABLE)
    return DateReading(on, None if on else DateProblem.IMPOSSIBLE)


def parse_date(text: str, *, today: date, past: bool) -> date | None:
    """The day, or None when it cannot be used; `read_date` tells an impossible day from a future one."""
    reading = read_date(text, today=today, past=past)
    return None if reading.problem else reading.on


def is_only_date(text: str, *, today: date) -> bool:
    """Whether a text is a date and nothing else: an answer to "when", whatever a classifier makes of it."""
    plain = normalise(text).strip("。. ")
    found = find_dates(plain, today=today, past=True)
    return len(found) == 1 and (found[0].start, found[0].end) == (0, len(plain))


_NAMED_MONTH = ("%b %d %Y", "%B %d %Y", "%d %b %Y", "%d %B %Y")


def read_birth_date(text: str, *, today: date) -> date | None:
    """A day of birth, whose year is always said: 1956年4月1日, 昭和31年4月1日, 19560401, Apr 1, 1956; None if it is none."""
    words = " ".join(re.sub(r"[,.]", " ", text).split())
    for form in _NAMED_MONTH:
        try:
            return datetime.strptime(words, form).date()  # noqa: DTZ007 - a day, no instant
        except ValueError:
            continue
    return parse_date(text, today=today, past=True)
