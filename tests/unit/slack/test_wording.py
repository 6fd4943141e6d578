"""The words of the Slack desk: the same keys in both languages, every key that the code names, the places Slack limits."""

import re
import tomllib
from pathlib import Path

import pytest

from adapters.slack.words import FOLDER, Words, load_words

CODE = Path(__file__).resolve().parents[3]
NAMED = re.compile(r'"((?:card|button|post|delivery|whisper|modal|warning|snooze|home|command)\.[a-z_0-9]+)"')


def test_both_languages_have_the_same_keys_with_the_same_values() -> None:
    ja, en = load_words("ja"), load_words("en")
    assert ja.keys() == en.keys() and len(ja) > 100
    for key, text in ja.items():
        assert set(re.findall(r"(?<!\{)\{(\w+)\}", text)) == set(re.findall(r"(?<!\{)\{(\w+)\}", en[key])), key


def test_every_key_the_code_names_is_there() -> None:
    named = {key for path in (CODE / "adapters/slack").glob("*.py") for key in NAMED.findall(path.read_text("utf-8"))}
    assert len(named) > 40 and named - load_words("ja").keys() == set()


@pytest.mark.parametrize("language", ["ja", "en"])
def test_titles_and_buttons_fit_slack(language: str) -> None:
    words = load_words(language)
    for key, text in words.items():
        if key.startswith("modal.") and key.endswith(("_title", "_send", ".next", ".send", ".cancel", ".close")):
            assert len(text) <= 24, key
        if key.startswith("button."):
            assert len(text) <= 75, key


def test_an_unknown_refusal_is_named_by_its_code() -> None:
    assert "strange_thing" in Words("ja").error("strange_thing", {})
    assert len(tomllib.loads((FOLDER / "ja.toml").read_text("utf-8"))) > 8
