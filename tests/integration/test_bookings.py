"""Requests about reservations on both databases: decided once, under lock, by who may, about what was seen."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, time
from typing import Any

import pytest

from bot.deployment import Bot
from bot.telling import listeners
from core.bookings import requests, service
from core.bookings.requests import RequestView
from core.clock import ManualClock
from core.counter.reservations import accept, decline, open_page, write_about
from core.db import Database, Tx, run
from core.errors import DomainError
from core.ids import SeededIds
from core.members.audit import list_audit
from core.open_database import open_database
from core.tickets.threads import get_ticket, list_public_messages
from tests.support.builders import ADMIN, AGENT, Somebody, a_member
from tests.support.chats import a_chat
from tests.support.facility import facility_profile, reserve

PROFILE = facility_profile()
VIEWER = Somebody(903, "viewer", "見る 三郎")
OTHER_AGENT = Somebody(904, "agent", "窓口 四郎")


@pytest.fixture
def database(database_url: str, clock: ManualClock, ids: SeededIds) -> Iterator[Database]:
    opened = open_database(database_url, clock, ids, listeners(Bot(PROFILE, "http://127.0.0.1:8000")))
    yield opened
    opened.close()


@pytest.fixture
def member_id(database: Database) -> int:
    return run(database, a_member)


def ask(database: Database, member_id: int, reservation_id: int, kind: str = "change", **wanted: Any) -> RequestView:
    wanted = wanted or ({"used_on": "2026-12-10"} if kind == "change" else {"why": "plans"})
    return run(
        database,
        lambda tx: requests.file_request(
            tx,
            profile=PROFILE,
            member_id=member_id,
            reservation_id=reservation_id,
            kind=kind,  # type: ignore[arg-type]
            wanted=wanted,
        ),
    )


def taking(
    request_id: int, *, staff: Somebody = AGENT, revision: int = 1, words: str = ""
) -> Callable[[Tx], RequestView]:
    return lambda tx: accept(tx, staff, profile=PROFILE, request_id=request_id, words=words, seen_revision=revision)


def declining(request_id: int, staff: Somebody = AGENT) -> Callable[[Tx], RequestView]:
    return lambda tx: decline(tx, staff, request_id=request_id, words="満室です。")


def refused(database: Database, work: Callable[[Tx], Any]) -> tuple[str, dict[str, object]]:
    with pytest.raises(DomainError) as caught:
        run(database, work)
    return caught.value.code, caught.value.data


def seen(database: Database, reservation_id: int) -> service.ReservationView:
    return run(database, lambda tx: service.get_reservation(tx, reservation_id=reservation_id))


def test_accepting_moves_the_reservation_settles_the_ticket_and_is_recorded(database: Database, member_id: int) -> None:
    reservation_id = reserve(database, member_id=member_id)
    request = ask(database, member_id, reservation_id)
    ticket = run(database, lambda tx: get_ticket(tx, ticket_id=request.ticket_id or 0))
    assert (ticket.kind, ticket.queue, ticket.status) == ("reservation_request", "reservations", "new")
    run(database, taking(request.id, words="どうぞ。"))
    now = seen(database, reservation_id)
    assert (now.used_on, now.until_on, now.revision, now.open_request_id) == (
        date(2026, 12, 10), date(2026, 12, 10), 2, None,
    )  # fmt: skip
    ticket = run(database, lambda tx: get_ticket(tx, ticket_id=ticket.id))
    words = run(database, lambda tx: list_public_messages(tx, ticket_id=ticket.id))
    assert ticket.status == "solved" and words[-1].body == "ご依頼をお受けしました。\nどうぞ。"
    trail = run(database, lambda tx: list_audit(tx, ADMIN, action="reservation.change_accepted")).entries
    assert [entry.subject for entry in trail] == ["reservation:R-000001"]


def test_a_cancellation_keeps_all_but_the_status(database: Database, member_id: int) -> None:
    reservation_id = reserve(database, member_id=member_id)
    before = seen(database, reservation_id)
    run(database, taking(ask(database, member_id, reservation_id, "cancel").id))
    after = seen(database, reservation_id)
    assert after.status == "cancelled" and after.times == before.times and after.confirmed_at == before.confirmed_at


def test_accepting_twice_changes_nothing_more(database: Database, member_id: int) -> None:
    reservation_id = reserve(database, member_id=member_id)
    request = ask(database, member_id, reservation_id)
    first = run(database, taking(request.id))
    again = run(database, taking(request.id, staff=OTHER_AGENT, revision=2))
    assert first == again and seen(database, reservation_id).revision == 2
    assert len(run(database, lambda tx: list_audit(tx, ADMIN, action="reservation.change_accepted")).entries) == 1


def test_two_staff_deciding_at_once_decide_once(database: Database, member_id: int) -> None:
    """On PostgreSQL in parallel transactions; on SQLite one after the other: the same end either way."""
    for n in range(6):
        reservation_id = reserve(database, member_id=member_id, facility_code="on-site", category_code="work")
        request = ask(database, member_id, reservation_id)
        works = [taking(request.id, staff=AGENT), declining(request.id, OTHER_AGENT)]
        futures = [database.submit(work) for work in (works if n % 2 else works[::-1])]
        outcomes = [future.exception() for future in futures]
        failed = [error for error in outcomes if error is not None]
        assert len(failed) == 1
        assert isinstance(failed[0], DomainError) and failed[0].code == "request_decided"
        decided = run(database, lambda tx, request=request: requests.get_request(tx, request_id=request.id))
        moved = seen(database, reservation_id).used_on == date(2026, 12, 10)
        assert moved is (decided.state == "accepted")


def test_two_requests_at_once_leave_one(database: Database, member_id: int) -> None:
    reservation_id = reserve(database, member_id=member_id)
    with ThreadPoolExecutor(4) as pool:
        asked = list(pool.map(lambda n: _try(lambda: ask(database, member_id, reservation_id, people=n + 1)), range(4)))
    assert sum(isinstance(one, RequestView) for one in asked) == 1
    assert {one.code for one in asked if isinstance(one, DomainError)} == {"request_open"}
    assert len(run(database, lambda tx: requests.list_requests(tx, reservation_id=reservation_id))) == 1


def _try(work: Callable[[], Any]) -> Any:
    try:
        return work()
    except DomainError as error:
        return error


def test_the_very_same_request_again_gives_the_first(database: Database, member_id: int) -> None:
    reservation_id = reserve(database, member_id=member_id)
    assert ask(database, member_id, reservation_id).id == ask(database, member_id, reservation_id).id


def test_two_requests_for_the_same_place_cannot_both_be_accepted(database: Database, member_id: int) -> None:
    asked = []
    for day in (4, 5):
        reservation_id = reserve(database, member_id=member_id, used_on=date(2026, 12, day))
        asked.append(ask(database, member_id, reservation_id, used_on="2026-12-10"))
    outcomes = [database.submit(taking(one.id)) for one in asked]
    failed = [error for future in outcomes if (error := future.exception()) is not None]
    assert len(failed) == 1
    assert isinstance(failed[0], DomainError) and failed[0].code == "place_taken"


def test_a_place_next_to_another_is_free_and_a_shared_facility_always(database: Database, member_id: int) -> None:
    reserve(database, member_id=member_id, used_on=date(2026, 12, 10), used_from=time(15), used_until=time(17))
    run(database, taking(ask(database, member_id, reserve(database, member_id=member_id)).id))
    for _ in range(2):
        work_id = reserve(database, member_id=member_id, facility_code="on-site", category_code="work")
        run(database, taking(ask(database, member_id, work_id).id))


def test_a_reservation_that_changed_since_it_was_seen_is_looked_at_again(database: Database, member_id: int) -> None:
    reservation_id = reserve(database, member_id=member_id)
    request = ask(database, member_id, reservation_id)
    assert refused(database, taking(request.id, revision=0)) == (
        "reservation_changed", {"reservation_no": "R-000001"},
    )  # fmt: skip
    assert seen(database, reservation_id).used_on == date(2026, 12, 4)
    run(database, taking(request.id, revision=1))


def test_a_change_of_what_was_cancelled_meanwhile_can_only_be_declined(database: Database, member_id: int) -> None:
    reservation_id = reserve(database, member_id=member_id)
    request = ask(database, member_id, reservation_id)
    _import_says(database, reservation_id, status="cancelled")
    assert refused(database, taking(request.id))[0] == "reservation_over"
    assert run(database, declining(request.id)).state == "declined"


def _import_says(database: Database, reservation_id: int, *, status: str) -> None:
    from sqlalchemy import bindparam, update

    from core.bookings.tables import Reservation
    from core.statements import Write

    write = Write(
        update(Reservation).where(Reservation.id == bindparam("reservation_id")).values(status=bindparam("new_status"))
    )
    run(database, lambda tx: tx.run(write, reservation_id=reservation_id, new_status=status))


@pytest.mark.parametrize("staff", [VIEWER, Somebody(905, "nobody")])
def test_who_may_not_decide_is_refused_by_the_core(database: Database, member_id: int, staff: Somebody) -> None:
    request = ask(database, member_id, reserve(database, member_id=member_id))
    for work in (taking(request.id, staff=staff), declining(request.id, staff)):
        assert refused(database, work) == ("forbidden", {"right": "decide_request"})


def test_declining_needs_words(database: Database, member_id: int) -> None:
    request = ask(database, member_id, reserve(database, member_id=member_id))
    assert refused(database, lambda tx: decline(tx, AGENT, request_id=request.id, words="  "))[0] == "words_missing"


@pytest.mark.parametrize(
    ("kind", "wanted", "code"),
    [
        ("change", {"moon": 1}, "nothing_wanted"),
        ("change", {"used_on": None}, "nothing_wanted"),
        ("change", {"used_on": "2026-02-31"}, "field_unfit"),
        ("change", {"people": 301}, "field_unfit"),
        ("change", {"facility": "moon"}, "field_unfit"),
        ("cancel", {"why": None}, "field_unfit"),
        ("cancel", {"why": "weather"}, "field_unfit"),
    ],
)
def test_what_does_not_fit_the_category_is_refused_whoever_sends_it(
    database: Database, member_id: int, kind: str, wanted: dict[str, Any], code: str
) -> None:
    reservation_id = reserve(database, member_id=member_id)
    assert refused_asking(database, member_id, reservation_id, kind, wanted) == code


def refused_asking(database: Database, member_id: int, reservation_id: int, kind: str, wanted: dict[str, Any]) -> str:
    with pytest.raises(DomainError) as caught:
        ask(database, member_id, reservation_id, kind, **wanted)
    return caught.value.code


def test_nobody_asks_about_somebody_elses_reservation(database: Database, member_id: int) -> None:
    other = run(database, lambda tx: a_member(tx, name="鈴木 一郎", email="ichiro@example.jp"))
    theirs = reserve(database, member_id=other)
    assert refused_asking(database, member_id, theirs, "change", {"people": 3}) == "reservation_not_found"
    with pytest.raises(DomainError, match="reservation_not_found"):
        run(
            database,
            lambda tx: write_about(
                tx, profile=PROFILE, member_id=member_id, chat_id=a_chat(tx).id, reservation_id=theirs, text="x"
            ),
        )


def test_a_viewer_sees_the_page_without_personal_data(database: Database, member_id: int) -> None:
    reservation_id = reserve(database, member_id=member_id)
    ask(database, member_id, reservation_id)
    page = run(database, lambda tx: open_page(tx, staff=VIEWER, reservation_no="R-000001"))
    shown = repr(page)
    for secret in ("鈴木 花子", "03-0000-1111", "hanako@example.jp", "架空町", "keiri@", "山田 太郎"):
        assert secret not in shown, secret
    whole = repr(run(database, lambda tx: open_page(tx, staff=AGENT, reservation_no="R-000001")))
    assert "鈴木 花子" in whole and "架空町" in whole
    trail = run(database, lambda tx: list_audit(tx, ADMIN, action="reservation.viewed")).entries
    assert [entry.actor_id for entry in trail] == [AGENT.id, VIEWER.id]


@pytest.mark.parametrize(("status", "goes"), [("used", False), ("declined", False), ("cancelled", True)])
def test_a_cancel_request_is_not_accepted_for_what_was_used_or_declined_meanwhile(
    database: Database, member_id: int, status: str, goes: bool
) -> None:
    reservation_id = reserve(database, member_id=member_id)
    request = ask(database, member_id, reservation_id, kind="cancel")
    _import_says(database, reservation_id, status=status)
    if goes:
        assert run(database, taking(request.id)).state == "accepted"  # the member hears that it is cancelled
        return
    with pytest.raises(DomainError, match="reservation_over"):
        run(database, taking(request.id))
    assert run(database, lambda tx: service.get_reservation(tx, reservation_id=reservation_id)).status == status
