"""Row Q2 while Slack is away: the browser desk says so, urgent tickets reach staff by mail, the threads catch up after it."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest_asyncio

from bot.staff_away import mail_urgent
from core.clock import ManualClock
from core.counter.troubles import list_troubles
from core.db import run
from core.ids import SeededIds
from core.tickets.handling import set_priority
from tests.support.builders import AGENT, a_profile
from tests.support.counter import Person
from tests.support.journeys import link_person, rows
from tests.support.slack_api import SlackApi
from tests.support.slack_desk import SlackDesk

ALERTS = "alerts@example.jp"


@pytest_asyncio.fixture
async def desk(database_url: str, clock: ManualClock, ids: SeededIds) -> AsyncIterator[SlackDesk]:
    async with SlackApi() as slack:
        made = SlackDesk(database_url, clock, ids, slack, a_profile(support={"alert_email": ALERTS}))
        yield made
        await made.close()


def write(person: Person, text: str) -> None:
    person.say("/ticket").press("その他").say(text).press("スキップ").press("送信する")


def make_urgent(desk: SlackDesk) -> None:
    """The first ticket."""
    first = rows(desk.counter, "ticket")[0].id
    run(desk.database, lambda tx: set_priority(tx, AGENT, ticket_id=first, priority="urgent"))


def alerts(desk: SlackDesk) -> list[str]:
    """Mail that staff were sent: subject and text."""
    for _ in range(2):  # the second time there is nothing more to say
        run(desk.database, lambda tx: mail_urgent(tx, desk.counter.bot))
    mails = [mail for mail in desk.counter.mails() if mail.address == ALERTS]
    return [f"{mail.payload['subject']}\n{mail.payload['text']}" for mail in mails]


async def test_urgent_tickets_go_by_mail_after_a_while_and_to_slack_when_it_is_back(desk: SlackDesk) -> None:
    desk.counter.add_member()
    person = link_person(desk.counter.person())
    desk.slack.down = "service_unavailable"
    write(person, "秘密の言葉です")
    write(person, "急がない件です")
    await desk.later(seconds=4)
    make_urgent(desk)
    away = run(desk.database, lambda tx: list_troubles(tx, AGENT)).team_chat
    assert away is not None
    await desk.later(minutes=5)
    assert alerts(desk) == []
    await desk.later(minutes=6)
    (alert,) = alerts(desk)
    assert "T-000001" in alert and "/desk/tickets/T-000001" in alert and "T-000002" not in alert
    assert "秘密" not in alert and "山田" not in alert
    desk.slack.down = ""
    await desk.later(minutes=20)
    await desk.later(minutes=1)
    assert run(desk.database, lambda tx: list_troubles(tx, AGENT)).team_chat is None
    cards = [desk.slack.says(root) for root in desk.slack.roots()]
    assert len(cards) == 2 and ["優先度：緊急" in card for card in cards] == ["T-000001" in card for card in cards]
    assert len(alerts(desk)) == 1


async def test_without_an_address_or_an_outage_nothing_is_mailed(
    database_url: str, clock: ManualClock, ids: SeededIds
) -> None:
    async with SlackApi() as slack:
        desk = SlackDesk(database_url, clock, ids, slack)
        desk.counter.add_member()
        slack.down = "token_revoked"
        write(link_person(desk.counter.person()), "困っています")
        await desk.later(seconds=4)
        make_urgent(desk)
        clock.move(timedelta(hours=1))
        assert alerts(desk) == []
        await desk.close()
