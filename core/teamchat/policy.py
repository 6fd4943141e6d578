"""What is asked again before words go to a member: pure decisions (dialogue-and-desk.md 1.3)."""

import re
import unicodedata
from collections.abc import Iterator, Sequence

from core.errors import DomainError

HOLD_SECONDS = 10
# What a phone or a PC may run when it is opened: never sent to a member from a thread
REFUSED_ENDINGS = frozenset(
    {
        "exe", "com", "bat", "cmd", "msi", "scr", "pif", "lnk", "jar", "js", "jse", "vbs", "vbe", "wsf", "hta", "ps1", "psm1",
        "sh", "reg", "dll", "cpl", "apk", "ipa", "dmg", "pkg", "app", "iso", "htm", "html", "xhtml", "svg", "url",
    }
)  # fmt: skip
_DIGITS = re.compile(r"(?<![0-9])[0-9](?:[ -]?[0-9]){12,18}(?![0-9])")
_UNFILLED = re.compile(r"\{\{[^{}]*\}\}")
_TICKET_NO = re.compile(r"\bT-[0-9]{6,}\b")
_MEMBER_NO = re.compile(r"\b[A-Z]{1,3}-[0-9]{4,}\b")
PUBLIC = re.compile(r"\s*(?:>>|＞＞|≫)\s*")


def public_words(text: str) -> str | None:
    """The words after a leading `>>`; None: the message is for colleagues only."""
    found = PUBLIC.match(text)
    return text[found.end() :].strip() if found else None


def check_files(names: Sequence[str]) -> None:
    """Names of files on their way to a member. Errors: DomainError `file_type_refused` (name)."""
    for name in names:
        if name.rstrip(". ").rpartition(".")[2].casefold() in REFUSED_ENDINGS:
            raise DomainError("file_type_refused", name=name)


def list_warnings(text: str, *, ticket_no: str) -> list[str]:
    """What in these words should not go out by accident: card_number, unfilled, other_ticket."""
    folded = unicodedata.normalize("NFKC", text)
    found = []
    if any(_is_card(match) for match in _DIGITS.findall(folded)):
        found.append("card_number")
    if _UNFILLED.search(folded):
        found.append("unfilled")
    if any(number != ticket_no for number in _TICKET_NO.findall(folded)):
        found.append("other_ticket")
    return found


def member_numbers(text: str) -> Iterator[str]:
    """What looks like a member's number: whoever knows the members says whether it is another one's."""
    for number in _MEMBER_NO.findall(unicodedata.normalize("NFKC", text)):
        if not number.startswith("T-"):
            yield number


def _is_card(text: str) -> bool:
    """Luhn's check, with a first digit that card schemes use."""
    digits = re.sub(r"[^0-9]", "", text)
    if digits[0] not in "3456" or len(set(digits)) == 1:
        return False
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
