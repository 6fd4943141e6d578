"""Reading the held-out sentences and comparing the bot's answers with them."""

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from bot.understanding import Understanding, understand

TODAY = date(2026, 11, 18)  # a Wednesday
FOLDER = Path(__file__).parent
INFERRED = {"payment_method": "bank_transfer"}


@dataclass(frozen=True)
class Case:
    """A sentence with what it means."""

    intent: str
    utterance: str
    slots: dict[str, object]


def read_cases(name: str) -> list[Case]:
    """The cases of a tab-separated file: intent, sentence, slots as JSON (may be left out)."""
    cases = []
    for line in (FOLDER / name).read_text(encoding="utf-8").splitlines():
        if line:
            intent, utterance, *slots = line.split("\t")
            cases.append(Case(intent, utterance, json.loads(slots[0]) if slots else {}))
    return cases


def ask(case: Case, lang: str | None = None) -> Understanding:
    """What the bot understands of a case."""
    return understand(case.utterance, today=TODAY, lang=lang)


def wrong_slots(case: Case, said: Understanding) -> dict[str, tuple[object, object]]:
    """Slots that differ: name to (expected, given). bank_transfer drawn from the wording is accepted either way."""
    wrong = {}
    for name in case.slots.keys() | said.slots.keys():
        expected, given = case.slots.get(name), said.slots.get(name)
        if expected != given and not (expected is None and given == INFERRED.get(name)):
            wrong[name] = (expected, given)
    return wrong
