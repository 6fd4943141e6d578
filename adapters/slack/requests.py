"""A request about a reservation in words: what is asked for, what it was, what has changed since (row F4)."""

from adapters.slack.text import cut, escape, quoted
from adapters.slack.words import Words
from bot.screens import reservations as screens
from bot.wording import Wording
from core.counter.reservations import RequestSheet
from core.profiles.booking import Bookings

VALUE = 120  # of one field's value in the header card; the modal and the thread have it whole
NOTE = 1_500


def describe_request(words: Words, bookings: Bookings, sheet: RequestSheet, *, whole: bool = False) -> str:
    """Lines of mrkdwn; `whole` with the member's own note and uncut values, which the header card does without."""
    w, request, reservation = Wording(words.language), sheet.request, sheet.reservation
    kept = NOTE if whole else VALUE

    def show(code: str, value: object) -> str:
        field, _ = screens.field_name(w, bookings, reservation.category_code, code)
        return escape(cut(screens.show_value(w, bookings, field, code, value), kept))

    def name(code: str) -> str:
        return escape(screens.field_name(w, bookings, reservation.category_code, code)[1])

    lines = [
        words(
            f"card.{request.kind}_request",
            reservation_no=reservation.reservation_no,
            facility=escape(screens.facility_name(w, bookings, reservation.facility_code)),
            when=screens.show_when(w, reservation),
        )
    ]
    for code, value in request.wanted.items():
        if request.kind == "change":
            given = {"before": show(code, request.before.get(code)), "after": show(code, value)}
            lines.append(words("card.request_change", name=name(code), **given))
        else:
            lines.append(words("card.request_field", name=name(code), value=show(code, value)))
    if whole and request.note:
        lines.append(quoted(cut(request.note, NOTE)))
    if sheet.changed:
        now = words("card.request_between").join(f"{name(code)} {show(code, v)}" for code, v in sheet.changed.items())
        lines.append(words("card.request_moved", now=now))
    return "\n".join(lines)
