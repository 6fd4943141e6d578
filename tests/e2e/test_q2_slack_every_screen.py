"""Row Q2: every button of the desk's cards, in both languages of the operator; the double judges each screen it leads to."""

from collections.abc import AsyncIterator

import pytest

from adapters.slack.words import load_words
from core.clock import ManualClock
from core.ids import SeededIds
from tests.support.counter import Person
from tests.support.journeys import link_person, order_renewal, report_transfer, rows
from tests.support.slack_api import SlackApi
from tests.support.slack_desk import SlackDesk

SUZUKI = "U0SUZUKI"


@pytest.fixture(params=["ja", "en"])
async def desk(
    request: pytest.FixtureRequest, database_url: str, clock: ManualClock, ids: SeededIds
) -> AsyncIterator[SlackDesk]:
    async with SlackApi() as slack:
        made = SlackDesk(database_url, clock, ids, slack, language=request.param)
        member_id = made.counter.add_member()
        for label in ("example.jp", "example.com"):
            made.counter.add_contract(member_id, label=label)
        made.operator("suzuki", SUZUKI, role="admin")
        made.operator("tanaka", "U0TANAKA")
        yield made
        await made.close()


@pytest.fixture
def person(desk: SlackDesk) -> Person:
    return link_person(desk.counter.person())


def word(desk: SlackDesk, key: str) -> str:
    return load_words(desk.counter.profile.language)[key]


async def test_a_tickets_buttons_from_new_to_solved_and_open_again(desk: SlackDesk, person: Person) -> None:
    root = await desk.opened(person)

    async def act(button: str) -> None:
        await desk.later(seconds=3)
        await desk.press(SUZUKI, root, word(desk, f"button.{button}"))

    async def modal(button: str, **values: str) -> None:
        opened = len(desk.slack.views)
        await act(button)
        assert len(desk.slack.views) == opened + 1, button
        answer = await desk.submit(SUZUKI, desk.slack.views[-1], values)
        assert answer.json() == {"response_action": "clear"}, answer.text

    def ticket() -> dict[str, object]:
        return rows(desk.counter, "ticket")[0]

    await act("claim")
    assert ticket()["assignee_id"] is not None
    await modal("priority", priority="urgent")
    assert ticket()["priority"] == "urgent"
    await modal("snooze", until="tomorrow")
    assert ticket()["snoozed_until"] is not None
    await act("wake")
    assert ticket()["snoozed_until"] is None
    tanaka = next(row.id for row in rows(desk.counter, "staff") if row.name == "tanaka")
    await modal("assign", to=str(tanaka))
    assert ticket()["assignee_id"] == tanaka
    await act("take_over")
    assert ticket()["assignee_id"] != tanaka
    await act("release")
    assert ticket()["assignee_id"] is None
    await act("reply")
    view = desk.slack.views[-1]
    preview = (await desk.submit(SUZUKI, view, {"text": "4242 4242 4242 4242 {{member}}"})).json()["view"]
    assert word(desk, "warning.card_number") in desk.slack.says(preview)
    await desk.later(seconds=3)
    await desk.press(SUZUKI, root, word(desk, "button.solve"))
    assert desk.slack.views[-1]["callback_id"] == "mado_solve"
    home = await desk.event({"type": "app_home_opened", "user": SUZUKI, "channel": "D1", "tab": "home"})
    assert home.status_code == 200


async def test_a_payment_reports_buttons(desk: SlackDesk, person: Person) -> None:
    order_renewal(person, "example.jp")
    report_transfer(person)
    await desk.later(seconds=4)
    card = desk.slack.roots()[-1]
    await desk.press(SUZUKI, card, word(desk, "button.ask_back"))
    assert desk.slack.views[-1]["callback_id"] == "mado_ask"
    await desk.press(SUZUKI, card, word(desk, "button.confirm_payment"))
    view = desk.slack.views[-1]
    wrong = await desk.submit(SUZUKI, view, {"amount": "ごまん", "on": "2026-11-22"})
    assert wrong.json()["errors"] == {"amount": word(desk, "error.number_wrong")}
    amount = next(block["element"]["initial_value"] for block in view["blocks"] if block.get("block_id") == "amount")
    done = await desk.submit(SUZUKI, view, {"amount": amount, "on": "2026-11-22"})
    assert done.json() == {"response_action": "clear"}, done.text
    assert [row.status for row in rows(desk.counter, "invoice")] == ["paid"]
