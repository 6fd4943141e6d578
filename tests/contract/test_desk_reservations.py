"""Rows F1, F2, F4, F5 at the desk: the list, one reservation, deciding; rights per role; pages of other profiles."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from starlette.applications import Starlette

from adapters import desk
from bot.deployment import Bot
from bot.telling import listeners
from core.bookings import requests, service
from core.bookings.requests import RequestView
from core.clock import ManualClock
from core.db import Database, Tx, run
from core.delivery.outbox import list_mails
from core.ids import SeededIds
from core.members.staff import add_staff
from core.open_database import open_database
from core.profiles.catalogue import ensure_catalogue
from core.tickets.threads import find_ticket, get_ticket
from tests.support.builders import a_member, a_profile
from tests.support.databases import sqlite_database
from tests.support.desk import BASE, HASH, ROLES, Operator
from tests.support.facility import a_reservation, facility_profile

PROFILE = facility_profile()


@pytest.fixture
def database(tmp_path: Path, clock: ManualClock, ids: SeededIds) -> Iterator[Database]:
    with sqlite_database(tmp_path) as url:
        opened = open_database(url, clock, ids, listeners(Bot(PROFILE, BASE)))
        yield opened
        opened.close()


@pytest.fixture
def request_(database: Database) -> RequestView:
    """山田 太郎 has three reservations and asks to move the first; staff of every role."""

    def work(tx: Tx) -> RequestView:
        ensure_catalogue(tx, profile=PROFILE)
        for role in ROLES:
            add_staff(tx, by=None, login=role, name=f"{role}さん", role=role, password_hash=HASH)
        member_id = a_member(tx)
        first = a_reservation(tx, member_id=member_id, purpose="<script>alert(1)</script>")
        a_reservation(tx, member_id=member_id, facility_code="hall", used_on=date(2026, 12, 20))
        a_reservation(tx, member_id=member_id, facility_code="studio", status="waiting", used_on=date(2027, 1, 8))
        return requests.file_request(
            tx,
            profile=PROFILE,
            member_id=member_id,
            reservation_id=first,
            kind="change",
            wanted={"used_on": "2026-12-10", "people": 12},
            note="<b>急ぎ</b>です",
        )

    return run(database, work)


@pytest.fixture
def app(database: Database, request_: RequestView) -> Starlette:
    settings = desk.DeskSettings(secure_cookies=False)
    return Starlette(routes=desk.build(database=database, profile=PROFILE, settings=settings))


async def logged_in(app: Starlette, role: str = "agent") -> Operator:
    operator = Operator(app)
    assert (await operator.log_in(role)).status_code == 303
    return operator


def seen(database: Database) -> service.ReservationView:
    found = run(database, lambda tx: service.find_reservation(tx, number="R-000001"))
    assert found is not None
    return found


async def test_the_list_has_open_requests_first_and_finds_by_number_member_state_facility_and_day(
    app: Starlette,
) -> None:
    operator = await logged_in(app)
    page = (await operator.get("/desk/reservations")).text
    assert page.index("R-000001") < min(
        page.index("/desk/reservations/R-000002"), page.index("/desk/reservations/R-000003")
    )
    assert page.count("依頼あり") == 1 and "第1会議室" in page and "2026年12月4日(金) 13:00〜15:00" in page
    for query, there, gone in (
        ("q=r-2", "R-000002", "R-000001"),
        ("q=ヤマダ", "R-000001", ""),
        ("q=R-000003", "R-000003", "R-000002"),
        ("q=居ない人", "", "R-000001"),
        ("state=waiting", "R-000003", "R-000001"),
        ("facility=hall", "R-000002", "R-000001"),
        ("from=2026-12-19&until=2026-12-31", "R-000002", "R-000003"),
        ("open=1", "R-000001", "R-000002"),
        ("state=%27%3B--&facility=moon&from=2026-02-31", "R-000001", ""),
    ):
        found = (await operator.get(f"/desk/reservations?{query}")).text
        assert not there or f"/desk/reservations/{there}" in found, query
        assert not gone or f"/desk/reservations/{gone}" not in found, query


async def test_one_reservation_with_its_request_and_history_and_nothing_of_it_is_markup(app: Starlette) -> None:
    page = (await (await logged_in(app)).get("/desk/reservations/R-000001")).text
    for words in (
        "鈴木 花子", "東京都千代田区架空町1-2-3", "銀行振込", "3,600円", "2026年10月1日(木) 10:05", "変更の依頼",
        "2026年12月4日(金) → <strong>2026年12月10日(木)</strong>", "ご利用人数", "コンタクト履歴",
        "&lt;script&gt;alert(1)&lt;/script&gt;", "&lt;b&gt;急ぎ&lt;/b&gt;です",
    ):  # fmt: skip
        assert words in page, words
    assert "<script>alert" not in page and "<b>急ぎ" not in page


async def test_a_change_is_shown_before_it_is_made(app: Starlette, database: Database, request_: RequestView) -> None:
    operator = await logged_in(app)
    page = (await operator.get("/desk/reservations/R-000001")).text
    assert f'method="get" action="/desk/requests/{request_.id}/accept" data-dialog' in page
    asked = (await operator.get(f"/desk/requests/{request_.id}/accept?revision=1")).text
    assert "この内容で予約を変えますか？" in asked and "<strong>2026年12月10日(木)</strong>" in asked
    assert "キャンセル料" not in asked and f'action="/desk/requests/{request_.id}/accept"' in asked
    assert run(database, lambda tx: requests.get_request(tx, request_id=request_.id)).state == "open"


async def test_a_cancellation_names_its_fee_before_and_after(
    app: Starlette, database: Database, request_: RequestView
) -> None:
    def ask(tx: Tx) -> int:
        one = a_reservation(
            tx, member_id=request_.member_id, used_on=date(2026, 11, 27), amount_yen=4_801, payment_state="paid"
        )
        return requests.file_request(
            tx, profile=PROFILE, member_id=request_.member_id, reservation_id=one, kind="cancel",
            wanted={"why": "plans"},
        ).id  # fmt: skip

    request_id = run(database, ask)
    operator = await logged_in(app)
    before = (await operator.get(f"/desk/requests/{request_id}/accept?revision=1")).text
    for said in ("この予約をキャンセルしますか？", "2,400円（4,801円の50%", "お支払い済み", "経理が手作業で"):
        assert said in before
    await operator.press(f"/desk/requests/{request_id}/accept", revision="1")
    after = (await operator.get("/desk/reservations/R-000004")).text
    assert "2,400円（4,801円の50%" in after and "経理が手作業で" in after
    assert "キャンセル料：2,400円（4,801円の50%）" in run(database, list_mails)[-1].payload["text"]
    late = await operator.get(f"/desk/requests/{request_id}/accept?revision=1")
    assert late.status_code == 409


async def test_accepting_moves_it_and_says_so(app: Starlette, database: Database, request_: RequestView) -> None:
    operator = await logged_in(app)
    answer = await operator.press(f"/desk/requests/{request_.id}/accept", revision="1", words="どうぞ。")
    assert answer.headers["location"] == "/desk/reservations/R-000001?done=request_accepted"
    assert seen(database).used_on == date(2026, 12, 10) and seen(database).details == {"people": 12}
    page = (await operator.get(answer.headers["location"])).text
    assert (
        "依頼をお受けしました" in page
        and "変更を受付" in page
        and "どうぞ。" in page
        and "この依頼を受ける" not in page
    )
    again = await operator.press(f"/desk/requests/{request_.id}/accept", revision="1", words="どうぞ。")
    assert again.status_code == 303 and seen(database).revision == 2
    late = await operator.press(f"/desk/requests/{request_.id}/decline", words="だめです")
    assert late.status_code == 409 and "すでに処理されています" in late.text


async def test_declining_needs_a_reason_and_leaves_it_as_it_was(
    app: Starlette, database: Database, request_: RequestView
) -> None:
    operator = await logged_in(app)
    empty = await operator.press(f"/desk/requests/{request_.id}/decline", words=" ")
    assert empty.status_code == 409 and "会員に送る文を入力してください" in empty.text
    done = await operator.press(f"/desk/requests/{request_.id}/decline", words="満室です。")
    assert done.status_code == 303 and seen(database).revision == 1
    ticket = run(database, lambda tx: get_ticket(tx, ticket_id=request_.ticket_id or 0))
    assert ticket.status == "solved"


async def test_a_page_that_is_old_is_refused_with_what_to_do(app: Starlette, request_: RequestView) -> None:
    operator = await logged_in(app)
    answer = await operator.press(f"/desk/requests/{request_.id}/accept", revision="7")
    assert answer.status_code == 409 and "画面を読み込み直し" in answer.text
    assert (await operator.press(f"/desk/requests/{request_.id}/accept")).status_code == 400


async def test_a_viewer_sees_it_masked_and_cannot_decide(
    app: Starlette, database: Database, request_: RequestView
) -> None:
    operator = await logged_in(app, "viewer")
    for address in ("/desk/reservations", "/desk/reservations/R-000001", "/desk/members/M-000001?tab=reservations"):
        page = (await operator.get(address)).text
        assert "R-000001" in page
        for secret in ("鈴木 花子", "03-0000-1111", "架空町1-2-3", "山田 太郎", "この依頼を受ける"):
            assert secret not in page, (address, secret)
    for act in ("accept", "decline"):
        answer = await operator.press(f"/desk/requests/{request_.id}/{act}", revision="1", words="x")
        assert answer.status_code == 403 and "権限がありません" in answer.text
    assert seen(database).open_request_id == request_.id


@pytest.mark.parametrize("role", ["agent", "accountant", "admin"])
async def test_every_role_from_agent_on_can_decide(
    app: Starlette, database: Database, request_: RequestView, role: str
) -> None:
    operator = await logged_in(app, role)
    answer = await operator.press(f"/desk/requests/{request_.id}/accept", revision="1")
    assert answer.status_code == 303 and seen(database).used_on == date(2026, 12, 10)


async def test_the_ticket_shows_the_request_with_the_same_buttons(
    app: Starlette, database: Database, request_: RequestView
) -> None:
    operator = await logged_in(app)
    ticket = run(database, lambda tx: get_ticket(tx, ticket_id=request_.ticket_id or 0))
    page = (await operator.get(f"/desk/tickets/{ticket.ticket_no}")).text
    assert f"/desk/requests/{request_.id}/accept" in page and "予約の変更の依頼 R-000001" in page
    inbox = (await operator.get("/desk?kind=reservation_request")).text
    assert ticket.ticket_no in inbox and "予約の変更・キャンセル" in inbox


async def test_the_card_and_the_menu_show_what_the_operator_has(app: Starlette) -> None:
    operator = await logged_in(app)
    page = (await operator.get("/desk/members/M-000001")).text
    assert 'href="/desk/reservations"' in page and 'href="/desk/contracts"' not in page
    assert "第1会議室" in page and "?tab=contracts" not in page


async def test_without_reservations_in_the_profile_there_is_no_such_page(
    database: Database, request_: RequestView
) -> None:
    settings = desk.DeskSettings(secure_cookies=False)
    app = Starlette(routes=desk.build(database=database, profile=a_profile(), settings=settings))
    operator = await logged_in(app)
    for address in ("/desk/reservations", "/desk/reservations/R-000001"):
        assert (await operator.get(address)).status_code == 404
    assert 'href="/desk/reservations"' not in (await operator.get("/desk")).text


async def test_a_number_of_nobodys_is_not_found(app: Starlette) -> None:
    operator = await logged_in(app)
    for number in ("R-999999", "%00", "..%2f..", "R-" + "9" * 300):
        assert (await operator.get(f"/desk/reservations/{number}")).status_code == 404


async def test_staff_write_first_and_it_stands_in_the_contact_history_once(app: Starlette, database: Database) -> None:
    operator = await logged_in(app)
    page = (await operator.get("/desk/reservations/R-000002")).text
    assert "会員に連絡する" in page and "ご予約 R-000002（多目的ホール）について" in page
    for _ in range(2):
        sent = await operator.press(
            "/desk/reservations/R-000002/write", text="鍵の受け取りは1階です。", client_key="one"
        )
        assert sent.headers["location"] == "/desk/tickets/T-000002?done=replied"
    assert [mail.payload["text"].count("鍵の受け取りは1階です。") for mail in run(database, list_mails)] == [1]
    page = (await operator.get("/desk/reservations/R-000002")).text
    assert page.count("鍵の受け取りは1階です。") == 1 and "担当者から連絡を始めました" not in page
    assert "お問い合わせ T-000002 で返信する" in page and "会員に連絡する" not in page
    ticket = run(database, lambda tx: find_ticket(tx, ticket_no="T-000002"))
    assert ticket is not None and (ticket.status, ticket.origin, ticket.queue, ticket.due_at is None, ticket.unread) == (
        "waiting", "staff", "reservations", True, 0,
    )  # fmt: skip


async def test_who_may_not_answer_cannot_write_first(app: Starlette, database: Database) -> None:
    viewer = await logged_in(app, "viewer")
    assert "会員に連絡する" not in (await viewer.get("/desk/reservations/R-000002")).text
    refused = await viewer.press("/desk/reservations/R-000002/write", text="x", client_key="two")
    assert refused.status_code == 403 and run(database, list_mails) == []
    agent = await logged_in(app)
    assert (await agent.press("/desk/reservations/R-999999/write", text="x", client_key="three")).status_code in (
        404,
        409,
    )
    assert (await agent.press("/desk/reservations/R-000002/write", text="x")).status_code == 400
