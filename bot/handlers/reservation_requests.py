"""Requests to change or cancel a reservation (F4), and a message about one (F5)."""

from datetime import date, datetime
from typing import Any

from bot import forms
from bot.forms import Answers, Form, Given, Step, Wrong
from bot.handlers.reservations import bookings_of, facility_words, may_ask, named, of_button, texts
from bot.registry import Context, Reply, Slots, action, intent
from bot.screens import reservation_requests as screens
from bot.screens.invoices import local
from bot.screens.model import Screen
from bot.screens.reservations import show_value
from bot.understanding import DateProblem, parse_choice_number, read_date
from bot.understanding.reservations import match_names, other_days, read_count, read_times
from bot.understanding.typed import read_choices
from core.bookings import requests, service
from core.bookings.policy import Kind, flaw_of_value, number_candidates
from core.bookings.service import ReservationView
from core.counter import reservations as counter
from core.profiles.booking import RequestField
from core.profiles.hours import calendar_of
from core.tickets.clocks import answer_due_at, record_away_told
from core.tickets.threads import get_ticket

FIELD = "f:"
MOST_SHOWN = 8
FORM_OF: dict[Kind, str] = {"change": "reservation_change", "cancel": "reservation_cancel"}


def _askable(c: Context, kind: Kind) -> list[ReservationView]:
    live = service.list_live(c.tx, member_id=c.need_member().id)
    return [each for each in live if may_ask(c, each, kind)][:MOST_SHOWN]


def _reservation(c: Context, answers: Answers) -> ReservationView:
    return service.get_reservation(c.tx, reservation_id=int(answers["reservation"]), member_id=c.need_member().id)


def _parse_reservation(c: Context, kind: Kind, given: Given) -> str:
    found = _askable(c, kind)
    if given.value is not None and any(str(each.id) == given.value for each in found):
        return str(given.value)
    numbers = number_candidates(given.text)
    place = parse_choice_number(given.text)
    for at, each in enumerate(found, start=1):
        if each.reservation_no in numbers or (at == place and not given.text.strip().startswith("R")):
            return str(each.id)
    typed = service.find_reservation(c.tx, number=given.text, member_id=c.need_member().id)
    if typed is not None and may_ask(c, typed, kind):  # beyond those that a screen has room for
        return str(typed.id)
    raise Wrong("reservation.wrong_choice")


def _choose(kind: Kind) -> Step:
    return Step(
        "reservation",
        lambda c, a: screens.ask_reservation(c.w, bookings_of(c), _askable(c, kind)),
        lambda c, a, given: _parse_reservation(c, kind, given),
        "reservation.choose_label",
        lambda c, a: _reservation(c, a).reservation_no,
    )


def _fields(c: Context, answers: Answers, kind: Kind) -> list[RequestField]:
    """Those that are asked: at a change, what was ticked."""
    fields = bookings_of(c).fields(kind, _reservation(c, answers).category_code)
    chosen = answers.get("what", ())
    return [field for field in fields if kind == "cancel" or field.code in chosen]


def _field_step(c: Context, field: RequestField, kind: Kind) -> Step:
    key = FIELD + field.code

    def show(c: Context, answers: Answers) -> str:
        return show_value(c.w, bookings_of(c), field, field.code, answers[key])

    return Step(
        key,
        lambda c, a: screens.ask_field(
            c.w, bookings_of(c), _reservation(c, a), field, change=kind == "change", today=c.today
        ),
        lambda c, a, given: _parse_field(c, field, given),
        "reservation.field_label",
        show,
        optional=kind == "cancel" and not field.required,
        name=local(c.w, field.name),
    )


def _parse_field(c: Context, field: RequestField, given: Given) -> Any:
    value = _read_value(c, field, given)
    facilities = [facility.code for facility in bookings_of(c).facilities]
    flaw = flaw_of_value(field, value, today=c.today, facilities=facilities)
    if flaw is not None:
        raise Wrong(f"reservation.flaw_{flaw}", most=field.most)
    return value


def _read_value(c: Context, field: RequestField, given: Given) -> Any:
    """What was pressed, picked or typed, as JSON; unreadable things stay unreadable, the policy says why."""
    if field.kind == "date":
        if given.day is not None:
            return given.day.isoformat()
        reading = read_date(given.text, today=c.today, past=False)
        if reading.problem is DateProblem.IMPOSSIBLE:
            raise Wrong("reservation.flaw_day_impossible")
        return reading.on.isoformat() if reading.on else given.text
    if field.kind == "time":
        times = read_times(given.text)
        return list(times) if times else given.text
    if field.kind == "number":
        number = read_count(given.text)
        return number if number is not None else given.text
    if field.kind == "text":
        return given.text.strip()
    return _read_choice(c, field, given)


