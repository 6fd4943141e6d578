"""Row F4 in the Slack desk: a request about a reservation is accepted or declined from the card, and all three sides follow."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import update

from core.bookings.requests import accept_request
from core.bookings.tables import Reservation
from core.clock import ManualClock
from core.db import run
from core.ids import SeededIds
from core.statements import Write
from tests.support.builders import AGENT
from tests.support.counter import Person
from tests.support.facility import facility_profile, reserve
from tests.support.journeys import link_person, rows
from tests.support.slack_api import SlackApi
from tests.support.slack_desk import SlackDesk


@pytest_asyncio.fixture
async def desk(database_url: str, clock: ManualClock, ids: SeededIds) -> AsyncIterator[SlackDesk]:
    async with SlackApi() as slack:
        made = SlackDesk(database_url, clock, ids, slack, facility_profile())
        yield made
        await made.close()


@pytest.fixture
def person(desk: SlackDesk) -> Person:
    member_id = desk.counter.add_member()
    reserve(desk.database, member_id=member_id)
    desk.operator("suzuki", "U0SUZUKI")
    return link_person(desk.counter.person())


async def asked(desk: SlackDesk, person: Person) -> dict[str, Any]:
    """R-000001 is asked to be moved from 4 to 10 December; the card at the head of its thread."""
    person.say("R-000001を12月10日に変更したい").say("<急ぎ>です").press("この内容で依頼する")
    await desk.later(seconds=4)
    return desk.slack.roots()[-1]


async def test_a_change_is_accepted_on_the_card(desk: SlackDesk, person: Person) -> None:
    root = await asked(desk, person)
    card = desk.slack.says(root)
    for words in ("予約の変更の依頼", "R-000001", "第1会議室", "2026年12月4日(金)", "*2026年12月10日(木)*"):
        assert words in card, words
    person.seen = person.last_seq()
    await desk.press("U0SUZUKI", root, "受け付ける")
    view = desk.slack.views[-1]
    assert "&lt;急ぎ&gt;です" in desk.slack.says(view) and "予約がすぐに変わり" in desk.slack.says(view)
    assert rows(desk.counter, "reservation")[0].used_on == date(2026, 12, 4)
    answer = await desk.submit("U0SUZUKI", view, {"text": "お待ちしております。"})
    assert answer.json() == {"response_action": "clear"}
    (reservation,), (request,) = rows(desk.counter, "reservation"), rows(desk.counter, "reservation_request")
    assert (reservation.used_on, reservation.used_from, reservation.revision) == (date(2026, 12, 10), time(13), 2)
    assert (request.state, request.answer) == ("accepted", "お待ちしております。")
    told = person.answer()
    assert "R-000001 の変更をお受けしました" in told and "お待ちしております。" in told and "12月10日" in told
    await desk.later(seconds=4)
    card = desk.slack.says(root)
    assert "解決済み" in card and "→" not in card and "受け付ける" not in card
    assert "ご依頼をお受けしました。" in desk.slack.says(desk.slack.thread(str(root["ts"]))[-1])
    assert [row.action for row in rows(desk.counter, "audit")].count("reservation.change_accepted") == 1


async def test_a_second_press_and_a_second_submission_change_nothing(desk: SlackDesk, person: Person) -> None:
    desk.operator("tanaka", "U0TANAKA")
    root = await asked(desk, person)
    old = {**root, "blocks": list(root["blocks"])}
    await desk.press("U0SUZUKI", root, "受け付ける")
    mine = desk.slack.views[-1]
    await desk.press("U0TANAKA", root, "お断りする")
    theirs = desk.slack.views[-1]
    await desk.submit("U0SUZUKI", mine, {"text": ""})
    before = person.last_seq()
    assert (await desk.submit("U0SUZUKI", mine, {"text": ""})).json() == {"response_action": "clear"}
    late = await desk.submit("U0TANAKA", theirs, {"text": "満室です。"})
    assert late.json()["errors"] == {"text": "この依頼はすでに処理されています"}
    shown = len(desk.slack.views)
    await desk.press("U0TANAKA", old, "お断りする")
    assert len(desk.slack.views) == shown and "状態が変わりました" in desk.slack.says(desk.slack.whispers[-1])
    assert desk.slack.whispers[-1]["user"] == "U0TANAKA"
    assert rows(desk.counter, "reservation")[0].revision == 2 and person.last_seq() == before


async def test_declining_needs_a_reason_that_the_member_reads(desk: SlackDesk, person: Person) -> None:
    root = await asked(desk, person)
    person.seen = person.last_seq()
    await desk.press("U0SUZUKI", root, "お断りする")
    view = desk.slack.views[-1]
    empty = await desk.submit("U0SUZUKI", view, {"text": "  "})
    assert empty.json()["errors"] == {"text": "内容を書いてください"}
    assert person.answer() == ""
    done = await desk.submit("U0SUZUKI", {**view, "hash": "h2"}, {"text": "その日は満室です。"})
    assert done.json() == {"response_action": "clear"}
    assert "お受けできませんでした" in person.answer() and "その日は満室です。" in person.answer()
    assert rows(desk.counter, "reservation_request")[0].state == "declined"
    assert rows(desk.counter, "reservation")[0].used_on == date(2026, 12, 4)


async def test_what_was_decided_in_the_browser_desk_is_decided_on_the_card(desk: SlackDesk, person: Person) -> None:
    root = await asked(desk, person)
    request = rows(desk.counter, "reservation_request")[0]
    run(
        desk.database,
        lambda tx: accept_request(
            tx, profile=desk.counter.profile, staff=AGENT, request_id=request.id, words="", seen_revision=1
        ),
    )
    await desk.drain()
    await desk.later(seconds=4)
    assert "受け付ける" not in desk.slack.says(root) and "解決済み" in desk.slack.says(root)


async def test_a_reservation_that_moved_under_the_modal_is_not_accepted_unseen(desk: SlackDesk, person: Person) -> None:
    root = await asked(desk, person)
    await desk.press("U0SUZUKI", root, "受け付ける")
    view = desk.slack.views[-1]
    request = rows(desk.counter, "reservation_request")[0]
    moved = Write(update(Reservation).values(purpose="役員会", revision=2))  # as an import does
    run(desk.database, lambda tx: tx.run(moved))
    refused = await desk.submit("U0SUZUKI", view, {"text": ""})
    assert "もう一度ボタンを押してください" in refused.json()["errors"]["text"]
    assert rows(desk.counter, "reservation_request")[0] == request


async def test_a_wished_day_that_has_passed_is_refused_in_the_modal_and_declined(
    desk: SlackDesk, person: Person, clock: ManualClock
) -> None:
    root = await asked(desk, person)
    clock.set(datetime(2026, 12, 11, 3, tzinfo=UTC))
    await desk.press("U0SUZUKI", root, "受け付ける")
    refused = await desk.submit("U0SUZUKI", desk.slack.views[-1], {"text": ""})
    assert refused.json()["errors"] == {"text": "希望の利用日が過ぎています。理由を添えてお断りしてください"}
    await desk.press("U0SUZUKI", root, "お断りする")
    done = await desk.submit("U0SUZUKI", desk.slack.views[-1], {"text": "ご希望日が過ぎました。"})
    assert done.json() == {"response_action": "clear"}
    assert rows(desk.counter, "reservation_request")[0].state == "declined"


async def test_a_viewer_may_not_decide(desk: SlackDesk, person: Person) -> None:
    desk.operator("viewer", "U0VIEWER", role="viewer")
    root = await asked(desk, person)
    await desk.press("U0VIEWER", root, "受け付ける")
    assert desk.slack.views == [] and "権限がありません" in desk.slack.says(desk.slack.whispers[-1])


async def test_a_cancellation_with_its_reason(desk: SlackDesk, person: Person) -> None:
    person.say("R-000001をキャンセルしたい").press("予定が変わった").press("この内容で依頼する")
    await desk.later(seconds=4)
    root = desk.slack.roots()[-1]
    assert "予約のキャンセルの依頼" in desk.slack.says(root) and "予定が変わった" in desk.slack.says(root)
    await desk.press("U0SUZUKI", root, "受け付ける")
    await desk.submit("U0SUZUKI", desk.slack.views[-1], {"text": ""})
    assert rows(desk.counter, "reservation")[0].status == "cancelled"
    assert "キャンセルをお受けしました" in person.answer()
