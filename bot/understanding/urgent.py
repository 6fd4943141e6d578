"""Words after which no bot should go on by itself: anger, double charges, leaks, danger (dialogue-and-desk.md 2.5)."""

import re

from bot.understanding.text import fold, normalise

_WORDS = (
    "二重に振り込", "二重に振込", "2重に振り込", "2重に振込", "二重に払", "二重に支払", "二重に入金", "金返せ",
    "金を返せ", "カネ返せ", "つながらないぞ", "繋がらないぞ", "二重請求", "二重に請求", "2重請求", "2重に請求",
    "二重に引き落と", "身に覚えのない", "不正利用", "詐欺", "ふざけるな", "ふざけんな", "いい加減にし", "ばかにし",
    "訴え", "弁護士", "消費者センター", "消費生活センター", "警察", "消防", "火事", "水漏れ", "漏電", "情報漏",
    "漏えい", "漏洩", "流出", "乗っ取", "不正アクセス",
)  # fmt: skip
_ENGLISH = re.compile(
    r"\b(charged (me )?twice|(paid|transferred) (it )?twice|double[- ]charged"
    r"|scam|fraud|lawyer|sue you|police|data leak|leaked|hacked"
    r"|outrageous|unacceptable)\b"
)
_JAPANESE = re.compile("|".join(re.escape(fold(normalise(word))) for word in _WORDS))


_SIGNS = frozenset({"angry", "mad", "furious", "rage", "怒", "怒り", "😠", "😡", "🤬", "💢"})


def is_angry_sign(word: str) -> bool:
    """Whether a sticker's word or an emoji alone stands for anger."""
    return word.strip().casefold() in _SIGNS


def is_urgent(text: str) -> bool:
    """Whether the words ask for a person at once, whatever else they say."""
    folded = fold(normalise(text))
    return _JAPANESE.search(folded) is not None or _ENGLISH.search(folded) is not None
