"""What a kind of inquiry asks for besides: the profile's fields as steps of the form, and their answers for staff (row Q1)."""

import re
import unicodedata
from datetime import date

from bot.forms import Answers, Given, Step, Wrong
from bot.registry import Context
from bot.screens import tickets as screens
from bot.screens.invoices import local
from bot.understanding.dates import read_date
from bot.understanding.typed import read_choices
from core.contracts.service import list_contracts
from core.profiles.rules import TicketField

LONGEST = 200
_NUMBER = re.compile(r"\D{0,4}(\d[\d,]{0,11})\D{0,8}")  # 約3台, 1,200 pieces
MOST_CONTRACTS = 10


def field_steps(c: Context, answers: Answers) -> list[Step]:
    """A step for each field of the kind chosen; none before it is."""
    if "kind" not in answers:
        return []
    return [_step(c, field) for field in c.profile.support.kind(answers["kind"]).fields]


def list_details(c: Context, answers: Answers) -> list[dict[str, str]]:
    """The answers as they are kept with the ticket: the field's names, and the value as staff read it."""
    return [
        {"code": field.code, "ja": field.name.ja, "en": field.name.en, "value": _shown(c, field, answers)}
        for field in c.profile.support.kind(answers["kind"]).fields
        if answers.get(_key(field)) is not None
    ]


def _key(field: TicketField) -> str:
    return f"x_{field.code}"


def _step(c: Context, field: TicketField) -> Step:
    choices = _choices(c, field)
    return Step(
        _key(field),
        lambda c, a: screens.ask_field(c.w, field, choices),
        lambda c, a, given: _parse(c, field, choices, given),
        "ticket.title",
        lambda c, a: _shown(c, field, a) or c.w("ticket.files_none"),
        optional=not field.required,
        name=local(c.w, field.name),
    )


def _choices(c: Context, field: TicketField) -> list[tuple[str, str]]:
    if field.type == "choice":
        return [(choice.code, local(c.w, choice.name)) for choice in field.choices]
    if field.type == "contract" and c.member is not None:
        contracts = list_contracts(c.tx, profile=c.profile, member_id=c.member.id, with_ended=False)
        return [(contract.label, contract.label) for contract in contracts[:MOST_CONTRACTS]]
    return []


def _parse(c: Context, field: TicketField, choices: list[tuple[str, str]], given: Given) -> str:
    values = dict(choices)
    if given.value is not None and str(given.value) in values:
        return str(given.value)
    text = given.text.strip()
    if choices and (chosen := read_choices(text, values)):
        return chosen[0]
    if field.type == "choice":
        raise Wrong("ticket.wrong_choice")
    if field.type == "date":
        on = given.day or read_date(text, today=c.today, past=True).on
        if on is None:
            raise Wrong("ticket.wrong_date")
        return on.isoformat()
    if field.type == "number":
        number = _NUMBER.fullmatch(unicodedata.normalize("NFKC", text))
        if number is None:
            raise Wrong("ticket.wrong_number")
        return number[1].replace(",", "")
    if not text:
        raise Wrong("ticket.wrong_text")
    return text[:LONGEST]


def _shown(c: Context, field: TicketField, answers: Answers) -> str:
    value = answers.get(_key(field))
    if value is None:
        return ""
    if field.type == "choice":
        return next((local(c.w, choice.name) for choice in field.choices if choice.code == value), str(value))
    return c.w.date(date.fromisoformat(value)) if field.type == "date" else str(value)
