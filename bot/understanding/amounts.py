"""Yen as members write it: 5,500円, ５５００円, 五千五百円, 1万円, 1.2万, ¥5500 (intents.md, slot `amount`)."""

import re
from dataclasses import dataclass
from decimal import Decimal

from bot.understanding.text import normalise, without_ending

_DIGIT_OF = {c: i for i, c in enumerate("〇一二三四五六七八九")} | {"零": 0, "壱": 1, "弐": 2, "参": 3}
_SMALL_UNIT = {"十": 10, "拾": 10, "百": 100, "千": 1000}
_LARGE_UNIT = {"万": 10_000, "億": 100_000_000}
_BEYOND_MONEY = 10**15
"""Longer numbers are no amounts of anything; reading them would only cost time."""
_PIECE = re.compile(r"(\d+(?:\.\d+)?)|([〇零一二三四五六七八九壱弐参]+)|([十拾百千])|([万億])")

_KANJI = "〇零一二三四五六七八九壱弐参十拾百千万億"
NUMBER = (
    r"(?:(?:\d{1,3}(?:,\d{3})+(?![\d,])|\d+(?:\.\d+)?(?![\d.,]*\d))"
    rf"[{_KANJI}\d]{{0,24}}|[{_KANJI}][{_KANJI}\d]{{0,24}})"
)
_PAYING = r"(?:お?振り?込|ふりこ|お?支?払|しはら|はら[いっ]|入金|送金|チャージ|入れ(?:て|た|ま)|納)"
_WITH_UNIT = re.compile(
    rf"(?P<sign>[-▲△])?(?:[¥\\]|jpy\s?)\s?(?P<front>{NUMBER})(?:\s?(?:円|yen))?"
    rf"|(?<![\d.,A-Za-z/-])(?P<back>{NUMBER}|\d+(?:\.\d+)?k)\s?(?:円|えん(?![かが])|yen\b|jpy\b)"
    rf"|(?<![\d.,A-Za-z/-])(?P<paid>\d{{1,3}}(?:,\d{{3}})+|\d+(?:\.\d+)?[万千]?|[{_KANJI}]{{2,24}})(?=\s?(?:を|"
    rf"だけ|ほど)?\s?{_PAYING})"
    r"|\b(?:paid|transferred|wired|remitted|deposited|sent)\s(?P<after>\d{1,3}(?:,\d{3})+|\d{3,})(?![\d,./-]|"
    r"\s?(?:days?|weeks?|invoices?)\b)",
    re.IGNORECASE,
)
_WHOLE = re.compile(
    rf"(?:[¥\\]|jpy\s?)?\s?(?P<number>{NUMBER}|\d+(?:\.\d+)?k)\s?(?:円|えん|yen|jpy)?(?:です|だ|でした|になります)?"
)
_GLUED_COMMAS = re.compile(r"(?<=\d)[、，](?=\d{3}(?!\d))")


@dataclass(frozen=True, slots=True)
class AmountFound:
    """An amount of yen and where it stands in the normalised text."""

    start: int
    end: int
    yen: int


def read_number(text: str) -> int | None:
    """A whole number out of digits, thousands commas, kanji numerals and 万/億, or None if it is not a whole number."""
    text = text.replace(",", "").lower()
    if text.endswith("k"):
        return _whole(Decimal(text[:-1]) * 1000)
    total, section, pending, at = Decimal(0), Decimal(0), None, 0
    for piece in _PIECE.finditer(text):
        if piece.start() != at:
            return None
        at = piece.end()
        digits, kanji, small, large = piece.groups()
        if digits or kanji:
            if pending is not None:
                return None
            pending = Decimal(digits or "".join(str(_DIGIT_OF[c]) for c in kanji))
        elif small:
            section += (Decimal(1) if pending is None else pending) * _SMALL_UNIT[small]
            pending = None
        else:
            section += pending or 0
            if section == 0:
                return None
            total += section * _LARGE_UNIT[large]
            section, pending = Decimal(0), None
    if at != len(text) or not text:
        return None
    return _whole(total + section + (pending or 0))


def _whole(number: Decimal) -> int | None:
    return int(number) if number == number.to_integral_value() and number < _BEYOND_MONEY else None


def parse_amount(text: str) -> int | None:
    """Yen out of an answer to "how much": no unit needed. None for anything else, also negative or broken amounts.

    Zero and absurdly long numbers are returned as they are; whether they may be paid is the caller's rule.
    """
    plain = _GLUED_COMMAS.sub(",", without_ending(normalise(text)))
    whole = _WHOLE.fullmatch(plain) or _WHOLE.fullmatch(plain.lower())
    if whole:
        return read_number(whole["number"])
    found = find_amounts(plain)
    return found[0].yen if len(found) == 1 else None


def find_amounts(plain: str) -> list[AmountFound]:
    """Amounts in a normalised sentence, in the order said. A number alone needs its unit or a payment verb."""
    found = []
    for match in _WITH_UNIT.finditer(plain):
        group = "front" if match["front"] else "back" if match["back"] else "paid" if match["paid"] else "after"
        negative = match["sign"] or plain[max(0, match.start() - 1) : match.start()] in ("-", "▲", "△")
        yen = read_number(match[group])
        if yen is not None and not negative:
            start = match.start(group) if group == "after" else match.start()
            found.append(AmountFound(start, match.end(), yen))
    return found
