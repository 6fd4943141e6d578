"""Card numbers, My Number and passwords never reach the store (row X12), and nothing else is taken for one."""

import pytest

from bot.inbound import Inbound
from bot.masking import MASK, mask_secrets


def masked(text: str) -> str:
    return mask_secrets(Inbound("webchat", "web", "a", "k", "text", text=text))[0].text


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("4111 1111 1111 1111", MASK),
        ("4111 1111 1111 1111 12/27", f"{MASK} 12/27"),
        ("カードは4111111111111111 123です", f"カードは{MASK} 123です"),
        ("4111-1111-1111-1111 1227", f"{MASK} 1227"),
        ("090 1234 5678 4111111111111111", f"090 1234 5678 {MASK}"),
        ("４１１１　１１１１　１１１１　１１１１", MASK),
        ("4111・1111・1111・1111", MASK),
        ("378282246310005と3782 822463 10005", f"{MASK}と{MASK}"),
    ],
)
def test_a_card_number_is_masked_whatever_stands_beside_it(text: str, kept: str) -> None:
    assert masked(text) == kept


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("マイナンバーは123456789018です", f"マイナンバーは{MASK}です"),
        ("１２３４　５６７８　９０１８", MASK),
        ("個人番号 1234-5678-9018 で確認できますか", f"個人番号 {MASK} で確認できますか"),
        ("パスワードは hunter2 です", f"パスワードは {MASK} です"),
        ("パスワード：Abcd!ef9。", f"パスワード：{MASK}。"),
        ("暗証番号は1234です", f"暗証番号は{MASK}です"),
        ("my password is s3cret, help", f"my password is {MASK}, help"),
        ("パスワードは4111111111111111です。会員番号はM-1001です", f"パスワードは{MASK}です。会員番号はM-1001です"),
        ("個人番号 password: 123456789018 and more", f"個人番号 password: {MASK} and more"),
        ("カード4111111111111111、パスワード=pass-word1", f"カード{MASK}、パスワード={MASK}"),
    ],
)
def test_a_my_number_and_a_password_are_masked_too(text: str, kept: str) -> None:
    assert masked(text) == kept


@pytest.mark.parametrize(
    "text",
    [
        "123456789012",
        "お荷物の番号は123456789018です",
        "マイナンバーは123456789012です",
        "パスワードを忘れました",
        "パスワードはFTPと同じですか",
        "the password is wrong",
        "The password is wrong.",
        "My password is expired, please reset it.",
        "passcode is case-sensitive?",
        "パスワードがFTP/SFTPで違いますか",
        "パスワードは2024/10/01に変更しました",
        "パスワードが https://example.jp/reset1 で変えられません",
        "パスワードは taro1@example.jp に届きますか",
        "パスワードは8文字以上ですか",
        "昨日13,200円を振り込みました",
        "090-1234-5678",
        "00000026 ヤマダ タロウ",
        "INV-2026-000123",
        "3300 2026.11.22 10 04 2",
        "5000 2026-11-22 14 30 00 1",
        "4111 1111 1111 1112",
        "0" * 16,
    ],
)
def test_other_numbers_stay(text: str) -> None:
    assert masked(text) == text
