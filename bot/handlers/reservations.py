"""Reservations: list and search (F1), details (F2), contact history (F5)."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from bot import forms
from bot.forms import Answers, Form, Given, Step, Wrong
from bot.registry import Context, Reply, Slots, action, intent
from bot.screens import reservations as screens
from bot.screens.model import Screen
from bot.screens.reservations import Asking
from bot.understanding import DateProblem, normalise
from bot.understanding.reservations import find_period, match_names, read_period, read_states
from core.bookings import requests, service
from core.bookings.service import ReservationFilter, ReservationView
from core.counter.contacts import list_contacts
from core.errors import DomainError
from core.profiles.booking import Bookings

HISTORY_LINES = 8
LONGEST_NUMBER = 40


def bookings_of(c: Context) -> Bookings:
    """The profile's part about reservations."""
    return requests.need_bookings(c.profile)


def of_button(c: Context, slots: Slots) -> ReservationView:
    """The reservation that a button belongs to, if it is the member's."""
    return service.get_reservation(c.tx, reservation_id=int(slots["reservation"]), member_id=c.need_member().id)


def named(c: Context, slots: Slots) -> ReservationView | None:
    """The reservation whose number a sentence says; one that is not theirs is found as little as one that is not."""
    numbers = texts(slots.get("reservation_number"))
    if not numbers:
        return None
    found = service.find_reservation(c.tx, number=numbers[0], member_id=c.need_member().id)
    if found is None:
        raise DomainError("reservation_not_found")
    return found


def texts(value: Any) -> list[str]:
    """A slot as a list."""
    values = value if isinstance(value, list) else [value] if value else []
    return [str(item) for item in values]


def facility_words(bookings: Bookings) -> dict[str, tuple[str, ...]]:
    """What each facility may be called."""
    return {each.code: (each.name.ja, each.name.en, *each.words) for each in bookings.facilities}


@intent("reservation_status")
def reservation_status(c: Context, slots: Slots) -> Reply:
    """By one sentence: the one it names, those it describes, or all."""
    one = named(c, slots)
    if one is not None:
        return _detail(c, one)
    bookings, args = bookings_of(c), _args_of(c, slots)
    for name in texts(slots.get("facility")):
        codes = match_names(name, facility_words(bookings))
        if not codes:
            return screens.unknown_facility(c.w, bookings, name)
        args["facilities"] = sorted({*args.get("facilities", ()), *codes})
    return _list(c, _with_the_past_year(c, args))


def _args_of(c: Context, slots: Slots) -> dict[str, Any]:
    args: dict[str, Any] = {}
    states = read_states(str(slots["status"])) if slots.get("status") else ()
    if states:
        args["states"] = list(states)
    days = texts(slots.get("date"))
    if days:
        args |= {"from": min(days), "until": max(days)}
    elif c.inbound.text and (period := find_period(c.inbound.text, today=c.today)) is not None:
        args |= {key: day.isoformat() for key, day in zip(("from", "until"), period, strict=True) if day}
    return args


def _with_the_past_year(c: Context, args: dict[str, Any]) -> dict[str, Any]:
    """A day without a year is the next one; where nothing is booked then, who asks means the last one."""
    day = args.get("from")
    if not day or day != args.get("until") or str(date.fromisoformat(day).year) in normalise(c.inbound.text):
        return args
    found = service.list_reservations(c.tx, member_id=c.need_member().id, filters=read_filter(args))
    on = date.fromisoformat(day)
    if found.total or (on.month, on.day) == (2, 29):
        return args
    before = on.replace(year=on.year - 1)
    last = {**args, "from": before.isoformat(), "until": before.isoformat()}
    found = service.list_reservations(c.tx, member_id=c.need_member().id, filters=read_filter(last))
    return last if found.total else args


def read_filter(args: Mapping[str, Any]) -> ReservationFilter:
    """The filter as a button carries it."""
    days = {key: date.fromisoformat(args[key]) if args.get(key) else None for key in ("from", "until")}
    return ReservationFilter(
        number=str(args.get("number") or ""),
        states=tuple(args.get("states") or ()),
        facilities=tuple(args["facilities"]) if args.get("facilities") is not None else None,
        from_on=days["from"],
        until_on=days["until"],
        sort=str(args.get("sort") or service.NEWEST),
    )


def _list(c: Context, args: Mapping[str, Any]) -> Screen:
    filters = read_filter(args)
    found = service.list_reservations(
        c.tx, member_id=c.need_member().id, filters=filters, page=int(args.get("page") or 0)
    )
    return screens.listed(c.w, bookings_of(c), found, filters, args)


@action("reservation.list")
def show_list(c: Context, slots: Slots) -> Reply:
    """ご利用履歴: another page, another order, or (without a filter) all of it again."""
    return _list(c, slots)


@action("reservation.detail")
def show_detail(c: Context, slots: Slots) -> Reply:
    """Row F2."""
    return _detail(c, of_button(c, slots))


def _detail(c: Context, reservation: ReservationView) -> Screen:
    waiting = reservation.open_request_id
    asking = Asking(
        change=may_ask(c, reservation, "change"),
        cancel=may_ask(c, reservation, "cancel"),
        waiting=requests.get_request(c.tx, request_id=waiting) if waiting is not None else None,
    )
    return screens.detail(c.w, c.profile, reservation, asking)


