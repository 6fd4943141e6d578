"""P5, who sent a transfer: payment references and name keys (algorithms.md 6)."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.billing.payers import (
    LAST_PAYMENT_REF,
    is_payment_ref,
    payer_name_key,
    payment_ref_from,
    split_payment_ref,
    weak_name_key,
)
from core.errors import DomainError

NUMBERS = st.integers(1, LAST_PAYMENT_REF)
KANA_NAMES = st.text(st.sampled_from("アイウエオカガキギクサザタダハバパマヤラワンヴ"), min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("raw", "ref", "key"),
    [
        ("ｶ)ｲﾝﾀ-ﾈﾂﾄｻ-ﾋﾞｽ", None, "インタネツトサビス"),
        ("ｲﾝﾀ-ﾈﾂﾄｻ-ﾋﾞｽ(ｶ", None, "インタネツトサビス"),
        ("株式会社インターネットサービス", None, "インタネツトサビス"),
        ("00123455 ﾔﾏﾀﾞ ﾀﾛｳ", "00123455", "ヤマダタロウ"),
        ("ヤマダ　タロウ", None, "ヤマダタロウ"),
        ("ﾔﾏﾀ ﾀﾛｳ", None, "ヤマタタロウ"),
        ("ﾕ)ｷﾖｳﾄｼﾖｳｼﾞ", None, "キヨウトシヨウジ"),
        ("有限会社 キョウトショウジ", None, "キヨウトシヨウジ"),
    ],
)
def test_a_payer_name_gives_its_reference_and_its_key(raw: str, ref: str | None, key: str) -> None:
    assert split_payment_ref(raw).ref == ref
    assert payer_name_key(raw) == key


@pytest.mark.parametrize(
    "raw",
    [
        "カブシキガイシャ　ヤマダ",
        "かぶしきかいしゃやまだ",
        "ヤマダ(カ)",
        "ヤマダ（株）",
        "㈱ヤマダ",
        "ｼﾔ)ﾔﾏﾀﾞ",
        "イッパンシャダンホウジン ヤマダ",
        "ﾔﾏﾀﾞ.･ｰ-",
        "ヤマタ゛",
        "ヤマタ\u3099",
        "ﾄｸﾋ)ﾔﾏﾀﾞ",
        "00123455 ｶ)ﾔﾏﾀﾞ",
    ],
)
def test_writings_of_one_name_have_one_key(raw: str) -> None:
    assert payer_name_key(raw) == "ヤマダ"


@pytest.mark.parametrize(
    ("raw", "key"),
    [
        ("カガワ", "カガワ"),
        ("ユウキ", "ユウキ"),
        ("ヲオ", "オオ"),
        ("abc商店", "ABC"),
        ("ヴァン", "ヴアン"),
        ("ヵヶヮ", "カケワ"),
    ],
)
def test_a_legal_form_is_dropped_only_where_it_is_one(raw: str, key: str) -> None:
    assert payer_name_key(raw) == key


def test_a_name_without_kana_has_no_key_and_a_legal_form_alone_has_none_either() -> None:
    assert payer_name_key("山田太郎") == ""
    assert payer_name_key("ｶ)") == ""


def test_dakuten_count_in_the_key_and_not_in_the_weak_key() -> None:
    assert payer_name_key("ﾔﾏｻﾞｷ") != payer_name_key("ﾔﾏｻｷ")
    assert weak_name_key("ﾔﾏｻﾞｷ") == weak_name_key("ﾔﾏｻｷ") == "ヤマサキ"
    assert weak_name_key("ﾔﾏﾀﾞ ﾀﾛｳ") == weak_name_key("ﾔﾏﾀ ﾀﾛｳ") == "ヤマタタロウ"
    assert weak_name_key("ヴパ") == "ウハ"


@given(name=KANA_NAMES, blanks=st.text(st.sampled_from(" 　ー-・."), max_size=4))
def test_a_key_is_its_own_key_and_blanks_and_long_vowels_do_not_change_it(name: str, blanks: str) -> None:
    key = payer_name_key(name)
    assert payer_name_key(key) == key
    assert payer_name_key(blanks + name[:3] + blanks + name[3:] + blanks) == key
    hiragana = "".join(chr(ord(kana) - 0x60) for kana in name)
    assert payer_name_key(hiragana) == key
    assert payer_name_key(unicodedata.normalize("NFD", name)) == key
    assert set(weak_name_key(name)).isdisjoint("ガギザダバパヴ")


@given(name=KANA_NAMES, n=NUMBERS, behind=st.booleans(), blank=st.sampled_from(["", " ", "　"]))
def test_a_reference_is_found_at_either_end_and_leaves_the_name(n: int, name: str, behind: bool, blank: str) -> None:
    ref = payment_ref_from(n)
    raw = f"{name}{blank}{ref}" if behind else f"{ref}{blank}{name}"
    assert split_payment_ref(raw) == (ref, unicodedata.normalize("NFKC", name))
    assert payer_name_key(raw) == payer_name_key(name)


def test_the_reference_of_the_example() -> None:
    assert payment_ref_from(12_345) == "00123455"


@given(n=NUMBERS, place=st.integers(0, 7), other=st.integers(1, 9))
def test_one_wrong_digit_is_no_reference(n: int, place: int, other: int) -> None:
    ref = payment_ref_from(n)
    assert is_payment_ref(ref)
    assert len(ref) == 8
    wrong = ref[:place] + str((int(ref[place]) + other) % 10) + ref[place + 1 :]
    assert not is_payment_ref(wrong)


@given(n=NUMBERS, place=st.integers(0, 6))
def test_two_digits_changed_about_are_no_reference(n: int, place: int) -> None:
    ref = payment_ref_from(n)
    swapped = ref[:place] + ref[place + 1] + ref[place] + ref[place + 2 :]
    if swapped != ref and {ref[place], ref[place + 1]} != {"0", "9"}:  # the one pair that Luhn's digit cannot tell
        assert not is_payment_ref(swapped)


@given(n=st.integers(1_000, LAST_PAYMENT_REF), zeros=st.integers(0, 3))
def test_pain_19_references_are_compared_as_numbers(n: int, zeros: int) -> None:
    """`0005` was not `00005`: noughts lost or added on the way do not matter."""
    ref = payment_ref_from(n)
    typed = ref.lstrip("0")
    if len(typed) >= 5:
        assert split_payment_ref(f"{typed} ﾔﾏﾀﾞ").ref == ref
    assert split_payment_ref("0" * zeros + f"{ref} ﾔﾏﾀﾞ").ref == ref


@pytest.mark.parametrize(
    ("raw", "rest"),
    [
        ("00123456 ﾔﾏﾀﾞ", "00123456 ヤマダ"),  # wrong check digit
        ("18 ﾔﾏﾀﾞ", "18 ヤマダ"),  # too short to be meant as one
        ("ﾔﾏﾀﾞ 090-0012-3455", "ヤマダ 090-0012-3455"),
        ("ﾔﾏﾀﾞ 00123455 ﾀﾛｳ", "ヤマダ 00123455 タロウ"),  # in the middle
        ("00000000 ﾔﾏﾀﾞ", "00000000 ヤマダ"),
        ("", ""),
    ],
)
def test_other_digits_stay_in_the_name(raw: str, rest: str) -> None:
    assert split_payment_ref(raw) == (None, rest)


def test_two_different_references_are_none_and_a_repeated_one_is_one() -> None:
    other = payment_ref_from(777)
    assert split_payment_ref(f"00123455 ﾔﾏﾀﾞ {other}") == (None, "ヤマダ")
    assert split_payment_ref("00123455 ﾔﾏﾀﾞ 123455") == ("00123455", "ヤマダ")
    assert split_payment_ref("００１２３４５５") == ("00123455", "")


def test_references_are_never_used_twice_and_end_where_the_digits_end() -> None:
    assert len({payment_ref_from(n) for n in range(1, 5_001)}) == 5_000
    assert payment_ref_from(LAST_PAYMENT_REF).startswith("9999999")
    for n in (0, LAST_PAYMENT_REF + 1):
        with pytest.raises(DomainError) as refusal:
            payment_ref_from(n)
        assert refusal.value.code == "payment_refs_used_up"


@pytest.mark.parametrize("text", ["", "123455", "001234550", "0012345５", "0012345a", "00000000", " 00123455"])
def test_only_eight_ascii_digits_are_a_reference(text: str) -> None:
    assert not is_payment_ref(text)
