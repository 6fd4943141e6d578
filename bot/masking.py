"""Card numbers typed into a chat are masked before the delivery is stored, and the member is told (row X12)."""

import re
from dataclasses import replace

from bot.inbound import Inbound

_STRETCH = re.compile(r"[0-9](?:[ .-]{0,3}[0-9])*")  # digits, however they are grouped
_GROUP = re.compile("[0-9]+")
_TO_ASCII = str.maketrans("０１２３４５６７８９－‐–—ー・．　", "0123456789-----.. ")
_LENGTHS = range(13, 20)
_MOST_GROUPS = 6
MASK = "****"


def _cards_in(text: str) -> list[tuple[int, int]]:
    """Where card numbers stand. What stands beside one (its expiry, its code, a phone number) must not hide it."""
    found: list[tuple[int, int]] = []
    for stretch in _STRETCH.finditer(text):
        groups = [match.span() for match in _GROUP.finditer(text, *stretch.span())]
        first = 0
        while first < len(groups):
            ends = range(min(len(groups), first + _MOST_GROUPS), first, -1)
            after = next((end for end in ends if _is_card_number(text, groups[first:end])), 0)
            if after:
                found.append((groups[first][0], groups[after - 1][1]))
            first = after or first + 1
    return found


def _is_card_number(text: str, groups: list[tuple[int, int]]) -> bool:
    """Luhn's check, with a first digit that card schemes use: transfer amounts and references do not pass.

    Cards are written in groups of three digits or more; dates and times are not.
    """
    if len(groups) > 1 and min(end - start for start, end in groups) < 3:
        return False
    digits = "".join(text[start:end] for start, end in groups)
    if len(digits) not in _LENGTHS or digits[0] not in "3456" or len(set(digits)) == 1:
        return False
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def mask_secrets(inbound: Inbound) -> tuple[Inbound, bool]:
    """The same act without card numbers in its text, and whether there were any."""
    spans = _cards_in(inbound.text.translate(_TO_ASCII))
    if not spans:
        return inbound, False
    text = inbound.text
    for start, end in reversed(spans):
        text = text[:start] + MASK + text[end:]
    return replace(inbound, text=text), True