def may_ask(c: Context, reservation: ReservationView, kind: str) -> bool:
    """Whether a request of this kind would be taken now."""
    try:
        requests.need_open(c.tx, profile=c.profile, reservation=reservation, kind=kind)
    except DomainError:
        return False
    return True


@action("reservation.history")
def show_history(c: Context, slots: Slots) -> Reply:
    """Row F5: from either side, newest first."""
    reservation = of_button(c, slots)
    skipped = int(slots.get("skipped") or 0)
    lines = list_contacts(c.tx, reservation_id=reservation.id)[skipped:]
    more = max(0, len(lines) - HISTORY_LINES)
    return screens.history(c.w, bookings_of(c), reservation, lines[:HISTORY_LINES], more=more, skipped=skipped)


@action("reservation.find")
def find(c: Context, slots: Slots) -> Reply:
    """The search form; it narrows down what was searched for already."""
    c.need_member()
    return forms.begin(c, "reservation_find", {"_filter": dict(slots.get("filter") or {})})


def _parse_by(c: Context, answers: Answers, given: Given) -> Any:
    """A way to search, or, typed, the search itself."""
    ways = {key: c.w(f"reservation.find_{key}") for key in ("number", "state", "facility", "date")}
    for key, label in ways.items():
        if given.value == key or given.text.strip() == label:
            return key
    found = _described(c, given.text)
    if not found:
        raise Wrong("reservation.find_wrong")
    return found


def _described(c: Context, text: str) -> dict[str, Any]:
    """What a typed search says, piece by piece."""
    slots = forms.read_slots(c, text, expecting="reservation_status")
    found: dict[str, Any] = {}
    numbers = texts(slots.get("reservation_number"))
    if numbers:
        found["number"] = numbers[0]
    states = read_states(text)
    if states:
        found["states"] = list(states)
    words = facility_words(bookings_of(c))
    codes = match_names(text, words) if not numbers else ()
    for name in texts(slots.get("facility")) if not codes and not numbers else ():  # "10月の会議室": a word within
        codes += match_names(name, words)
    if codes:
        found["facilities"] = sorted(set(codes))
    period = read_period(text, today=c.today)
    if not isinstance(period, DateProblem) and not numbers:
        found |= {key: day.isoformat() for key, day in zip(("from", "until"), period, strict=True) if day}
    return found


def _parse_number(c: Context, answers: Answers, given: Given) -> dict[str, Any]:
    text = normalise(given.text)
    if not any(char.isdigit() for char in text) or len(text) > LONGEST_NUMBER:
        raise Wrong("reservation.wrong_number")
    numbers = texts(forms.read_slots(c, text, expecting="reservation_status").get("reservation_number"))
    return {"number": numbers[0] if numbers else text}


def _parse_state(c: Context, answers: Answers, given: Given) -> dict[str, Any]:
    if given.value in screens.STATES:
        return {"states": [given.value]}
    states = read_states(given.text) or tuple(
        state for state in screens.STATES if given.text.strip() == screens.show_state(c.w, state)
    )
    if not states:
        raise Wrong("reservation.find_wrong")
    return {"states": list(states)}


def _parse_facility(c: Context, answers: Answers, given: Given) -> dict[str, Any]:
    words = facility_words(bookings_of(c))
    codes = (str(given.value),) if given.value in words else match_names(given.text, words)
    if not codes:
        raise Wrong("reservation.wrong_facility")
    return {"facilities": list(codes)}


def _parse_date(c: Context, answers: Answers, given: Given) -> dict[str, Any]:
    if given.day is not None:
        return {"from": given.day.isoformat(), "until": given.day.isoformat()}
    text = f"{given.value} month" if given.value in ("last", "this", "next") else given.text
    period = read_period(text, today=c.today)
    if period is DateProblem.IMPOSSIBLE:
        raise Wrong("reservation.impossible_date")
    if isinstance(period, DateProblem):
        raise Wrong("reservation.wrong_date")
    return {key: day.isoformat() if day else None for key, day in zip(("from", "until"), period, strict=True)}


def _find_steps(c: Context, answers: Answers) -> list[Step]:
    def step(key: str, ask: Any, parse: Any) -> Step:
        return Step(key, ask, parse, "reservation.find_by_label", lambda c, a: "")

    steps = [step("by", lambda c, a: screens.ask_by(c.w), _parse_by)]
    if answers.get("by") == "number":
        steps.append(step("number", lambda c, a: Screen(c.w("reservation.ask_number")), _parse_number))
    elif answers.get("by") == "state":
        steps.append(step("state", lambda c, a: screens.ask_state(c.w), _parse_state))
    elif answers.get("by") == "facility":
        steps.append(step("facility", lambda c, a: screens.ask_facility(c.w, bookings_of(c)), _parse_facility))
    elif answers.get("by") == "date":
        steps.append(step("date", lambda c, a: screens.ask_date(c.w, c.today), _parse_date))
    return steps


def _search(c: Context, answers: Answers) -> tuple[Reply, str, dict[str, Any]]:
    by = answers["by"]
    found = by if isinstance(by, dict) else answers[by]
    args = {**answers.get("_filter", {}), **found, "page": 0}
    return _list(c, args), "reservation.list", args


forms.register(
    Form(
        name="reservation_find",
        intent="reservation_status",
        version=1,
        title="reservation.find_title",
        steps=_find_steps,
        confirm=None,
        commit=_search,
        fixable=False,
    )
)
