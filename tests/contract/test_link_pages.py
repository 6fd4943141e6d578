"""The pages of linking over HTTP: where a one-time link leads, the web chat's way in, the command, the desk's button.

Nothing here tells whether a link can be used; a GET never uses one up.
"""

import re
from collections.abc import AsyncIterator
from contextlib import contextmanager

import httpx
import orjson
import pytest
from click.testing import CliRunner
from starlette.applications import Starlette

from adapters import webchat
from adapters.http.link import Doors, link_route
from bot.__main__ import main
from bot.inbound import DEEP_LINK
from core.clock import ManualClock
from core.ids import SeededIds
from tests.support.counter import Counter
from tests.support.journeys import rows

SITE = "https://madoguchi.example.jp"


@pytest.fixture
async def counter(database_url: str, clock: ManualClock, ids: SeededIds) -> AsyncIterator[Counter]:
    opened = Counter(database_url, clock, ids)
    opened.add_member()
    yield opened
    opened.close()


@pytest.fixture
async def browser(counter: Counter) -> AsyncIterator[httpx.AsyncClient]:
    async def deliver(inbound):  # type: ignore[no-untyped-def]
        return counter.deliver(inbound)

    async def doors() -> Doors:
        return Doors(telegram="madoguchi_bot", line="@123madog")

    settings = webchat.WebchatSettings(
        secret_key="k" * 64, secure_cookies=True, operator=lambda: "窓口", public_origin=SITE
    )
    chat = webchat.build(database=counter.database, deliver=deliver, settings=settings)
    app = Starlette(routes=[*chat, link_route(counter.bot, doors)])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=SITE) as client:
        yield client


def create(counter: Counter, *more: str, member_no: str = "M-000001") -> tuple[int, str, str]:
    """`madoguchi link create`."""

    @contextmanager
    def opening():  # type: ignore[no-untyped-def]
        yield counter.database

    environment = {"MADOGUCHI_PUBLIC_URL": SITE}
    done = CliRunner().invoke(main, ["link", "create", member_no, *more], obj=opening, env=environment)
    return done.exit_code, done.stdout, done.stderr


def created(counter: Counter) -> str:
    code, out, _ = create(counter, "--json")
    assert code == 0
    told = orjson.loads(out)
    assert told["start"] == DEEP_LINK + told["url"].rpartition("/")[2] and told["url"].startswith(f"{SITE}/m/link/")
    return str(told["url"].rpartition("/")[2])


async def test_the_page_names_every_door_and_is_the_same_for_a_link_nobody_made(
    counter: Counter, browser: httpx.AsyncClient
) -> None:
    token = created(counter)
    page = (await browser.get(f"/m/link/{token}")).text
    assert f"https://t.me/madoguchi_bot?start=link_{token}" in page
    assert f"https://line.me/R/oaMessage/%40123madog/?%2Fstart%20link_{token}" in page
    assert len(f"link_{token}") <= 64  # Telegram's limit of a start parameter
    none = (await browser.get(f"/m/link/{'z' * len(token)}")).text
    assert none.replace("z" * len(token), token) == page
    assert [row.state for row in rows(counter, "link_token")] == ["open"]
    english = await browser.get(f"/m/link/{token}", headers={"accept-language": "en-GB,en"})
    assert "works once, for 15 minutes" in english.text
    assert (await browser.get("/m/link/..%2Fdesk")).status_code == 404
    assert english.headers["cache-control"] == "no-store"


async def test_the_web_chat_goes_on_in_this_browser(counter: Counter, browser: httpx.AsyncClient) -> None:
    token = created(counter)
    refused = await browser.post(f"/chat/link/{token}", headers={"sec-fetch-site": "cross-site"})
    assert refused.status_code == 403 and rows(counter, "chat") == []
    went = await browser.post(f"/chat/link/{token}", headers={"sec-fetch-site": "same-origin"})
    assert (went.status_code, went.headers["location"]) == (303, "/chat")
    shown = (await browser.get("/chat/messages")).text
    assert "山田 太郎様ですか？" in shown
    assert re.search("madoguchi_chat=[^;]+;.*HttpOnly", went.headers["set-cookie"])
    again = await browser.post(f"/chat/link/{token}", headers={"origin": SITE})
    assert again.status_code == 303
    assert len(rows(counter, "chat")) == 1  # the same browser, the same chat


async def test_the_command_says_why_there_is_no_link(counter: Counter) -> None:
    code, out, err = create(counter, member_no="M-999999")
    assert code == 1 and out == "" and "見つかりません" in err
    code, out, err = create(counter)
    assert out.startswith(f"{SITE}/m/link/") and "一度だけ使えます" in err
