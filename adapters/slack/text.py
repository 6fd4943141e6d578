"""Text to and from Slack's mrkdwn. Everything a person wrote is escaped: `<!channel>` in it must notify nobody."""

import re
from collections.abc import Callable

SECTION = 2_900  # a section takes 3 000
TOTAL = 11_000  # of a message's blocks together Slack refuses from about 13 200 on (platforms.md 3)
CUT = "…"
Shown = Callable[[str], str] | None  # how a text is written in a block; None: escaped
_LINK = re.compile(r"<(?:([@#!])([^|>]+)(?:\|([^>]*))?|([^|>]+)(?:\|([^>]*))?)>")


def escape(text: str) -> str:
    """Source: https://docs.slack.dev/messaging/formatting-message-text/#escaping"""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def unescape(text: str) -> str:
    """What a person typed, from what Slack made of it: links and mentions as plain words, the three signs as themselves."""

    def plain(found: re.Match[str]) -> str:
        sign, target, label, address, shown = found.groups()
        if sign:
            return f"{'@' if sign == '!' else sign}{label or target}"
        bare = address.removeprefix("mailto:")
        return bare if not shown or shown in (address, bare) else f"{shown} ({address})"

    return _LINK.sub(plain, text).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def cut(text: str, limit: int) -> str:
    """At most so many characters, saying that something is left out."""
    return text if len(text) <= limit else text[: limit - 1] + CUT


def fit(text: str, limit: int, shown: Shown = None) -> str:
    """As `cut`, by the length that it has once escaped (or `shown` in another way): `&` takes five characters."""
    if len((shown or escape)(text)) <= limit:
        return text
    return text[: _longest(text, limit - len(CUT), shown or escape)] + CUT


def in_sections(text: str, *, limit: int = SECTION, shown: Shown = None) -> list[str]:
    """A long text in parts that a section takes once escaped (or `shown`), cut where a line ends if one does in the last
    third.
    """
    parts, shown = [], shown or escape
    while len(shown(text)) > limit:
        end = _longest(text, limit, shown)
        line = text.rfind("\n", end * 2 // 3, end)
        end = line + 1 if line > 0 else end
        parts.append(text[:end])
        text = text[end:]
    return [*parts, text] if text.strip() or not parts else parts


def _longest(text: str, limit: int, shown: Callable[[str], str]) -> int:
    """How many characters of it are at most `limit` as they are shown; one at least."""
    low, high = 1, min(len(text), limit)
    while low < high:
        middle = (low + high + 1) // 2
        if len(shown(text[:middle])) <= limit:
            low = middle
        else:
            high = middle - 1
    return low


def quoted(text: str) -> str:
    """Escaped, as a quotation."""
    return "\n".join(f"> {line}" for line in escape(text).splitlines()) or "> "
