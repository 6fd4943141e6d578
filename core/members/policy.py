"""How members are written down for comparing and searching: pure functions."""

import re
import unicodedata

_HIRAGANA_TO_KATAKANA = {code: code + 0x60 for code in range(0x3041, 0x3097)}
_DASHES = {ord(dash): "-" for dash in "‐‑‒–—―−﹣－"}
_OWN_NUMBER = re.compile(r"M?-?([0-9]{1,12})")
_PHONE_LIKE = re.compile(r"\+?[0-9][0-9()-]*")
LONGEST_QUERY = 100
QUERY_WORDS = 3


def format_member_no(n: int) -> str:
    """M-000123, the number of a member who came without one (interfaces.md)."""
    return f"M-{n:06d}"


def fold(text: str) -> str:
    """One form for every way of typing it: NFKC, lower case, hiragana as katakana, one kind of dash; blanks stay."""
    return unicodedata.normalize("NFKC", text).translate(_DASHES).lower().translate(_HIRAGANA_TO_KATAKANA)


def email_key(email: str | None) -> str | None:
    """What mail addresses are compared by; never what is written to."""
    key = re.sub(r"\s", "", unicodedata.normalize("NFKC", email or "")).lower()
    return key or None


def member_no_candidates(typed: str) -> list[str]:
    """The numbers somebody may have meant by 「ｍ－１２３」 or "123": as typed, in capitals, and in our own shape."""
    text = re.sub(r"\s", "", unicodedata.normalize("NFKC", typed)).translate(_DASHES)[:40]
    found = [text, text.upper()]
    own = _OWN_NUMBER.fullmatch(text.upper())
    if own:
        found.append(format_member_no(int(own[1])))
    return list(dict.fromkeys(found))


def search_text(
    *,
    member_no: str,
    name: str,
    name_kana: str = "",
    email: str | None = None,
    sub_email: str | None = None,
    phone: str | None = None,
    external_key: str | None = None,
) -> str:
    """What the desk's search looks through: each value folded and without blanks, the phone as digits only."""
    parts = [member_no, name, name_kana, email, sub_email, external_key]
    folded = [re.sub(r"\s", "", fold(part)) for part in parts if part]
    digits = re.sub(r"[^0-9]", "", fold(phone or ""))
    return "\n".join([*folded, *([digits] if digits else [])])


def search_patterns(query: str) -> list[tuple[str, str]]:
    """`LIKE` patterns (escape character /) for up to three words of a query; all must match.

    Each is a pair: as typed, and, for what looks like a telephone number, its digits only. An empty query matches all.
    """
    words = fold(query[:LONGEST_QUERY]).split()[:QUERY_WORDS]
    found = []
    for word in words:
        digits = re.sub(r"[^0-9]", "", word) if _PHONE_LIKE.fullmatch(word) else word
        found.append((_contains(word), _contains(digits)))
    return found + [("%", "%")] * (QUERY_WORDS - len(found))


def _contains(text: str) -> str:
    return "%" + re.sub(r"([%_/])", r"/\1", text) + "%"
