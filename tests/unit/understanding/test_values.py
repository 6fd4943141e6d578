"""Amounts, dates and choice numbers as members write them, for forms and for sentences."""

from datetime import date

import pytest

from bot.understanding import DateProblem, normalise, parse_amount, parse_choice_number, parse_date, read_date

WEDNESDAY = date(2026, 11, 18)


@pytest.mark.parametrize(
    ("text", "yen"),
    [
        ("5,500円", 5500), ("５５００円", 5500), ("五千五百円", 5500), ("1万円", 10000), ("1.2万", 12000),
        ("¥5500", 5500),
        ("5500", 5500), ("１２，０００円", 12000), ("１２、０００円", 12000), ("1万2千5百円", 12500), ("千円", 1000),
        ("JPY 5,500", 5500), ("5500 yen", 5500), ("5,500円です", 5500), ("約5500円", 5500), ("二万", 20000), ("0", 0),
        ("1234567890123円", 1234567890123), ("5.5k", 5500), ("￥１３，２００", 13200),
    ],
)  # fmt: skip
def test_amount_is_read_however_it_is_written(text: str, yen: int) -> None:
    assert parse_amount(text) == yen


@pytest.mark.parametrize(
    "text", ["-5500", "▲5500円", "−500円", "12,00", "1.23", "abc", "", "円", "5500円か6600円", "😀", "1万万"]
)
def test_what_is_no_single_whole_amount_is_none(text: str) -> None:
    assert parse_amount(text) is None


@pytest.mark.parametrize(
    ("text", "on"),
    [
        ("昨日", "2026-11-17"), ("一昨日", "2026-11-16"), ("さっき", "2026-11-18"), ("先週の金曜", "2026-11-13"),
        ("金曜", "2026-11-13"), ("水曜日", "2026-11-18"), ("3/5", "2026-03-05"), ("３月５日", "2026-03-05"),
        ("12/20", "2025-12-20"), ("令和8年3月5日", "2026-03-05"), ("R8.3.5", "2026-03-05"),
        ("2026-03-05", "2026-03-05"),
        ("20260305", "2026-03-05"), ("2026年3月5日", "2026-03-05"), ("月末", "2026-10-31"), ("先月末", "2026-10-31"),
        ("25日", "2026-10-25"), ("三月五日", "2026-03-05"), ("3日前", "2026-11-15"), ("yesterday", "2026-11-17"),
        ("last Friday", "2026-11-13"), ("Mar 5", "2026-03-05"), ("5th of March", "2026-03-05"),
        ("the day before yesterday", "2026-11-16"), ("two days ago", "2026-11-16"), ("on the 25th", "2026-10-25"),
        ("end of last month", "2026-10-31"), ("Nov 10, 2026", "2026-11-10"), ("3-5", "2026-03-05"),
        ("0305", "2026-03-05"),
        ("5", "2026-11-05"), ("平成31年4月1日", "2019-04-01"), ("令和元年5月1日", "2019-05-01"),
    ],
)  # fmt: skip
def test_payment_date_is_the_latest_that_is_not_in_the_future(text: str, on: str) -> None:
    assert parse_date(text, today=WEDNESDAY, past=True) == date.fromisoformat(on)


@pytest.mark.parametrize(
    ("text", "on"),
    [
        ("明日", "2026-11-19"), ("来週火曜", "2026-11-24"), ("来週の火曜日", "2026-11-24"), ("3/5", "2027-03-05"),
        ("11/18", "2026-11-18"), ("月末", "2026-11-30"), ("来月5日", "2026-12-05"), ("金曜", "2026-11-20"),
        ("水曜", "2026-11-18"),
        ("next Friday", "2026-11-20"), ("next Wednesday", "2026-11-25"), ("Friday", "2026-11-20"),
        ("in two weeks", "2026-12-02"),
        ("明後日", "2026-11-20"), ("再来週の月曜", "2026-11-30"), ("12月10日", "2026-12-10"), ("10日", "2026-12-10"),
        ("Monday next week", "2026-11-23"), ("1週間後", "2026-11-25"), ("来月末", "2026-12-31"),
        ("31日", "2026-12-31"),
    ],
)  # fmt: skip
def test_reservation_date_is_the_nearest_that_is_not_past(text: str, on: str) -> None:
    assert parse_date(text, today=WEDNESDAY, past=False) == date.fromisoformat(on)


@pytest.mark.parametrize("text", ["来週", "12月", "next week", "December", "そのうち", ""])
def test_week_or_month_without_a_day_is_no_date(text: str) -> None:
    assert read_date(text, today=WEDNESDAY, past=False).problem is DateProblem.UNREADABLE


@pytest.mark.parametrize("text", ["2/31", "2026-02-30", "11月31日", "20261131", "13/1", "R8.2.30"])
def test_impossible_date_is_told_from_a_future_one(text: str) -> None:
    assert read_date(text, today=WEDNESDAY, past=True).problem is DateProblem.IMPOSSIBLE
    assert parse_date(text, today=WEDNESDAY, past=True) is None


@pytest.mark.parametrize("text", ["明日", "2026-12-01", "来週火曜", "next Friday"])
def test_future_payment_date_keeps_its_day_for_the_answer(text: str) -> None:
    reading = read_date(text, today=WEDNESDAY, past=True)
    assert reading.problem is DateProblem.FUTURE
    assert reading.on is not None and reading.on > WEDNESDAY
    assert parse_date(text, today=WEDNESDAY, past=True) is None


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1", 1),
        ("１", 1),
        ("①", 1),
        ("1番", 1),
        ("一番目", 1),
        ("2つ目", 2),
        ("3です", 3),
        ("十二", 12),
        ("0", None),
        ("1円", None),
        ("はい", None),
    ],
)
def test_choice_number_is_read_in_any_form(text: str, number: int | None) -> None:
    assert parse_choice_number(text) == number


def test_normalise_keeps_case_and_folds_widths_and_dashes() -> None:
    assert normalise("ﾔﾏﾀﾞ　ﾀﾛｳ\u200b ＩＮＶ−２０２６ー１ ㈱Ａbc") == "ヤマダ タロウ INV-2026-1 (株)Abc"
