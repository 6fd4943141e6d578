"""Reservations for `serve --demo` with a profile that takes them: M-000001's own, seen from the day it is made, and others'.

| reservation | what | day of use |
|---|---|---|
| R-000001 | 第1会議室, used and paid | 40 days ago |
| R-000002 | 音楽スタジオ, cancelled | 20 days ago |
| R-000003 | 第1会議室, confirmed: changes and cancelling may be asked | in 12 days |
| R-000004 | 第2会議室, confirmed: too late to ask for a change | in 2 days |
| R-000005 | 多目的ホール, asked for and not yet confirmed | in 30 days |
| R-000006 | 出張作業, confirmed: its form asks other things | in 20 days |
| R-000007 | 多目的ホール, waiting | in 33 days |
"""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple

from core.clock import JST
from core.db import Tx
from core.delivery.counters import raise_number
from core.errors import InvariantBroken
from core.exchange.decisions import Context
from core.exchange.reservations import decide_reservations, write_reservations
from core.exchange.rows import Row
from core.exchange.sample import SampleMember
from core.exchange.sample_reservations import CATEGORIES, YEN_PER_HOUR, SampleReservation, make_reservations
from core.profiles.model import Profile

SEED = 20
HOURS = 2


class _Plan(NamedTuple):
    facility: str
    status: str
    days: int
    payment: str
    purpose: str


_OWN = (
    _Plan("room-1", "used", -40, "paid", "定例会議"),
    _Plan("studio", "cancelled", -20, "none", "合唱の練習"),
    _Plan("room-1", "confirmed", 12, "unpaid", "説明会"),
    _Plan("room-2", "confirmed", 2, "paid", "採用面接"),
    _Plan("hall", "asked", 30, "unfixed", "発表会"),
    _Plan("on-site", "confirmed", 20, "unpaid", "空調の清掃"),
    _Plan("hall", "waiting", 33, "unfixed", "発表会の予備日"),
)


def fill_demo_reservations(
    tx: Tx, *, profile: Profile, people: Sequence[SampleMember], day: date, context: Context
) -> None:
    """The demo member's own (`people[0]`) and some of the others', through the import's own checks."""
    own = [_own(plan, people[0], day, n) for n, plan in enumerate(_OWN, start=1)]
    others = make_reservations(people[1:], seed=SEED, day=day, number="R-{:06d}", before=len(own))
    free = [each for each in others if not any(_meets(each, mine) for mine in own)]
    rows = [_row(each, profile) for each in [*own, *free]]
    decided = decide_reservations(tx, rows, context)
    if decided.problems:
        raise InvariantBroken("the demo reservations do not pass the import's own checks")
    write_reservations(tx, decided, context)
    raise_number(tx, series="reservation", at_least=len(own) + len(others))


def _meets(one: SampleReservation, other: SampleReservation) -> bool:
    return (one.facility_code, one.used_on) == (other.facility_code, other.used_on)


def _own(plan: _Plan, member: SampleMember, day: date, n: int) -> SampleReservation:
    used_on = day + timedelta(days=plan.days)
    booked_at = datetime.combine(min(used_on, day) - timedelta(days=60 - 5 * n), time(10, 5 * n))
    fixed = plan.status in ("used", "confirmed")
    return SampleReservation(
        reservation_no=f"R-{n:06d}",
        member=member,
        facility_code=plan.facility,
        category_code=CATEGORIES[plan.facility],
        status=plan.status,
        used_on=used_on,
        used_from=time(13),
        used_until=time(13 + HOURS),
        purpose=plan.purpose,
        booked_at=booked_at,
        confirmed_at=booked_at + timedelta(hours=20) if fixed else None,
        amount_yen=YEN_PER_HOUR[plan.facility] * HOURS if fixed else None,
        payment_method="bank_transfer" if fixed else "",
        payment_due_on=used_on + timedelta(days=30) if fixed else None,
        payment_state=plan.payment,
        contact_name=member.name,
        contact_phone=member.phone,
    )


def _row(each: SampleReservation, profile: Profile) -> Row:
    """As if from a file; in a profile of other facilities the first one stands in."""
    bookings = profile.bookings
    if bookings is None:
        raise InvariantBroken("reservations without a profile that takes them")
    facility = bookings.facility(each.facility_code) or bookings.facilities[0]
    category = bookings.category(each.category_code) or bookings.categories[0]
    given: dict[str, Any] = {
        name: getattr(each, name)
        for name in (
            "status", "used_on", "used_from", "used_until", "purpose", "payment_method", "payment_state",
            "contact_name", "contact_phone", "billing_name",
        )
    }  # fmt: skip
    given |= {
        "member_key": each.member.member_no,
        "facility_code": facility.code,
        "category_code": category.code,
        "booked_at": each.booked_at.replace(tzinfo=JST),
        "billing_postal_code": each.member.postal_code,
        "billing_address": each.member.address,
        "billing_email": each.member.email,
    }
    if each.confirmed_at is not None:
        given["confirmed_at"] = each.confirmed_at.replace(tzinfo=JST)
    for name in ("amount_yen", "payment_due_on"):
        if getattr(each, name) is not None:
            given[name] = getattr(each, name)
    return Row(0, each.reservation_no, each.reservation_no, given)
