"""docs/slack.md names only settings, commands, buttons and codes that there are."""

import re
from pathlib import Path

from adapters.desk.texts import Texts
from adapters.slack.calls import BROKEN
from adapters.slack.setup import manifest
from adapters.slack.words import load_words
from bot.settings import Settings

DOCS = Path(__file__).resolve().parents[2] / "docs"
GUIDE = (DOCS / "slack.md").read_text("utf-8")


def test_settings_are_those_of_the_product_and_all_of_them_are_in_the_operators_guide() -> None:
    ours = {name.upper() for name in Settings.model_fields if name.startswith("slack_")}
    assert set(re.findall(r"MADOGUCHI_(SLACK_[A-Z_]+)", GUIDE)) <= ours
    assert ours <= set(re.findall(r"`(SLACK_[A-Z_]+)`", (DOCS / "operator-guide.md").read_text("utf-8")))


def test_buttons_in_the_table_are_called_as_on_the_card() -> None:
    table = GUIDE.partition("## できること")[2].partition("## うまくいかないとき")[0]
    labels = {text for key, text in load_words("ja").items() if key.startswith("button.")}
    named = {name for name in re.findall(r"\*\*([^*]+)\*\*", table) if name not in ("⋯", "ホーム")}
    shortcut = str(manifest(name="x", public_url="", socket_mode=True)["features"]["shortcuts"][0]["name"])
    assert {name for name in named if not name.endswith(shortcut)} <= labels
    assert any(name.endswith(shortcut) for name in named)


def test_codes_in_the_trouble_table_are_ones_that_stop_slack_and_have_words_at_the_desk() -> None:
    table = GUIDE.partition("## うまくいかないとき")[2].partition("## 守っている決まり")[0]
    codes = set(re.findall(r"`([a-z]+_[a-z]+|unreachable|unclear)`", table))
    assert codes <= BROKEN | {"unreachable", "unclear"}
    assert {code for code in codes if Texts("en").name("team_chat", code) == code} == set()
