"""Reservations: the list with its search (F1), the details (F2), the contact history (F5)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from bot.screens.invoices import local
from bot.screens.model import Button, Card, DatePick, Screen, Tone, answer
from bot.screens.talk import intent_button, menu_button
from bot.wording import Wording
from core.bookings.policy import ReservationStatus, last_request_at, show_clock
from core.bookings.requests import RequestView
from core.bookings.service import OLDEST, PAGE_ROWS, ReservationFilter, ReservationPage, ReservationView
from core.clock import JST
from core.counter.contacts import ContactLine
from core.profiles.booking import Bookings, RequestField
from core.profiles.model import Profile

TONES: dict[str, Tone] = {"confirmed": "good", "asked": "warn", "waiting": "warn", "declined": "bad"}
PAYMENT_TONES: dict[str, Tone] = {"unpaid": "warn", "paid": "good"}
STATES = tuple(str(status) for status in ReservationStatus)


@dataclass(frozen=True, slots=True)
class Asking:
    """What may still be asked for on a reservation: until when, and what waits for staff already."""

    change: bool
    cancel: bool
    waiting: RequestView | None


def facility_name(w: Wording, bookings: Bookings, code: str) -> str:
    """The facility's name; the code itself where the profile has it no more."""
    facility = bookings.facility(code)
    return local(w, facility.name) if facility is not None else code


def category_name(w: Wording, bookings: Bookings, code: str) -> str:
    """The category's name; the code itself where the profile has it no more."""
    category = bookings.category(code)
    return local(w, category.name) if category is not None else code


def show_when(w: Wording, reservation: ReservationView) -> str:
    """2026年12月4日(金) 13:00〜15:00."""
    begin, end = reservation.used_from, reservation.used_until
    first, last = reservation.used_on, reservation.until_on
    if begin is None or end is None:
        return (
            w("reservation.when_day", day=first)
            if first == last
            else w("reservation.when_days", first=first, last=last)
        )
    clocks = {"begin": show_clock(begin), "end": show_clock(end)}
    if first == last:
        return w("reservation.when", day=first, **clocks)
    return w("reservation.when_days_times", first=first, last=last, **clocks)


def show_moment(w: Wording, at: datetime) -> str:
    """With the year: 2026年11月22日(日) 14:05."""
    there = at.astimezone(JST)
    return w("reservation.moment", day=there.date(), clock=f"{there:%H:%M}")


def show_state(w: Wording, state: str) -> str:
    """予約確定, キャンセル待ち …"""
    return w(f"reservation.state_{state}")


def show_value(w: Wording, bookings: Bookings, field: RequestField | None, code: str, value: Any) -> str:
    """A field's value in words, whatever its kind; what the profile knows no more as it is stored."""
    if value is None:
        return w("reservation.not_named")
    kind = field.kind if field is not None else {"used_on": "date", "used_time": "time"}.get(code, "text")
    if kind == "date":
        return w.date(date.fromisoformat(value))
    if kind == "time":
        return f"{value[0]}〜{value[1]}"
    if kind == "facility":
        return facility_name(w, bookings, str(value))
    choice = field.choice(str(value)) if field is not None and kind == "choice" else None
    return local(w, choice.name) if choice is not None else str(value)


def field_name(w: Wording, bookings: Bookings, category_code: str, code: str) -> tuple[RequestField | None, str]:
    """A field of a category's forms by its code, and its name; the code itself where the profile has it no more."""
    fields = (*bookings.fields("change", category_code), *bookings.fields("cancel", category_code))
    field = next((each for each in fields if each.code == code), None)
    return field, local(w, field.name) if field is not None else code


def reservation_card(w: Wording, bookings: Bookings, reservation: ReservationView) -> Card:
    """One line of the list."""
    state = str(reservation.state)
    rows = (
        (w("reservation.row_when"), show_when(w, reservation)),
        (w("reservation.row_booked"), show_moment(w, reservation.booked_at)),
    )
    title = f"{reservation.reservation_no} {facility_name(w, bookings, reservation.facility_code)}"
    note = w("reservation.waiting") if reservation.open_request_id is not None else ""
    return Card(title, rows, badge=show_state(w, state), tone=TONES.get(state, "plain"), note=note)


