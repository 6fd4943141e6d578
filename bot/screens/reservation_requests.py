"""Change and cancel requests (F4), a message about a reservation (F5), and what staff decided."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import Any

from bot.screens.invoices import local
from bot.screens.model import Button, Card, Check, Checks, DatePick, Screen, answer
from bot.screens.promises import staffed
from bot.screens.reservations import facility_name, show_value, show_when
from bot.screens.talk import intent_button, menu_button
from bot.wording import Wording
from core.bookings.policy import Fee, value_of
from core.bookings.service import ReservationView
from core.clock import at_in_japan
from core.profiles.booking import Bookings, RequestField
from core.profiles.model import Profile


def _bookings(profile: Profile) -> Bookings:
    assert profile.bookings is not None
    return profile.bookings


def now_of(w: Wording, bookings: Bookings, reservation: ReservationView, field: RequestField) -> str:
    """A field's present value in words."""
    value = value_of(field.code, reservation._asdict(), reservation.details)
    return show_value(w, bookings, field, field.code, value)


def nothing_to_ask(w: Wording, profile: Profile, *, late: bool) -> Screen:
    """No reservation is left to change; where it is only too late, the phone number."""
    text = w("reservation.none_open", phone=profile.operator.phone) if late else w("reservation.none_live")
    rows = ((intent_button(w, "reservation_status", primary=True),), (intent_button(w, "open_ticket"),))
    return Screen(text, buttons=(*rows, menu_button(w)))


def ask_reservation(w: Wording, bookings: Bookings, found: Sequence[ReservationView]) -> Screen:
    """Which one? One that the screen has no room for is named by its number."""
    rows = tuple(
        (
            answer(
                w(
                    "reservation.choice",
                    reservation_no=each.reservation_no,
                    facility=facility_name(w, bookings, each.facility_code),
                    day=each.used_on,
                ),
                str(each.id),
            ),
        )
        for each in found
    )
    return Screen(w("reservation.choose"), buttons=rows)


def ask_what(
    w: Wording,
    bookings: Bookings,
    reservation: ReservationView,
    fields: Sequence[RequestField],
    chosen: Sequence[str],
) -> Screen:
    """Which of the category's fields shall change?"""
    items = tuple(
        Check(
            field.code,
            local(w, field.name),
            hint=w("reservation.what_hint", value=now_of(w, bookings, reservation, field)),
            checked=field.code in chosen,
        )
        for field in fields
    )
    text = w(
        "reservation.ask_what",
        reservation_no=reservation.reservation_no,
        facility=facility_name(w, bookings, reservation.facility_code),
        when=show_when(w, reservation),
    )
    return Screen(text, checks=Checks(items, Button(w("reservation.next"), "form.answer", style="primary")))


def ask_field(
    w: Wording, bookings: Bookings, reservation: ReservationView, field: RequestField, *, change: bool, today: date
) -> Screen:
    """One question of the category's form, with the buttons or the calendar that its kind has."""
    name = local(w, field.name)
    pressed = field.kind in ("choice", "facility")  # nothing to type: its values are buttons
    key = "reservation.ask_field" if change else "reservation.ask_choice" if pressed else "reservation.ask_new"
    lines = [w(key, name=name, value=now_of(w, bookings, reservation, field))]
    if field.kind == "date":
        latest = today.replace(year=today.year + 2, day=1)
        pick = DatePick(name, Button(w("reservation.date_pick"), "form.answer"), earliest=today, latest=latest)
        return Screen("\n".join([*lines, w("reservation.ask_day")]), date=pick)
    if field.kind == "time":
        return Screen("\n".join([*lines, w("reservation.ask_times")]))
    if field.kind == "number":
        return Screen("\n".join([*lines, w("reservation.ask_number_of", most=field.most)]))
    choices = [(choice.code, local(w, choice.name)) for choice in field.choices]
    if field.kind == "facility":
        choices = [(each.code, local(w, each.name)) for each in bookings.facilities]
    return Screen("\n".join(lines), buttons=tuple((answer(label, code),) for code, label in choices))


