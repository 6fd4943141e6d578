"""Numbers, mail addresses and search words in every way people type them."""

import pytest

from core.members.policy import email_key, member_no_candidates, search_patterns, search_text

TEXT = search_text(
    member_no="M-000123",
    name="山田 太郎",
    name_kana="ヤマダ タロウ",
    email="Taro_1@example.jp",
    phone="０９０ー1234−5678",
    external_key="A/77",
)


@pytest.mark.parametrize("typed", ["M-000123", "ｍ－０００１２３", "m000123", "123", "１２３", "M‐123", " M-000123 "])
def test_our_own_number_is_found_however_it_is_typed(typed: str) -> None:
    assert "M-000123" in member_no_candidates(typed)


def test_an_operators_own_number_is_tried_as_typed_first() -> None:
    assert member_no_candidates("abc-9")[0] == "abc-9"
    assert "ABC-9" in member_no_candidates("abc-9")


def test_mail_addresses_are_compared_without_width_case_and_blanks() -> None:
    assert email_key(" ＴＡＲＯ@Example.JP ") == "taro@example.jp"
    assert email_key("") is None and email_key(None) is None


@pytest.mark.parametrize(
    ("query", "patterns"),
    [
        ("やまだ", [("%ヤマダ%", "%ヤマダ%")]),
        ("ﾔﾏﾀﾞ　ﾀﾛｳ", [("%ヤマダ%", "%ヤマダ%"), ("%タロウ%", "%タロウ%")]),
        ("090-1234", [("%090-1234%", "%0901234%")]),
        ("50%_/", [("%50/%/_//%", "%50/%/_//%")]),
        ("", []),
    ],
)
def test_a_query_is_folded_and_its_signs_are_literal(query: str, patterns: list[tuple[str, str]]) -> None:
    assert [pair for pair in search_patterns(query) if pair != ("%", "%")] == patterns


def test_the_search_text_holds_every_value_folded() -> None:
    assert TEXT.split("\n") == ["m-000123", "山田太郎", "ヤマダタロウ", "taro_1@example.jp", "a/77", "09012345678"]
