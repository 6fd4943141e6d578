"""docs/slack.md names only settings, commands, buttons and codes that there are."""

import re
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from adapters.desk.texts import Texts
from adapters.slack.calls import BROKEN
from adapters.slack.reactions import ACTS
from adapters.slack.setup import SCOPES, manifest
from adapters.slack.words import load_words
from bot.commands.slack import slack as commands
from bot.settings import Settings
from core.profiles.rules import Support

DOCS = Path(__file__).resolve().parents[2] / "docs"
GUIDE = (DOCS / "slack.md").read_text("utf-8")


def made() -> dict[str, Any]:
    return manifest(name="x", public_url="", socket_mode=True)


def test_the_manifest_that_is_shipped_is_the_one_that_the_command_prints() -> None:
    printed = CliRunner().invoke(commands, ["manifest"], env={"MADOGUCHI_PROFILE": None})
    assert printed.output == (DOCS / "slack-manifest.json").read_text("utf-8")
    assert "](slack-manifest.json)" in GUIDE


def test_the_guide_names_every_emoji_scope_and_event_that_came_later() -> None:
    english = GUIDE.partition("# Connect Slack")[2]
    asked = {*SCOPES, *made()["settings"]["event_subscriptions"]["bot_events"]}
    for part in (GUIDE.partition("# Connect Slack")[0], english):
        assert set(re.findall(r"`(reactions?[:_][a-z]+)`", part)) == {name for name in asked if "reaction" in name}
        assert {sign for sign in "👀✅🚨🔒" if sign in part} == set("👀✅🚨🔒")
        assert "alert_email" in part
    assert len(ACTS) == 4 and "alert_email" in Support.model_fields


def test_settings_are_those_of_the_product_and_all_of_them_are_in_the_operators_guide() -> None:
    ours = {name.upper() for name in Settings.model_fields if name.startswith("slack_")}
    assert set(re.findall(r"MADOGUCHI_(SLACK_[A-Z_]+)", GUIDE)) <= ours
    assert ours <= set(re.findall(r"`(SLACK_[A-Z_]+)`", (DOCS / "operator-guide.md").read_text("utf-8")))


def test_buttons_in_the_table_are_called_as_on_the_card() -> None:
    table = GUIDE.partition("## できること")[2].partition("## うまくいかないとき")[0]
    labels = {text for key, text in load_words("ja").items() if key.startswith("button.")}
    named = {name for name in re.findall(r"\*\*([^*]+)\*\*", table) if name not in ("⋯", "ホーム")}
    shortcuts = [f"⋮ → {each['name']}" for each in made()["features"]["shortcuts"]]
    assert named - set(shortcuts) <= labels
    assert set(shortcuts) <= named


def test_codes_in_the_trouble_table_are_ones_that_stop_slack_and_have_words_at_the_desk() -> None:
    table = GUIDE.partition("## うまくいかないとき")[2].partition("## 守っている決まり")[0]
    codes = set(re.findall(r"`([a-z]+_[a-z]+|unreachable|unclear)`", table))
    assert codes <= BROKEN | {"unreachable", "unclear"}
    assert {code for code in codes if Texts("en").name("team_chat", code) == code} == set()