def confirm(
    w: Wording,
    profile: Profile,
    reservation: ReservationView,
    *,
    kind: str,
    fields: Sequence[RequestField],
    wanted: Mapping[str, Any],
    note: str,
    fee: Fee | None,
) -> Screen:
    """All at a glance; a cancel request says what it costs before it is sent."""
    bookings = _bookings(profile)
    rows = [
        (w("reservation.choose_label"), reservation.reservation_no),
        (w("reservation.row_facility"), facility_name(w, bookings, reservation.facility_code)),
        (w("reservation.row_when"), show_when(w, reservation)),
    ]
    for field in fields:
        if field.code not in wanted:
            continue
        after = show_value(w, bookings, field, field.code, wanted[field.code])
        before = now_of(w, bookings, reservation, field)
        shown = w("reservation.change_row", before=before, after=after) if kind == "change" else after
        rows.append((local(w, field.name), shown))
    if note:
        rows.append((w("reservation.note_label"), note[:200]))
    text = w("reservation.confirm_change")
    if kind == "cancel":
        text = w("reservation.confirm_cancel", note=local(w, bookings.cancellation_note))
        if fee is not None:
            text += "\n" + w("reservation.fee_now" if fee.yen else "reservation.no_fee_now", **fee._asdict())
    return Screen(text, cards=(Card(w("reservation.confirm_card"), tuple(rows), tone="warn"),))


def filed(
    w: Wording, profile: Profile, reservation: ReservationView, *, kind: str, ticket_no: str, due_at: datetime | None,
    now: datetime,
) -> Screen:  # fmt: skip
    """Received: number, what happens next and by when; hours and phone."""
    key = "reservation.filed_change" if kind == "change" else "reservation.filed_cancel"
    text = w(
        key,
        reservation_no=reservation.reservation_no,
        ticket_no=ticket_no,
        **_promised(w, profile, reservation, due_at, now),
    )
    return Screen(text, buttons=(_to_detail(w, reservation), menu_button(w)))


def _promised(
    w: Wording, profile: Profile, reservation: ReservationView, due_at: datetime | None, now: datetime
) -> dict[str, str]:
    """As `staffed`; an answer that would come only after the use has begun is no help: the telephone is."""
    told = staffed(w, profile, due_at, now)
    begins = at_in_japan(reservation.used_on, reservation.used_from or time.min)
    if due_at is not None and now < begins < due_at:
        told["promise"] = w("reservation.promise_too_late", phone=profile.operator.phone)
    return told


def _to_detail(w: Wording, reservation: ReservationView) -> tuple[Button, ...]:
    label = w("reservation.button_detail", reservation_no=reservation.reservation_no)
    return (Button(label, "reservation.detail", {"reservation": reservation.id}),)


def decided(
    w: Wording,
    profile: Profile,
    reservation: ReservationView,
    kind: str,
    words: str,
    *,
    accepted: bool,
    fee: Fee | None = None,
) -> Screen:
    """What staff decided; the reservation as it now stands."""
    keys = {
        ("change", True): "reservation.accepted_change",
        ("cancel", True): "reservation.accepted_cancel",
        ("change", False): "reservation.declined_change",
        ("cancel", False): "reservation.declined_cancel",
    }
    lines = [
        w(
            keys[kind, accepted],
            reservation_no=reservation.reservation_no,
            facility=facility_name(w, _bookings(profile), reservation.facility_code),
            when=show_when(w, reservation),
        )
    ]
    if fee is not None and fee.yen:
        lines.append(w("reservation.fee_owed", **fee._asdict()))
    if words:
        lines.append(w("reservation.staff_words", words=words))
    return Screen("\n\n".join(lines), buttons=(_to_detail(w, reservation), menu_button(w)), fresh=True)


def confirm_contact(w: Wording, reservation: ReservationView, body: str) -> Screen:
    """Before the message is sent."""
    rows = (
        (w("reservation.choose_label"), reservation.reservation_no),
        (w("reservation.body_label"), body[:200]),
    )
    return Screen(w("reservation.confirm_contact"), cards=(Card(w("reservation.contact_title"), rows),))


def contacted(
    w: Wording, profile: Profile, reservation: ReservationView, ticket_no: str, due_at: datetime | None, now: datetime
) -> Screen:
    """The message is with staff: by when they answer, hours and phone."""
    text = w("reservation.contacted", ticket_no=ticket_no, **_promised(w, profile, reservation, due_at, now))
    args = {"reservation": reservation.id}
    rows = ((Button(w("reservation.button_history"), "reservation.history", args),), menu_button(w))
    return Screen(text, buttons=rows)
