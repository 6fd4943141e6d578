"""`madoguchi slack setup` and `slack manifest` as an operator runs them: plain words in both languages, an exit code."""

import asyncio
import json
import re

import pytest
from click.testing import CliRunner, Result

from adapters.slack.setup import SCOPES
from bot.commands.slack import slack as commands
from tests.support.slack_api import CHANNEL, SECRET, TOKEN, Fault, SlackApi

APP_TOKEN = "xapp-1-A1-2-3"
FINE = {"id": CHANNEL, "name": "desk", "is_member": True, "is_private": True}
JAPANESE, ENGLISH = re.compile(r"[ぁ-んァ-ヶ一-龠]"), re.compile(r"[a-z]{3,} [a-z]{2,}")


async def setup(api: SlackApi, **changed: str) -> Result:
    """Run with everything set, but for what is `changed`."""
    given = {
        "BOT_TOKEN": TOKEN, "APP_TOKEN": APP_TOKEN, "SIGNING_SECRET": SECRET, "DESK_CHANNEL": CHANNEL, "API_URL": api.url,
    } | changed  # fmt: skip
    env = {f"MADOGUCHI_SLACK_{name}": value for name, value in given.items()}
    done = await asyncio.to_thread(CliRunner().invoke, commands, ["setup"], env=env)
    assert "Traceback" not in done.output
    for secret in (TOKEN, APP_TOKEN, SECRET):
        assert secret not in done.output
    return done


def ready() -> SlackApi:
    api = SlackApi()
    api.scopes, api.info = ",".join(SCOPES), dict(FINE)
    return api


async def test_all_is_right() -> None:
    async with ready() as api:
        done = await setup(api)
    assert done.exit_code == 0, done.output
    assert "NG" not in done.output and "Socket Mode" in done.output
    assert api.socket.connections == 0, "asked, not connected"


@pytest.mark.parametrize("missing", sorted(SCOPES))
async def test_each_missing_scope_is_named_with_what_it_is_for(missing: str) -> None:
    async with ready() as api:
        api.scopes = ",".join(scope for scope in SCOPES if scope != missing)
        done = await setup(api)
    (line,) = [line for line in done.output.splitlines() if line.startswith("NG")]
    assert done.exit_code == 1
    assert f"{missing}（{SCOPES[missing]}）" in line
    assert JAPANESE.search(line) and ENGLISH.search(line)


@pytest.mark.parametrize(
    ("info", "says"),
    [
        ({"is_ext_shared": True}, ("ほかの会社と共有されています", "shared with another company")),
        ({"is_pending_ext_shared": True}, ("ほかの会社と共有されています", "shared with another company")),
        ({"is_archived": True}, ("保管されています", "archived")),
        ({"is_member": False}, ("/invite", "invite the app")),
    ],
)
async def test_a_channel_that_will_not_do_says_why(info: dict[str, bool], says: tuple[str, str]) -> None:
    async with ready() as api:
        api.info |= info
        done = await setup(api)
    assert done.exit_code == 1
    assert all(words in done.output for words in says)


async def test_a_public_channel_is_allowed_with_a_warning() -> None:
    async with ready() as api:
        api.info["is_private"] = False
        done = await setup(api)
    assert done.exit_code == 0
    assert "公開チャンネルです" in done.output and "everybody in the workspace" in done.output


@pytest.mark.parametrize(
    ("method", "code", "says"),
    [
        ("auth.test", "invalid_auth", "ボットトークン / bot token: invalid_auth"),
        ("conversations.info", "channel_not_found", "check the id"),
        ("apps.connections.open", "not_allowed_token_type", "アプリレベルトークン / app-level token"),
    ],
)
async def test_what_slack_refuses_is_said_with_how_to_mend_it(method: str, code: str, says: str) -> None:
    async with ready() as api:
        api.fail(method, Fault(error=code))
        done = await setup(api)
    assert done.exit_code == 1
    assert says in done.output and code in done.output


async def test_a_slack_that_cannot_be_reached_is_said() -> None:
    async with ready() as api:
        done = await setup(api, API_URL="http://127.0.0.1:9/api/")
    assert done.exit_code == 1
    assert "Slackにつながりません / Slack cannot be reached" in done.output


@pytest.mark.parametrize("name", ["BOT_TOKEN", "DESK_CHANNEL"])
async def test_settings_that_are_missing_are_named(name: str) -> None:
    async with ready() as api:
        done = await setup(api, **{name: ""})
    assert done.exit_code == 1
    assert f"MADOGUCHI_SLACK_{name}" in done.output and "設定がありません" in done.output


async def test_without_either_way_in_both_are_named() -> None:
    async with ready() as api:
        done = await setup(api, APP_TOKEN="", SIGNING_SECRET="")
    assert done.exit_code == 1
    assert "MADOGUCHI_SLACK_APP_TOKEN" in done.output and "MADOGUCHI_SLACK_SIGNING_SECRET" in done.output


def test_the_manifest_for_socket_mode_needs_no_address() -> None:
    done = CliRunner().invoke(commands, ["manifest"])
    assert done.exit_code == 0
    made = json.loads(done.output)
    assert made["settings"]["socket_mode_enabled"] is True
    assert "http" not in done.output


def test_the_manifest_for_http_needs_an_address_that_slack_can_reach() -> None:
    done = CliRunner().invoke(commands, ["manifest", "--http"], env={"MADOGUCHI_PUBLIC_URL": "http://127.0.0.1:8000"})
    assert done.exit_code == 1
    assert "MADOGUCHI_PUBLIC_URL" in done.output and "https://" in done.output
