"""The desk says why Slack cannot be written to, since when and what to do; members' words are all at the desk (row Q2)."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette

from adapters.desk.texts import Texts
from adapters.slack.calls import BROKEN
from bot.telling import listeners
from core.clock import ManualClock
from core.db import Database, run
from core.ids import SeededIds
from core.open_database import open_database
from core.teamchat.health import report_health
from tests.support.databases import sqlite_database
from tests.support.desk import Operator, application, bot, build_world

MENDED_BY_PEOPLE = ("invalid_auth", "token_revoked", "missing_scope", "is_archived", "channel_not_found", "ext_shared")


@pytest.fixture
def database(tmp_path: Path, clock: ManualClock, ids: SeededIds) -> Iterator[Database]:
    with sqlite_database(tmp_path) as url:
        opened = open_database(url, clock, ids, listeners(bot()))
        build_world(opened)
        yield opened
        opened.close()


@pytest.fixture
def app(database: Database) -> Starlette:
    return application(database)


@pytest.mark.parametrize("role", ["viewer", "admin"])
async def test_the_box_names_the_cause_and_what_to_do_and_is_empty_when_all_is_well(
    app: Starlette, database: Database, role: str
) -> None:
    operator = Operator(app)
    await operator.log_in(role)
    assert "Slackに書き込めません" not in (await operator.get("/desk")).text
    run(database, lambda tx: report_health(tx, why="is_archived"))
    page = (await operator.get("/desk")).text
    for words in ("Slackに書き込めません", "チャンネルが保管されています", "11月22日(日) 12:00から", "失われません"):
        assert words in page, words
    run(database, lambda tx: report_health(tx, why=""))
    assert "Slackに書き込めません" not in (await operator.get("/desk")).text


@pytest.mark.parametrize("language", ["ja", "en"])
@pytest.mark.parametrize("code", MENDED_BY_PEOPLE)
def test_what_an_admin_has_to_mend_has_words_of_its_own(language: str, code: str) -> None:
    assert code in BROKEN
    assert Texts(language).name("team_chat", code) != code


def test_a_cause_that_is_younger_than_the_words_is_named_by_its_code() -> None:
    assert Texts("ja").name("team_chat", "brand_new") == "brand_new"