def _read_choice(c: Context, field: RequestField, given: Given) -> Any:
    if given.value is not None:
        return str(given.value)
    names = (
        facility_words(bookings_of(c))
        if field.kind == "facility"
        else {choice.code: (choice.name.ja, choice.name.en) for choice in field.choices}
    )
    found = match_names(given.text, names)
    place = parse_choice_number(given.text)
    if len(found) != 1 and place is not None and place <= len(names):
        return list(names)[place - 1]
    return found[0] if len(found) == 1 else given.text


def _parse_what(c: Context, answers: Answers, given: Given) -> list[str]:
    fields = bookings_of(c).fields("change", _reservation(c, answers).category_code)
    known = {field.code: local(c.w, field.name) for field in fields}
    chosen = (
        [code for code in known if code in given.chosen]
        if given.chosen is not None
        else read_choices(given.text, known)
    )
    if not chosen:
        raise Wrong("reservation.wrong_what")
    return chosen


def _change_steps(c: Context, answers: Answers) -> list[Step]:
    steps = [] if "_given" in answers else [_choose("change")]
    if "reservation" not in answers:
        return steps
    steps.append(
        Step(
            "what",
            lambda c, a: screens.ask_what(
                c.w,
                bookings_of(c),
                _reservation(c, a),
                bookings_of(c).fields("change", _reservation(c, a).category_code),
                a.get("what", ()),
            ),
            _parse_what,
            "reservation.what_label",
            lambda c, a: c.w.join(local(c.w, field.name) for field in _fields(c, a, "change")),
        )
    )
    steps += [_field_step(c, field, "change") for field in _fields(c, answers, "change")]
    steps.append(_note_step())
    return steps


def _note_step() -> Step:
    return Step(
        "note",
        lambda c, a: Screen(c.w("reservation.ask_note")),
        _parse_text,
        "reservation.note_label",
        lambda c, a: str(a["note"] or c.w("reservation.none_note")),
        optional=True,
    )


def _parse_text(c: Context, answers: Answers, given: Given) -> str:
    text = given.text.strip()
    if not text:
        raise Wrong("reservation.wrong_body")
    return text[:1000]


def _cancel_steps(c: Context, answers: Answers) -> list[Step]:
    steps = [] if "_given" in answers else [_choose("cancel")]
    if "reservation" in answers:
        steps += [_field_step(c, field, "cancel") for field in _fields(c, answers, "cancel")]
    return steps


def _wanted(c: Context, answers: Answers, kind: Kind) -> dict[str, Any]:
    return {field.code: answers.get(FIELD + field.code) for field in _fields(c, answers, kind)}


def _confirm(c: Context, answers: Answers, kind: Kind) -> Screen:
    return screens.confirm(
        c.w,
        c.profile,
        _reservation(c, answers),
        kind=kind,
        fields=_fields(c, answers, kind),
        wanted=_wanted(c, answers, kind),
        note=str(answers.get("note") or ""),
        fee=requests.fee_of(c.profile, _reservation(c, answers), asked_on=c.today) if kind == "cancel" else None,
    )


def _file(c: Context, answers: Answers, kind: Kind) -> tuple[Reply, str, dict[str, Any]]:
    request = requests.file_request(
        c.tx,
        profile=c.profile,
        member_id=c.need_member().id,
        reservation_id=int(answers["reservation"]),
        kind=kind,
        wanted=_wanted(c, answers, kind),
        note=str(answers.get("note") or ""),
        chat_id=c.chat.id,
    )
    again = {"request": request.id}
    return show_filed(c, again), "reservation.filed", again


def _register(kind: Kind, title: str, steps: Any) -> None:
    forms.register(
        Form(
            name=FORM_OF[kind],
            intent=f"{kind}_reservation",
            version=1,
            title=title,
            steps=steps,
            confirm=lambda c, a: _confirm(c, a, kind),
            commit=lambda c, a: _file(c, a, kind),
            submit_label="reservation.submit",
        )
    )


_register("change", "reservation.change_title", _change_steps)
_register("cancel", "reservation.cancel_title", _cancel_steps)


@action("reservation.filed")
def show_filed(c: Context, slots: Slots) -> Reply:
    """The request as received; a second press of "send" comes here again."""
    member_id = c.need_member().id
    request = requests.get_request(c.tx, request_id=int(slots["request"]), member_id=member_id)
    reservation = service.get_reservation(c.tx, reservation_id=request.reservation_id, member_id=member_id)
    ticket = get_ticket(c.tx, ticket_id=request.ticket_id) if request.ticket_id else None
    due_at = _handed_over(c, ticket.id) if ticket is not None else None
    return screens.filed(
        c.w,
        c.profile,
        reservation,
        kind=request.kind,
        ticket_no=ticket.ticket_no if ticket is not None else "",
        due_at=due_at,
        now=c.tx.now,
    )