def _conditions(w: Wording, bookings: Bookings, filters: ReservationFilter) -> str:
    parts = [filters.number] if filters.number else []
    parts += [show_state(w, state) for state in filters.states]
    parts += [facility_name(w, bookings, code) for code in filters.facilities or ()]
    if filters.from_on and filters.until_on:
        one_day = filters.from_on == filters.until_on
        key = "reservation.when_day" if one_day else "reservation.between"
        parts.append(w(key, day=filters.from_on, first=filters.from_on, last=filters.until_on))
    elif filters.from_on or filters.until_on:
        key = "reservation.from_on" if filters.from_on else "reservation.until_on"
        parts.append(w(key, day=filters.from_on or filters.until_on))
    return w.join(parts)


def listed(
    w: Wording, bookings: Bookings, found: ReservationPage, filters: ReservationFilter, args: Mapping[str, Any]
) -> Screen:
    """Row F1: a page of the history, what was searched for, and the ways to search, sort and reset."""
    what = _conditions(w, bookings, filters)
    if found.total == 0:
        return _nothing(w, what, args)
    oldest = filters.sort == OLDEST
    lines = [w("reservation.list_oldest" if oldest else "reservation.list", n=found.total)]
    if what:
        lines.append(w("reservation.filtered", what=what))
    start = found.page * PAGE_ROWS
    if found.total > PAGE_ROWS:
        lines.append(w("reservation.page", first=start + 1, last=start + len(found.rows)))
    rows: list[tuple[Button, ...]] = [
        (
            Button(
                w("reservation.button_detail", reservation_no=each.reservation_no),
                "reservation.detail",
                {"reservation": each.id},
            ),
        )
        for each in found.rows
    ]
    if found.more:
        next_ = {**args, "page": found.page + 1}
        n = min(found.more, PAGE_ROWS)
        rows.append((Button(w("reservation.more", n=n), "reservation.list", next_, style="primary"),))
    if found.page:
        before = {**args, "page": found.page - 1}
        rows.append((Button(w("reservation.previous", n=PAGE_ROWS), "reservation.list", before),))
    rows.append(_search_row(w, what, args))
    turned = {**args, "sort": "newest" if oldest else "oldest", "page": 0}
    order = Button(w("reservation.newest_first" if oldest else "reservation.oldest_first"), "reservation.list", turned)
    rows.append((order, *_reset(w, what)))
    cards = tuple(reservation_card(w, bookings, each) for each in found.rows)
    return Screen("\n".join(lines), cards=cards, buttons=(*rows, menu_button(w)))


def _search_row(w: Wording, what: str, args: Mapping[str, Any]) -> tuple[Button, ...]:
    key = "reservation.search_more" if what else "reservation.search"
    return (Button(w(key), "reservation.find", {"filter": dict(args)}),)


def _reset(w: Wording, what: str) -> tuple[Button, ...]:
    return (Button(w("reservation.reset"), "reservation.list", {}),) if what else ()


def _nothing(w: Wording, what: str, args: Mapping[str, Any]) -> Screen:
    if not what:
        return Screen(w("reservation.none"), buttons=((intent_button(w, "open_ticket"),), menu_button(w)))
    text = "\n".join((w("reservation.none_match"), w("reservation.filtered", what=what)))
    rows = ((Button(w("reservation.search"), "reservation.find", {}),), _reset(w, what))
    return Screen(text, buttons=(*rows, menu_button(w)))


def unknown_facility(w: Wording, bookings: Bookings, name: str) -> Screen:
    """A facility that the operator does not have: those there are."""
    known = w.join(local(w, facility.name) for facility in bookings.facilities)
    rows = ((Button(w("reservation.search"), "reservation.find", {}), *_reset(w, name)), menu_button(w))
    return Screen(w("reservation.facility_unknown", name=name, known=known), buttons=rows)


