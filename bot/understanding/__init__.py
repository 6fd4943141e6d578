"""Plain sentences into intents and slots (requirement X6, intents.md, dialogue-and-desk.md 2.4).

Normalisation, then values (masked out of the wording), then a classifier over concepts and wording, then the rules that
settle the doubtful cases. Pure: the same text and day give the same answer; only the package's own data files are read.
"""

import re
from dataclasses import dataclass
from datetime import date

from bot.understanding.amounts import parse_amount, read_number
from bot.understanding.classifier import model
from bot.understanding.confidence import licensed, tempered
from bot.understanding.dates import DateProblem, DateReading, parse_date, read_date
from bot.understanding.entities import MASKS, find_entities
from bot.understanding.features import extract
from bot.understanding.rules import Reading, settle
from bot.understanding.slots import SLOTS_OF, SlotValue, fill_slots
from bot.understanding.text import normalise, without_emoji, without_ending

__all__ = [
    "CONFIDENT", "INTENTS", "DateProblem", "DateReading", "SlotValue", "Understanding", "command_intent", "normalise",
    "parse_amount", "parse_choice_number", "parse_date", "read_date", "understand",
]  # fmt: skip

CONFIDENT = 0.5
"""From here on the bot acts on its guess; below, it asks back with the best guesses as buttons."""

INTENTS = tuple(SLOTS_OF)
"""Every intent name of intents.md."""

ANALYSED_CHARACTERS = 2_000
"""Values are looked for in this much of a message; nobody states an amount after page two."""

_ALTERNATIVES = 3
_WORTH_OFFERING = 0.03
_EMOJI_OF = {"confirm": "👍👌🆗🙆⭕", "decline": "🙅❌👎", "smalltalk": "🙏🙇😊👋❤"}
_EMOJI_MEANS = {sign: intent for intent, signs in _EMOJI_OF.items() for sign in signs}
_CANCEL_GUESSES = (("abort", 0.35), ("cancel_order", 0.25), ("cancel_reservation", 0.2), ("cancel_contract", 0.12))


@dataclass(frozen=True, slots=True)
class Understanding:
    """What a member wants (an intent of intents.md), how sure that is (0..1), its slots, and the next best guesses."""

    intent: str
    confidence: float
    slots: dict[str, SlotValue]
    alternatives: tuple[tuple[str, float], ...]


def understand(text: str, *, today: date, lang: str | None = None, expecting: str | None = None) -> Understanding:
    """Reads one message. `today` is the day in Japan that relative dates count from; `lang` is a hint, not a need.

    `expecting` is what the dialogue waits for: "confirm" for a yes-or-no question, or the intent of the active form,
    which then takes a bare value (5500円, example.jp) and settles a bare キャンセル.
    """
    command = command_intent(text)
    if command:
        return Understanding(command, 1.0, {}, ())
    plain = normalise(text)[:ANALYSED_CHARACTERS]
    words = without_emoji(plain).strip()
    if not re.search(r"\w", words):
        return _read_signs(plain)
    masked = find_entities(words, today=today)
    features = extract(masked)
    if expecting and SLOTS_OF.get(expecting) and not re.sub(rf"[{MASKS}\W]", "", masked.text):
        return Understanding(expecting, 0.9, fill_slots(expecting, masked), ())
    ranked = tempered(licensed(model().probabilities(features.weights), masked, features), features)
    verdict = settle(Reading(masked, features, ranked, expecting))
    if verdict:
        intent, confidence = verdict
        if confidence < CONFIDENT:
            return Understanding(intent, confidence, fill_slots(intent, masked), _CANCEL_GUESSES[1:])
        ranked = [(intent, max(confidence, dict(ranked)[intent])), *[pair for pair in ranked if pair[0] != intent]]
    intent, confidence = ranked[0]
    others = tuple((name, round(p, 3)) for name, p in ranked[1:] if p >= _WORTH_OFFERING and name != "fallback")
    return Understanding(intent, round(confidence, 3), fill_slots(intent, masked), others[:_ALTERNATIVES])


def _read_signs(plain: str) -> Understanding:
    """Emoji, punctuation or nothing at all: a weak yes, no or thanks, else nothing the bot can act on."""
    for sign, intent in _EMOJI_MEANS.items():
        if sign in plain and set(plain) <= set(sign) | set(_EMOJI_MEANS) | set("!。 🏻🏼🏽🏾🏿"):
            return Understanding(intent, 0.7, {}, ())
    return Understanding("fallback", 0.9, {}, ())


_CHOICE = re.compile(
    r"(?:no\.?|#|第)?\s?(\d{1,3}|[一二三四五六七八九十]{1,2})\s?(?:番目?|つ目|個目|号)?(?:で|です|を|が|の方|"
    r"にします|お願いします|でお願いします)?",
    re.I,
)


def parse_choice_number(text: str) -> int | None:
    """The number of a choice: 1, １, ①, 1番, 一番目. None for anything else, and for 0."""
    match = _CHOICE.fullmatch(without_ending(normalise(text)))
    return (read_number(match[1]) or None) if match else None


_COMMANDS = {
    "start": "show_menu", "menu": "show_menu", "help": "show_menu", "link": "link_account", "expiry": "check_expiry",
    "renew": "renew", "unpaid": "list_unpaid", "pay": "pay_invoice", "report": "report_payment",
    "reservation": "reservation_status", "ticket": "open_ticket", "status": "ticket_status", "notices": "show_notices",
    "settings": "reminder_settings", "human": "talk_to_human", "language": "change_language",
    "unlink": "unlink_account", "back": "back", "cancel": "abort",
}  # fmt: skip
_COMMAND = re.compile(r"/([a-z]+)(?:@\w+)?(?:\s|$)", re.IGNORECASE)


def command_intent(text: str) -> str | None:
    """The intent of a slash command (interfaces.md, "Words members type"), also /expiry@SomeBot; else None."""
    match = _COMMAND.match(normalise(text[:200]))
    return _COMMANDS.get(match[1].lower()) if match else None