def _handed_over(c: Context, ticket_id: int) -> datetime | None:
    """Until when staff answer: the instant that they are warned about. Out of hours the screen that follows says so."""
    if not calendar_of(c.profile.support.business_hours).is_open(c.tx.now):
        record_away_told(c.tx, ticket_id=ticket_id)
    return answer_due_at(c.tx, ticket_id=ticket_id)


@action("reservation.change")
def change(c: Context, slots: Slots) -> Reply:
    """From a reservation's own button, however old: what cannot be asked any more says why."""
    return _begin(c, "change", of_button(c, slots), {})


@action("reservation.cancel")
def cancel(c: Context, slots: Slots) -> Reply:
    """As `change`."""
    return _begin(c, "cancel", of_button(c, slots), {})


def _begin(c: Context, kind: Kind, reservation: ReservationView, answers: Answers) -> Reply:
    requests.need_open(c.tx, profile=c.profile, reservation=reservation, kind=kind)
    return forms.begin(c, FORM_OF[kind], {"reservation": str(reservation.id), "_given": True, **answers})


@intent("change_reservation")
def change_reservation(c: Context, slots: Slots) -> Reply:
    """By one sentence: the reservation it names, or the only one that fits; the day it wants is filled in."""
    wanted = str(slots["date"]) if isinstance(slots.get("date"), str) else ""
    days = other_days(c.inbound.text, today=c.today, but=wanted) if c.inbound.text else []
    return _from_sentence(c, "change", slots, days, wanted)


@intent("cancel_reservation")
def cancel_reservation(c: Context, slots: Slots) -> Reply:
    """By one sentence: the reservation it names by number, facility or day."""
    return _from_sentence(c, "cancel", slots, [date.fromisoformat(day) for day in texts(slots.get("date"))], "")


def _from_sentence(c: Context, kind: Kind, slots: Slots, days: list[date], wanted: str) -> Reply:
    one = named(c, slots)
    if one is None:
        found = _askable(c, kind)
        if not found:
            late = bool(service.list_live(c.tx, member_id=c.need_member().id, limit=1))
            return screens.nothing_to_ask(c.w, c.profile, late=late)
        fitting = [each for each in found if _fits(c, each, slots, days)]
        if len(fitting) != 1:
            return forms.begin(c, FORM_OF[kind])
        one = fitting[0]
    return _begin(c, kind, one, _told(c, one, wanted) if kind == "change" else {})


def _fits(c: Context, reservation: ReservationView, slots: Slots, days: list[date]) -> bool:
    codes = {
        code for name in texts(slots.get("facility")) for code in match_names(name, facility_words(bookings_of(c)))
    }
    if codes and reservation.facility_code not in codes:
        return False
    return not days or any(reservation.used_on <= day <= reservation.until_on for day in days)


def _told(c: Context, reservation: ReservationView, wanted: str) -> Answers:
    """What the sentence says of the change counts only where the category's form asks for it and would take it."""
    said: dict[str, Given] = {}
    if wanted:
        said["used_on"] = Given(day=date.fromisoformat(wanted))
    if c.inbound.text and read_times(c.inbound.text):
        said["used_time"] = Given(text=c.inbound.text)
    answers: Answers = {}
    for field in bookings_of(c).fields("change", reservation.category_code):
        if field.code in said:
            try:
                answers[FIELD + field.code] = _parse_field(c, field, said[field.code])
            except Wrong:
                continue
    if answers:
        answers["what"] = [key.removeprefix(FIELD) for key in answers]
    return answers


def _contact_steps(c: Context, answers: Answers) -> list[Step]:
    return [
        Step(
            "body",
            lambda c, a: Screen(c.w("reservation.ask_body", reservation_no=_reservation(c, a).reservation_no)),
            _parse_text,
            "reservation.body_label",
            lambda c, a: str(a["body"])[:200],
        )
    ]


def _send(c: Context, answers: Answers) -> tuple[Reply, str, dict[str, Any]]:
    reservation = _reservation(c, answers)
    ticket = counter.write_about(
        c.tx,
        profile=c.profile,
        member_id=c.need_member().id,
        chat_id=c.chat.id,
        reservation_id=reservation.id,
        text=str(answers["body"]),
    )
    again = {"reservation": reservation.id}
    due_at = _handed_over(c, ticket.id)
    told = screens.contacted(c.w, c.profile, reservation, ticket.ticket_no, due_at, c.tx.now)
    return told, "reservation.history", again


forms.register(
    Form(
        name="reservation_contact",
        intent="open_ticket",
        version=1,
        title="reservation.contact_title",
        steps=_contact_steps,
        confirm=lambda c, a: screens.confirm_contact(c.w, _reservation(c, a), str(a["body"])),
        commit=_send,
        submit_label="reservation.submit_contact",
    )
)


@action("reservation.contact")
def contact(c: Context, slots: Slots) -> Reply:
    """この予約について連絡する."""
    return forms.begin(c, "reservation_contact", {"reservation": str(of_button(c, slots).id)})
