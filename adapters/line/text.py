"""Lengths as LINE counts them: UTF-16 code units (https://developers.line.biz/en/docs/messaging-api/text-character-count)."""

import re

TEXT_UNITS = 5_000
ALT_UNITS = 400
_NOT_SHOWN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


def units(text: str) -> int:
    """UTF-16 code units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def clean(text: str) -> str:
    """Without characters that no phone shows and an API may refuse."""
    return _NOT_SHOWN.sub("", text.replace("\r\n", "\n"))


def split(text: str, most: int = TEXT_UNITS) -> list[str]:
    """Parts of at most `most` units, broken at line ends where there is one in the second half; nothing is left out."""
    parts = []
    while units(text) > most:
        end = cut_at(text, most)
        line = text.rfind("\n", end // 2, end)
        end = line + 1 if line > 0 else end
        parts.append(text[:end])
        text = text[end:]
    return [*parts, text] if text.strip() or not parts else parts


def cut_at(text: str, most: int) -> int:
    """How many characters fit into `most` units."""
    used = 0
    for at, char in enumerate(text):
        used += 2 if ord(char) > 0xFFFF else 1
        if used > most:
            return at
    return len(text)


def shorten(text: str, most: int) -> str:
    """At most `most` units, with … where something was left out."""
    return text if units(text) <= most else text[: cut_at(text, most - 1)] + "…"
