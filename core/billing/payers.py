"""Who sent this transfer: payment references and payer names as banks write them (algorithms.md 6).

Banks give at most 48 half-width characters: `ｶ)ｲﾝﾀ-ﾈﾂﾄｻ-ﾋﾞｽ`, `00123455 ﾔﾏﾀﾞ ﾀﾛｳ`. A *reference* names an invoice; a
*name key* is what remains of a name when everything that banks and people write differently is taken away.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from core.errors import DomainError

LAST_PAYMENT_REF = 9_999_999

_SHORTEST_REF = 5  # as typed: house numbers, years and the ends of telephone numbers are no references
_EDGE_DIGITS = re.compile(r"(?P<lead>\A\s*(?P<first>\d+)\s*)|(?P<trail>\s*(?<!\d)(?P<last>\d+)\s*\Z)")

_SMALL_TO_LARGE = str.maketrans("ァィゥェォッャュョヮヵヶ", "アイウエオツヤユヨワカケ")
_HIRAGANA_TO_KATAKANA = {code: code + 0x60 for code in range(0x3041, 0x3097)}
_SPACED_MARKS = str.maketrans({"゛": "\u3099", "゜": "\u309a"})  # else NFKC puts a blank before the mark
_COMBINING_MARKS = str.maketrans({"\u3099": None, "\u309a": None})
_NOT_IN_A_KEY = re.compile("[^0-9A-Zア-ンヴ]")

_SHORT_FORMS = (
    # the Zengin abbreviations of legal forms, small kana written large; always met with a parenthesis
    "シユウ|ギヨ|シホウ|ロウム|チドク|トクヒ|カンリ|チユウ|ガク|ザイ|シヤ|フク|ホゴ|ドク|ベン|ゼイ|ダイ|ノウ|カ|ユ|メ|シ|ド|イ|ソ"
)
_LONG_FORMS = (
    "カブシキ[カガ]イシヤ|ユウゲン[カガ]イシヤ|ゴウドウ[カガ]イシヤ|ゴウシ[カガ]イシヤ|ゴウメイ[カガ]イシヤ"
    "|(?:イツパン|コウエキ)?(?:ザイダン|シヤダン)ホウジン|シヤカイフクシホウジン|イリヨウホウジン|シユウキヨウホウジン"
    "|ガツコウホウジン|(?:トクテイヒエイリカツドウ|エヌピオ)ホウジン"
)
_FORM_IN_FRONT = re.compile(rf"\A(?:\(?(?:{_SHORT_FORMS})\)|(?:{_LONG_FORMS})(?=.))")
_FORM_BEHIND = re.compile(rf"(?:\((?:{_SHORT_FORMS})\)?|(?<=.)(?:{_LONG_FORMS}))\Z")


class SplitPayer(NamedTuple):
    """A payer name taken apart: the reference in it, if there is exactly one, and the name that is left."""

    ref: str | None
    rest: str


def payment_ref_from(n: int) -> str:
    """Return the payment reference of the n-th invoice: 7 digits and a Luhn check digit, for example "00123455".

    Raises DomainError `payment_refs_used_up` (data: n) outside 1–9,999,999: references are unique for ever.
    """
    if not 1 <= n <= LAST_PAYMENT_REF:
        raise DomainError("payment_refs_used_up", n=n)
    digits = f"{n:07d}"
    return digits + str(_check_digit(digits))


def is_payment_ref(text: str) -> bool:
    """Return whether the text is a payment reference: 8 ASCII digits, not all 0, whose check digit is right."""
    if not re.fullmatch(r"[0-9]{8}", text) or text == "00000000":
        return False
    return _check_digit(text[:7]) == int(text[7])


def split_payment_ref(payer_name: str) -> SplitPayer:
    """Return the reference at either end of a payer name, in its 8 digits, and the rest of the name.

    References count as numbers: leading noughts may be missing or too many, as long as five digits were written. Digit
    groups that fail the check stay in the name. Two different references are no reference (a person looks at it), but
    both are taken off the name.
    """
    rest = unicodedata.normalize("NFKC", payer_name.translate(_SPACED_MARKS)).strip()
    refs: set[str] = set()
    found = True
    while found:
        found = False
        for edge in list(_EDGE_DIGITS.finditer(rest)):
            ref = _as_ref(edge["first"] or edge["last"])
            if ref:
                refs.add(ref)
                rest = (rest[: edge.start()] + rest[edge.end() :]).strip()
                found = True
                break
    return SplitPayer(refs.pop() if len(refs) == 1 else None, rest)


def payer_name_key(payer_name: str) -> str:
    """Return the key under which a payer name is compared; equal keys are evidence, an empty key is none.

    Width, case, hiragana, small kana, blanks, long vowel marks, legal forms at either end and references do not count;
    dakuten do (ヤマザキ is not ヤマサキ). Kanji do not enter the key: members give their payer name in kana.
    """
    name = split_payment_ref(payer_name).rest.upper().translate(_HIRAGANA_TO_KATAKANA).translate(_SMALL_TO_LARGE)
    name = re.sub(r"\s", "", name)
    without_form = _FORM_BEHIND.sub("", _FORM_IN_FRONT.sub("", name))
    return _NOT_IN_A_KEY.sub("", without_form.replace("ヲ", "オ"))


def weak_name_key(payer_name: str) -> str:
    """Return the name key without dakuten and handakuten: good for showing staff a candidate, never for confirming."""
    decomposed = unicodedata.normalize("NFD", payer_name_key(payer_name))
    return decomposed.translate(_COMBINING_MARKS)


def _as_ref(digits: str) -> str | None:
    if len(digits) < _SHORTEST_REF or not digits.isascii():
        return None
    ref = digits.lstrip("0").zfill(8)
    return ref if is_payment_ref(ref) else None


def _check_digit(digits: str) -> int:
    """Return the Luhn digit (ISO/IEC 7812-1): every second digit from the right doubled, digits of the products added."""
    total = 0
    for position, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (2 if position % 2 == 0 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return -total % 10
