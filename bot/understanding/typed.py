"""Short answers to a form's question, as people type them: a member number, a choice out of a list, a minus."""

import re
import unicodedata
from collections.abc import Mapping

from bot.understanding import normalise, parse_choice_number

_MEMBER_NO = re.compile(r"[0-9A-Z][0-9A-Z_-]{0,38}")
_LEAD_IN = re.compile(r"^(会員番号|会員ID|MEMBER ?ID)[はが:： ]*")
_ENDING = re.compile(r"(です|でス|でございます)。?$")
_DASHES = str.maketrans(dict.fromkeys("ー‐‑–—−", "-"))
_ALL = re.compile(
    r"(全部|全て|すべて|ぜんぶ|全件|all|everything)(です|で|を?お願いします|を?更新します)?。?", re.IGNORECASE
)
_NONE = re.compile(r"(特に)?(なし|無し|ない|無い|ありません|ございません|不要|スキップ)(です)?。?|no(ne|thing)?|skip")
_BETWEEN = re.compile(r"[\s、,，・と]+")


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip()


def read_member_no(text: str) -> str | None:
    """A member number in capitals without the words around it; None for what cannot be one."""
    plain = _LEAD_IN.sub("", _folded(text).upper())
    plain = _ENDING.sub("", plain).strip().translate(_DASHES)
    return plain if _MEMBER_NO.fullmatch(plain) else None


def is_negative(text: str) -> bool:
    """Whether an amount was meant to be below zero."""
    return _folded(text).startswith(("-", "−", "▲", "△", "マイナス", "minus"))


def says_none(text: str) -> bool:
    """Whether an optional question is answered with "there is none"."""
    return _NONE.fullmatch(_folded(text).casefold()) is not None


def read_choices(text: str, labels: Mapping[str, str]) -> list[str]:
    """The keys of `labels` (in their order) that the text names, by label, by place in the list, or all of them."""
    plain = _folded(text)
    if _ALL.fullmatch(plain):
        return list(labels)
    words = {_key(word) for word in [plain, *_BETWEEN.split(plain)] if word}
    places = {number for word in _BETWEEN.split(plain) if (number := parse_choice_number(word))}
    return [
        key for place, (key, label) in enumerate(labels.items(), start=1) if _key(label) in words or place in places
    ]


def _key(text: str) -> str:
    return re.sub(r"\s", "", _folded(text).casefold())


_PUT_RIGHT = re.compile(
    r"直[しすさせ]|なおし|訂正|変更|変え|修正|間違|まちが|ちがい|違い|違う|change|correct|wrong|fix"
)


def put_right(text: str, names: Mapping[str, str]) -> str | None:
    """The one of the named things (key → name) that the words want to put right; None: none, or more than one."""
    said = normalise(text).casefold()
    if not _PUT_RIGHT.search(said):
        return None
    named = [
        key for key, name in names.items() if normalise(name).casefold().lstrip("おご") in said
    ]  # 振込額, お振込額
    return named[0] if len(named) == 1 else None
