"""Card numbers, My Number and passwords typed into a chat are masked before the delivery is stored, and the member is told
(row X12). What is in a picture is not read."""

import re
from dataclasses import replace

from bot.inbound import Inbound

_STRETCH = re.compile(r"[0-9](?:[ .-]{0,3}[0-9])*")  # digits, however they are grouped
_GROUP = re.compile("[0-9]+")
_TO_ASCII = str.maketrans("０１２３４５６７８９－‐–—ー・．　", "0123456789-----.. ")
_LENGTHS = range(13, 20)
_MOST_GROUPS = 6
MASK = "****"
_MY_NUMBER_WORDS = re.compile("マイナンバー|個人番号|my ?number", re.IGNORECASE)
_MY_NUMBER = re.compile(r"(?<![0-9])[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]{4}(?![0-9])")
# With a digit or a sign of the kind passwords have: "the password is wrong.", "パスワードはFTP/SFTPと同じですか" hold none
_PASSWORD = re.compile(
    r"(?:パスワード|暗証番号|password|passcode)\s*(?:は|が|[:：=＝]|is(?= ))\s*[「\"']?"
    r"(?!https?://|[0-9]{4}[/.-][0-9]{1,2}[/.-]|[\w.+-]+@[\w-]+\.)"  # an address, a day
    r"(?=[!-~]{4})(?=[!-~]*[0-9@#$%&*_+=^~])([!-~]*[0-9A-Za-z@#$%&*_+=^~-])",
    re.IGNORECASE,
)


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


def _my_numbers_in(text: str, named: bool) -> list[tuple[int, int]]:
    """Where a My Number stands: named so, or alone. Parcels and receipts have twelve digits too."""
    if not named and not _MY_NUMBER.fullmatch(text.strip()):
        return []
    return [found.span() for found in _MY_NUMBER.finditer(text) if _is_my_number(re.sub("[ -]", "", found[0]))]


def _is_my_number(digits: str) -> bool:
    """The check digit of the ministerial order (平成26年総務省令第85号第5条)."""
    weighed = zip(reversed(digits[:-1]), (2, 3, 4, 5, 6, 7, 2, 3, 4, 5, 6), strict=True)
    rest = sum(int(digit) * weight for digit, weight in weighed) % 11
    return int(digits[-1]) == (0 if rest <= 1 else 11 - rest)


def mask_secrets(inbound: Inbound) -> tuple[Inbound, bool]:
    """The same act without card numbers, My Number and passwords in its text, and whether there were any."""
    plain = inbound.text.translate(_TO_ASCII)
    named = bool(_MY_NUMBER_WORDS.search(inbound.text))
    spans = (
        _cards_in(plain) + _my_numbers_in(plain, named) + [found.span(1) for found in _PASSWORD.finditer(inbound.text)]
    )
    if not spans:
        return inbound, False
    text = inbound.text
    for start, end in reversed(_merged(spans)):
        text = text[:start] + MASK + text[end:]
    return replace(inbound, text=text), True


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """In order, and those that overlap as one: a card number given as a password is both."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
