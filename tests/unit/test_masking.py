"""Card numbers never reach the store (row X12), and nothing else is taken for one."""

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
    "text",
    [
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
