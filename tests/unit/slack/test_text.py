"""Text to and from Slack: what a member writes notifies nobody, what staff write arrives as they typed it."""

import pytest

from adapters.slack.handles import Handles, Pressed
from adapters.slack.text import escape, in_sections, unescape


def test_a_members_text_notifies_nobody() -> None:
    assert escape("<!channel> & <@U123>") == "&lt;!channel&gt; &amp; &lt;@U123&gt;"


@pytest.mark.parametrize(
    ("from_slack", "typed"),
    [
        ("&gt;&gt; a &amp; b &lt;c&gt;", ">> a & b <c>"),
        ("<https://example.jp/x?a=1&amp;b=2>", "https://example.jp/x?a=1&b=2"),
        ("<https://example.jp|example.jp>", "example.jp (https://example.jp)"),
        ("<mailto:a@example.jp|a@example.jp>", "a@example.jp"),
        ("<@U123> <#C1|desk> <!here>", "@U123 #desk @here"),
    ],
)
def test_what_staff_typed_is_read_back(from_slack: str, typed: str) -> None:
    assert unescape(from_slack) == typed


def test_a_long_text_is_cut_into_sections_that_slack_takes() -> None:
    text = "あ<&>" * 2_000
    parts = in_sections(text)
    assert "".join(parts) == text and all(len(escape(part)) <= 2_900 for part in parts)


def test_a_handle_is_bound_to_ticket_act_and_revision_and_cannot_be_made_up() -> None:
    handles = Handles("xoxb-1")
    made = handles.make(2**62, "confirm_payment", 12, 2**62 - 1)
    assert handles.read(made) == Pressed(2**62, "confirm_payment", 12, 2**62 - 1) and len(made) <= 75
    assert handles.read(made.replace(".c.", ".d.", 1)) is None
    assert Handles("xoxb-2").read(made) is None and handles.read("") is None and handles.read("a.b.c.d.e") is None
