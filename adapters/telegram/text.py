"""Long text for Telegram: cut on the source at paragraphs, lines or characters, and only then turned into HTML."""

import html
import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

from telegram.constants import MessageLimit

TEXT_UNITS = int(MessageLimit.MAX_TEXT_LENGTH)  # 4096 after entity parsing; counted here in UTF-16 units, never too few
CAPTION_UNITS = int(MessageLimit.CAPTION_LENGTH)
_BREAKS = (re.compile(r"\n\s*\n"), re.compile(r"\n"), re.compile(r"(?<=[。．！？!?])"), re.compile(r"[ \u3000]"))
_JOINERS = frozenset("\u200d\ufe0e\ufe0f") | {chr(tone) for tone in range(0x1F3FB, 0x1F400)}
_CONTROL = {code: None for code in range(32) if chr(code) not in "\n\t"} | {0x7F: None}


class Run(NamedTuple):
    """A stretch of plain text in one style."""

    text: str
    bold: bool = False


Runs = tuple[Run, ...]


def units(text: str) -> int:
    """Length in UTF-16 code units, as Telegram counts entities; an emoji outside the basic plane counts two."""
    return len(text) + sum(char > "\uffff" for char in text)


def clean(text: str) -> str:
    """Without control characters and lone surrogates, which Telegram refuses as bad UTF-8."""
    return text.translate(_CONTROL).encode("utf-8", "ignore").decode("utf-8").replace("\t", "    ")


def to_html(runs: Sequence[Run]) -> str:
    """HTML with everything escaped that anybody typed."""
    return "".join(f"<b>{html.escape(run.text)}</b>" if run.bold else html.escape(run.text) for run in runs)


def to_plain(runs: Sequence[Run]) -> str:
    """The same without markup."""
    return "".join(run.text for run in runs)


def split_runs(runs: Sequence[Run], limit: int = TEXT_UNITS) -> list[Runs]:
    """Parts of at most `limit` units each; nothing but white space at the cuts is lost, no tag can be cut through."""
    parts: list[Runs] = []
    rest = _strip(runs)
    while rest:
        text = to_plain(rest)
        if units(text) <= limit:
            parts.append(rest)
            break
        head, rest = _cut(rest, _cut_at(text, limit))
        head, rest = _strip(head), _strip(rest)
        if head:
            parts.append(head)
    return parts


def _cut_at(text: str, limit: int) -> int:
    """Index of the best cut within the limit: the last paragraph, line, sentence or word, unless it comes too early."""
    end = _index_of_unit(text, limit)
    for pattern in _BREAKS:
        cuts = [match.end() for match in pattern.finditer(text, 0, end)]
        if cuts and cuts[-1] >= end // 2:
            return cuts[-1]
    cut = end
    while cut > 1 and _joined(text, cut):
        cut -= 1
    return cut if cut > 1 else end


def _index_of_unit(text: str, limit: int) -> int:
    used = 0
    for index, char in enumerate(text):
        used += 2 if char > "\uffff" else 1
        if used > limit:
            return index
    return len(text)


def _joined(text: str, cut: int) -> bool:
    """Whether the characters on both sides of the cut are seen as one (accents, dakuten, emoji families)."""
    after, before = text[cut], text[cut - 1]
    return bool(unicodedata.combining(after)) or after in _JOINERS or before == "\u200d"


def _cut(runs: Runs, at: int) -> tuple[Runs, Runs]:
    head: list[Run] = []
    tail: list[Run] = []
    for run in runs:
        head.append(Run(run.text[: max(at, 0)], run.bold))
        tail.append(Run(run.text[max(at, 0) :], run.bold))
        at -= len(run.text)
    return tuple(run for run in head if run.text), tuple(run for run in tail if run.text)


def _strip(runs: Sequence[Run]) -> Runs:
    """Without white space at both ends, where Telegram would drop it too."""
    kept = [run for run in runs if run.text]
    while kept and not kept[0].text.lstrip():
        kept.pop(0)
    while kept and not kept[-1].text.rstrip():
        kept.pop()
    if kept:
        kept[0] = Run(kept[0].text.lstrip(), kept[0].bold)
        kept[-1] = Run(kept[-1].text.rstrip(), kept[-1].bold)
    return tuple(kept)
