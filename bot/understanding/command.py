"""`madoguchi understand`: sentences in, JSON lines out (intents.md, interfaces.md "Commands")."""

import json
from collections.abc import Iterable, Iterator
from datetime import date

from bot.understanding import understand


def run(lines: Iterable[str], *, today: date, lang: str | None) -> Iterator[str]:
    """One JSON object for each line, an empty line included, so that input and output stay in step."""
    for line in lines:
        said = understand(line.rstrip("\r\n"), today=today, lang=lang)
        yield json.dumps(
            {
                "intent": said.intent,
                "confidence": said.confidence,
                "slots": said.slots,
                "alternatives": [list(pair) for pair in said.alternatives],
            },
            ensure_ascii=False,
        )
