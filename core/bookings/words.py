"""A request in the words of the operator's ticket: Japanese, as the desk's threads are."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from core.bookings.service import ReservationView
from core.profiles.booking import Bookings, RequestField

KINDS = {"change": "変更", "cancel": "キャンセル"}


def subject_of_request(kind: str, reservation: ReservationView) -> str:
    """予約の変更の依頼 R-000123."""
    return f"予約の{KINDS[kind]}の依頼 {reservation.reservation_no}"


def body_of_request(
    bookings: Bookings,
    reservation: ReservationView,
    *,
    kind: str,
    wanted: Mapping[str, Any],
    before: Mapping[str, Any],
    note: str,
) -> str:
    """What is asked for, field by field, as it was and as it is wanted."""
    facility = bookings.facility(reservation.facility_code)
    lines = [
        f"{subject_of_request(kind, reservation)}",
        f"施設 {facility.name.ja if facility else reservation.facility_code}",
        f"利用日 {reservation.used_on.isoformat()}",
    ]
    fields = {field.code: field for field in bookings.fields(kind, reservation.category_code)}
    for code, value in wanted.items():
        field = fields.get(code)
        name = field.name.ja if field else code
        now, then = (_shown(bookings, field, each) for each in (before.get(code), value))
        lines.append(f"{name} {now} → {then}" if kind == "change" else f"{name} {then}")
    return "\n".join([*lines, note] if note else lines)


def _shown(bookings: Bookings, field: RequestField | None, value: Any) -> str:
    if value is None:
        return "（なし）"
    if field is not None and field.kind == "date":
        day = date.fromisoformat(value)
        return f"{day.isoformat()}（{'月火水木金土日'[day.weekday()]}）"
    if field is not None and field.kind == "time":
        return f"{value[0]}〜{value[1]}"
    if field is not None and field.kind == "facility":
        facility = bookings.facility(str(value))
        return facility.name.ja if facility else str(value)
    choice = field.choice(str(value)) if field is not None else None
    return choice.name.ja if choice is not None else str(value)