def detail(w: Wording, profile: Profile, reservation: ReservationView, asking: Asking) -> Screen:
    """Row F2: usage, payment, contact person and billing contact, and what may be asked for."""
    bookings = profile.bookings
    assert bookings is not None
    args = {"reservation": reservation.id}
    lines = [
        w("reservation.detail", reservation_no=reservation.reservation_no),
        *_asking_lines(w, profile, reservation, asking),
    ]
    rows: list[tuple[Button, ...]] = []
    if asking.change:
        rows.append((Button(w("reservation.button_change"), "reservation.change", args, style="primary"),))
    if asking.cancel:
        rows.append((Button(w("reservation.button_cancel"), "reservation.cancel", args),))
    rows += [
        (Button(w("reservation.button_history"), "reservation.history", args),),
        (Button(w("reservation.button_contact"), "reservation.contact", args),),
        (Button(w("reservation.button_list"), "reservation.list", {}),),
    ]
    cards = (
        _usage_card(w, bookings, reservation),
        _payment_card(w, profile, reservation),
        _person_card(w, "reservation.card_contact", reservation.contact_name, reservation.contact_phone,
                     reservation.contact_email, ""),
        _person_card(w, "reservation.card_billing", reservation.billing_name, "", reservation.billing_email,
                     " ".join(filter(None, (_postal(reservation), reservation.billing_address)))),
    )  # fmt: skip
    return Screen("\n".join(lines), cards=cards, buttons=(*rows, menu_button(w)))


def _asking_lines(w: Wording, profile: Profile, reservation: ReservationView, asking: Asking) -> list[str]:
    bookings = profile.bookings
    assert bookings is not None
    if asking.waiting is not None:
        return [w("reservation.waiting_change" if asking.waiting.kind == "change" else "reservation.waiting_cancel")]
    until = {
        kind: last_request_at(reservation.used_on, bookings.deadline(kind, reservation.category_code))
        for kind in ("change", "cancel")
    }
    if asking.change:
        return [w("reservation.until_change", at=until["change"], cancel_at=until["cancel"])]
    if asking.cancel:
        return [w("reservation.until_cancel", at=until["cancel"])]
    if str(reservation.state) in ("asked", "waiting", "confirmed"):
        return [w("reservation.too_late", phone=profile.operator.phone)]
    return []


def _usage_card(w: Wording, bookings: Bookings, reservation: ReservationView) -> Card:
    state = str(reservation.state)
    confirmed = reservation.confirmed_at
    rows = [
        (w("reservation.row_facility"), facility_name(w, bookings, reservation.facility_code)),
        (w("reservation.row_category"), category_name(w, bookings, reservation.category_code)),
        (w("reservation.row_when"), show_when(w, reservation)),
    ]
    if reservation.purpose:
        rows.append((w("reservation.row_purpose"), reservation.purpose))
    for code, value in reservation.details.items():
        field, name = field_name(w, bookings, reservation.category_code, code)
        rows.append((name, show_value(w, bookings, field, code, value)))
    rows += [
        (w("reservation.row_booked"), show_moment(w, reservation.booked_at)),
        (w("reservation.row_confirmed"), show_moment(w, confirmed) if confirmed else w("reservation.not_yet")),
    ]
    return Card(w("reservation.card_usage"), tuple(rows), badge=show_state(w, state), tone=TONES.get(state, "plain"))


def _payment_card(w: Wording, profile: Profile, reservation: ReservationView) -> Card:
    state, amount_yen = reservation.payment_state, reservation.amount_yen
    rows = [(w("reservation.row_amount"), w("reservation.not_yet") if amount_yen is None else w.yen(amount_yen))]
    if reservation.payment_method:
        rows.append((w("reservation.row_method"), method_name(w, profile, reservation.payment_method)))
    if reservation.payment_due_on:
        rows.append((w("reservation.row_due"), w.date(reservation.payment_due_on)))
    rows.append((w("reservation.row_payment"), w(f"reservation.payment_{state}")))
    badge = w(f"reservation.payment_{state}")
    return Card(w("reservation.card_payment"), tuple(rows), badge=badge, tone=PAYMENT_TONES.get(state, "plain"))


