"""Cells as people type them: what they mean, and why they are refused (row M12)."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.exchange.values import (
    BadValueError,
    parse_anchor,
    parse_bool,
    parse_date,
    parse_email,
    parse_kana,
    parse_key,
    parse_phone,
    parse_postal_code,
    parse_text,
)

DAYS = st.dates(date(1868, 1, 25), date(2199, 12, 31))
REIWA = st.dates(date(2019, 5, 1), date(2099, 12, 31))
WIDE = str.maketrans("0123456789/-", "０１２３４５６７８９／－")


@pytest.mark.parametrize(
    "typed",
    [
        "2027/3/31",
        "2027/03/31",
        "2027-03-31",
        "2027.3.31",
        "20270331",
        "2027年3月31日",
        "2027年3月31日(水)",
        "2027年3月31日（水曜日）",
        "令和9年3月31日",
        "令和９年３月３１日",
        "R9.3.31",
        "r9/3/31",
        "２０２７／３／３１",
        " 2027/3/31 ",
        "2027/3/31 0:00:00",
        "2027-03-31T00:00:00",
        "平成39年3月31日",
    ],
)
def test_a_day_is_read_in_every_usual_way_and_an_era_that_ended_is_a_slip(typed: str) -> None:
    if typed.startswith("平成"):
        with pytest.raises(BadValueError) as refused:
            parse_date(typed)
        assert refused.value.code == "era_mismatch"
    else:
        assert parse_date(typed) == date(2027, 3, 31)


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("2027/2/31", "no_such_day"),
        ("2027/13/1", "no_such_day"),
        ("令和9年2月30日", "no_such_day"),
        ("9/3/31", "bad_date"),
        ("3月31日", "bad_date"),
        ("らいげつ", "bad_date"),
        ("①②③④/1/1", "year_out_of_range"),
        ("9999/12/31", "year_out_of_range"),
        ("2027/3/31 15:00", "bad_date"),
        ("-", "bad_date"),
    ],
)
def test_what_is_no_day_is_refused_with_its_reason(typed: str, code: str) -> None:
    with pytest.raises(BadValueError) as refused:
        parse_date(typed)
    assert refused.value.code == code


@given(DAYS)
def test_every_day_reads_back_from_each_western_form(day: date) -> None:
    for form in (f"{day.year}/{day.month}/{day.day}", f"{day:%Y-%m-%d}", f"{day.year}年{day.month}月{day.day}日"):
        assert parse_date(form) == day
        assert parse_date(form.translate(WIDE)) == day


@given(REIWA)
def test_every_day_of_reiwa_reads_back_from_its_era_year(day: date) -> None:
    year = day.year - 2018
    assert parse_date(f"令和{'元' if year == 1 else year}年{day.month}月{day.day}日") == day
    assert parse_date(f"R{year}.{day.month:02d}.{day.day:02d}") == day


@given(st.text(max_size=40))
def test_any_text_is_a_value_or_a_refusal_never_another_error(text: str) -> None:
    for parse in (parse_date, parse_email, parse_phone, parse_postal_code, parse_bool, parse_anchor):
        try:
            parse(text)
        except BadValueError as refused:
            assert refused.code
    for bounded in (parse_text, parse_key, parse_kana):
        try:
            value = bounded(text, 20)
        except BadValueError:
            continue
        assert len(value) <= 20 and bounded(value, 20) == value


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("taro@example.jp", "taro@example.jp"),
        ("ｔａｒｏ＠ｅｘａｍｐｌｅ．ｊｐ", "taro@example.jp"),
        ("a..b.@example.ne.jp", "a..b.@example.ne.jp"),
        ("Taro+x@Example.JP", "Taro+x@Example.JP"),
    ],
)
def test_mail_addresses_are_kept_as_given_in_half_width(typed: str, stored: str) -> None:
    assert parse_email(typed) == stored


@pytest.mark.parametrize(
    "typed", ["taro", "taro@", "@example.jp", "a@b", "a b@example.jp", "太郎@example.jp", "a@@b.jp"]
)
def test_what_is_no_mail_address_is_refused(typed: str) -> None:
    with pytest.raises(BadValueError, match="bad_email"):
        parse_email(typed)


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("03-0000-1234", "03-0000-1234"),
        ("０９０－００００－１２３４", "090-0000-1234"),
        ("09000001234", "09000001234"),
        ("(03)0000-1234", "03-0000-1234"),
        ("03（0000）1234", "03-0000-1234"),
        ("090ー0000ー1234", "090-0000-1234"),
        ("+81-90-0000-1234", "+81-90-0000-1234"),
    ],
)
def test_phone_numbers_become_half_width_digits_and_hyphens(typed: str, stored: str) -> None:
    assert parse_phone(typed) == stored


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("9000001234", "phone_lost_zero"),
        ("12345", "bad_phone"),
        ("電話なし", "bad_phone"),
        ("090-0000-12345", "bad_phone"),
    ],
)
def test_a_phone_number_without_its_leading_nought_is_told_apart(typed: str, code: str) -> None:
    with pytest.raises(BadValueError, match=code):
        parse_phone(typed)


@pytest.mark.parametrize("typed", ["150-0001", "1500001", "〒150-0001", "１５０－０００１"])
def test_postal_codes_have_one_form(typed: str) -> None:
    assert parse_postal_code(typed) == "150-0001"


def test_readings_become_katakana_and_kanji_are_refused() -> None:
    assert parse_kana("やまだ　たろう", 200) == "ヤマダ タロウ"
    assert parse_kana("ﾔﾏﾀﾞ ﾀﾛｳ", 200) == "ヤマダ タロウ"
    with pytest.raises(BadValueError, match="not_kana"):
        parse_kana("山田 タロウ", 200)


@given(st.text("あいうえおかきくけこがぎぐげごゃゅょっんー 　", max_size=30))
def test_hiragana_never_survives_in_a_reading(text: str) -> None:
    assert not any("ぁ" <= c <= "ゖ" for c in parse_kana(text, 200))


def test_names_keep_their_variants_and_marks() -> None:
    assert parse_text("  髙﨑　太郎 ", 200) == "髙﨑 太郎"
    assert parse_text("㈱①", 200) == "㈱①"
    with pytest.raises(BadValueError, match="control_character"):
        parse_text("山\x1b田", 200)


@pytest.mark.parametrize(
    ("typed", "value"), [("はい", True), ("○", True), ("１", True), ("しない", False), ("×", False)]
)
def test_yes_and_no_in_words_and_marks(typed: str, value: bool) -> None:
    assert parse_bool(typed) is value


@pytest.mark.parametrize(("typed", "anchor"), [("31", 31), ("末日", 31), ("１５日", 15)])
def test_the_day_of_the_month_may_be_the_last(typed: str, anchor: int) -> None:
    assert parse_anchor(typed) == anchor


@pytest.mark.parametrize("typed", ["0", "32", "①②③", "十五"])
def test_no_day_of_a_month_is_refused(typed: str) -> None:
    with pytest.raises(BadValueError, match="bad_anchor"):
        parse_anchor(typed)
