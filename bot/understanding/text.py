"""Bringing what a member typed into one written form before anything looks at it (dialogue-and-desk.md 2.4)."""

import re
import unicodedata
from pathlib import Path

MAX_CHARACTERS = 10_000
"""What a channel may hand in; the rest is cut, so that one message never costs more than a bounded amount of work."""

_INVISIBLE = re.compile(
    "[\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
_DASH_IN_CODE = re.compile(r"(?<=[A-Za-z0-9])\s?[‐‑‒–—―−ー－]\s?(?=[A-Za-z0-9])")
_DASH_BEFORE_NUMBER = re.compile(r"[‐‑‒–—―−－](?=\d)")
_SPACE = re.compile(r"\s+")
_TRAILING = re.compile(r"[\s。．.!?、,~〜…]+$")
_EMOJI = re.compile("[\u2190-\u21ff\u2300-\u23ff\u2460-\u24ff\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff]")

_HIRAGANA_OF = {code: code - 0x60 for code in range(0x30A1, 0x30F7)} | {ord("~"): None, ord("〜"): None}
_FINAL_LENGTH = re.compile(r"(?<=[\u30a1-\u30fc]{2})ー(?![\u30a1-\u30fc])")
_BETWEEN_JAPANESE = re.compile(r"(?<=[\u3041-\u30ff\u3400-\u9fff々])\s+(?=[\u3041-\u30ff\u3400-\u9fff々])")
_HONORIFIC = re.compile(r"[おご御](?=[\u4e00-\u9fff])")

# Okurigana and kana-only spelling differ from hand to hand; each family is read as its shortest kanji form.
_SPELLING = dict(
    line.split(",")
    for line in (Path(__file__).parent / "data" / "spellings.csv").read_text(encoding="utf-8").splitlines()[1:]
)
_SPELLING_PATTERN = re.compile("|".join(sorted(map(re.escape, _SPELLING), key=len, reverse=True)))


def normalise(text: str) -> str:
    """The text in NFKC (full-width letters, half-width kana, ① and ㈱ become plain), invisible characters removed,
    dashes inside printed numbers unified, white space collapsed. Case and inner punctuation stay for names.
    """
    plain = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text[:MAX_CHARACTERS]))[:MAX_CHARACTERS]
    plain = plain.replace("’", "'").replace("‘", "'").replace("“", '"').replace("”", '"').replace("〜", "~")
    plain = _DASH_BEFORE_NUMBER.sub("-", _DASH_IN_CODE.sub("-", plain))
    return _SPACE.sub(" ", plain).strip()


def fold(plain: str) -> str:
    """Normalised text for comparing only: case, katakana, final ー, honorific お/ご and spelling variants folded."""
    low = _FINAL_LENGTH.sub("", plain.casefold())
    low = _BETWEEN_JAPANESE.sub("", low.translate(_HIRAGANA_OF))
    low = _HONORIFIC.sub("", low)
    return _SPELLING_PATTERN.sub(lambda found: _SPELLING[found.group()], low)


def without_emoji(plain: str) -> str:
    """The text with pictographs turned into spaces."""
    return _EMOJI.sub(" ", plain)


def without_ending(plain: str) -> str:
    """The text without its closing punctuation."""
    return _TRAILING.sub("", plain)
