"""A firm that rents facilities: its counter, and reservations for tests; valid by default."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from typing import Any

from core.clock import ManualClock
from core.db import Database, Tx, run
from core.delivery.counters import take_number
from core.exchange.reservations import COLUMNS, INSERT
from core.ids import SeededIds
from core.profiles.model import Profile
from tests.support.counter import Counter
from tests.support.profiles import shipped


def facility_profile() -> Profile:
    """The shipped profile `facility`."""
    return shipped("facility")


def a_reservation(tx: Tx, *, member_id: int, **changed: Any) -> int:
    """第1会議室 on 4 December 2026, 13:00 to 15:00, confirmed and unpaid unless said otherwise; gives the id.

    Without `until_on` it ends on the day it begins.
    """
    reservation_id = tx.ids.new()
    made: dict[str, Any] = {
        "id": reservation_id,
        "reservation_no": changed.get("reservation_no") or f"R-{take_number(tx, series='reservation'):06d}",
        "external_key": None,
        "member_id": member_id,
        "facility_code": "room-1",
        "category_code": "room",
        "status": "confirmed",
        "used_on": date(2026, 12, 4),
        "used_from": time(13),
        "used_until": time(15),
        "purpose": "定例会議",
        "details": {},
        "booked_at": datetime(2026, 10, 1, 1, 5, tzinfo=UTC),
        "confirmed_at": datetime(2026, 10, 2, 0, 0, tzinfo=UTC),
        "amount_yen": 3_600,
        "payment_method": "bank_transfer",
        "payment_due_on": date(2027, 1, 3),
        "payment_state": "unpaid",
        "contact_name": "鈴木 花子",
        "contact_phone": "03-0000-1111",
        "contact_email": "hanako@example.jp",
        "billing_name": "山田商店 経理ご担当",
        "billing_postal_code": "100-0000",
        "billing_address": "東京都千代田区架空町1-2-3",
        "billing_email": "keiri@example.jp",
        "imported": {},
        "revision": 1,
        "created_at": tx.now,
        "updated_at": tx.now,
        **changed,
    }
    made.setdefault("until_on", made["used_on"])
    tx.run(INSERT, **{name: made[name] for name in COLUMNS})
    return reservation_id


def reserve(database: Database, *, member_id: int, **changed: Any) -> int:
    """As `a_reservation`, in a transaction of its own."""
    return run(database, lambda tx: a_reservation(tx, member_id=member_id, **changed))


@contextmanager
def facility_counter(url: str, clock: ManualClock, ids: SeededIds) -> Iterator[Counter]:
    """The counter of the facility firm."""
    opened = Counter(url, clock, ids, profile=facility_profile())
    try:
        yield opened
    finally:
        opened.close()