def method_name(w: Wording, profile: Profile, code: str) -> str:
    """By code where the profile knows it, else in the operator's own words."""
    return next((local(w, method.name) for method in profile.payment.methods if method.code == code), code)


def _postal(reservation: ReservationView) -> str:
    return f"〒{reservation.billing_postal_code}" if reservation.billing_postal_code else ""


def _person_card(w: Wording, title: str, name: str, phone: str, email: str, address: str) -> Card:
    rows = [
        (w(key), value)
        for key, value in (
            ("reservation.row_name", name),
            ("reservation.row_phone", phone),
            ("reservation.row_address", address),
            ("reservation.row_email", email),
        )
        if value
    ]
    return Card(w(title), tuple(rows), note="" if rows else w("reservation.not_named"))


def ask_by(w: Wording) -> Screen:
    """What to search by."""
    rows = (
        (answer(w("reservation.find_number"), "number"), answer(w("reservation.find_state"), "state")),
        (answer(w("reservation.find_facility"), "facility"), answer(w("reservation.find_date"), "date")),
    )
    return Screen(w("reservation.find_by"), buttons=rows)


def ask_state(w: Wording) -> Screen:
    """Which state?"""
    return Screen(w("reservation.ask_state"), buttons=tuple((answer(show_state(w, state), state),) for state in STATES))


def ask_facility(w: Wording, bookings: Bookings) -> Screen:
    """Which facility?"""
    rows = tuple((answer(local(w, facility.name), facility.code),) for facility in bookings.facilities)
    return Screen(w("reservation.ask_facility"), buttons=rows)


def ask_date(w: Wording, today: date) -> Screen:
    """When? A month is one press, a day by picker or in words."""
    rows = ((
        answer(w("reservation.date_last_month"), "last"),
        answer(w("reservation.date_this_month"), "this"),
        answer(w("reservation.date_next_month"), "next"),
    ),)  # fmt: skip
    pick = DatePick(w("reservation.find_date"), Button(w("reservation.date_pick"), "form.answer"), value=today)
    return Screen(w("reservation.ask_date"), buttons=rows, date=pick)


def history(
    w: Wording,
    bookings: Bookings,
    reservation: ReservationView,
    lines: Sequence[ContactLine],
    *,
    more: int,
    skipped: int,
) -> Screen:
    """Row F5: what was said about a reservation, either way, newest first."""
    args = {"reservation": reservation.id}
    rows: list[tuple[Button, ...]] = []
    if more:
        later = {**args, "skipped": skipped + len(lines)}
        rows.append((Button(w("reservation.history_more", n=more), "reservation.history", later),))
    rows += [
        (Button(w("reservation.button_contact"), "reservation.contact", args, style="primary"),),
        (
            Button(
                w("reservation.button_detail", reservation_no=reservation.reservation_no), "reservation.detail", args
            ),
        ),
    ]
    key = "reservation.history" if lines else "reservation.history_none"
    told = [w(key, reservation_no=reservation.reservation_no)]
    told += [_history_line(w, bookings, reservation, line) for line in lines]
    return Screen("\n\n".join(told), buttons=(*rows, menu_button(w)))


def _history_line(w: Wording, bookings: Bookings, reservation: ReservationView, line: ContactLine) -> str:
    who = w("reservation.who_member") if line.author == "member" else w("reservation.who_staff", name=line.author_name)
    words = []
    if line.what:
        words.append(w(f"reservation.event_{line.what}"))
        for code, value in line.wanted.items():
            field, name = field_name(w, bookings, reservation.category_code, code)
            words.append(f"・{name}：{show_value(w, bookings, field, code, value)}")
    if line.words:
        words.append(line.words)
    if line.files:
        words.append(w("reservation.event_files", n=line.files))
    return w("reservation.history_line", at=line.at, who=who, words="\n".join(words))
