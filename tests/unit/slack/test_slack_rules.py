"""The tests' own judge of Slack's block rules: it accepts what Slack accepts and names what Slack refuses."""

from typing import Any

import pytest

from tests.support.slack_rules import check_answer, check_blocks, check_message, check_view

PLAIN = {"type": "plain_text", "text": "x", "emoji": True}
BUTTON = {"type": "button", "text": PLAIN, "action_id": "a", "value": "v"}
SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "x"}}


def actions(*elements: dict[str, Any]) -> dict[str, Any]:
    return {"type": "actions", "elements": list(elements)}


def plain(length: int) -> dict[str, str]:
    return {"type": "plain_text", "text": "x" * length}


def test_what_is_right_is_accepted() -> None:
    blocks = [
        {"type": "header", "text": plain(150)},
        {**SECTION, "accessory": BUTTON},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": "x"}]},
        actions(BUTTON, {**BUTTON, "action_id": "b", "text": plain(75), "value": "v" * 2_000}),
        {"type": "divider"},
    ]
    assert check_blocks(blocks, most=50) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "header", "text": plain(151)},
        {"type": "header", "text": {"type": "mrkdwn", "text": "x"}},
        {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3_001}},
        {"type": "section", "text": {"type": "mrkdwn", "text": ""}},
        {"type": "section"},
        {"type": "section", "fields": [{"type": "mrkdwn", "text": "x"}] * 11},
        {**SECTION, "colour": "red"},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": "x"}] * 11},
        actions(),
        actions(*[{**BUTTON, "action_id": str(number)} for number in range(26)]),
        actions(BUTTON, BUTTON),
        actions({**BUTTON, "text": plain(76)}),
        actions({**BUTTON, "value": "v" * 2_001}),
        actions({**BUTTON, "value": ""}),
        actions({**BUTTON, "style": "green"}),
        actions({"type": "overflow", "action_id": "o", "options": [{"text": PLAIN, "value": "v" * 151}]}),
        actions({"type": "overflow", "action_id": "o", "options": [{"text": plain(76), "value": "v"}]}),
        actions(
            {"type": "overflow", "action_id": "o", "options": [{"text": PLAIN, "value": str(n)} for n in range(6)]}
        ),
        actions({"type": "marquee"}),
        {"type": "input", "label": PLAIN, "element": {"type": "plain_text_input", "action_id": "a"}},
        {"type": "table"},
    ],
)
def test_what_slack_refuses_is_named(wrong: dict[str, Any]) -> None:
    assert check_blocks([wrong], most=50)


def test_counts_and_repeated_block_ids_are_named() -> None:
    assert check_blocks([{"type": "divider"}] * 51, most=50)
    assert check_blocks([{"type": "divider", "block_id": "a"}] * 2, most=50)


@pytest.mark.parametrize(
    "changed",
    [
        {"title": plain(25)}, {"submit": plain(25)}, {"close": plain(25)}, {"private_metadata": "x" * 3_001}, {"submit": None},
        {"blocks": [{"type": "divider"}] * 101}, {"callback_id": "x" * 256}, {"hash": "x"}, {"type": "sheet"},
    ],
)  # fmt: skip
def test_a_view_out_of_bounds_is_named(changed: dict[str, Any]) -> None:
    element = {"type": "plain_text_input", "action_id": "a", "initial_value": "x", "max_length": 3_000}
    view = {
        "type": "modal", "title": plain(24), "submit": plain(24), "close": plain(24), "private_metadata": "x" * 3_000,
        "callback_id": "c", "blocks": [{"type": "input", "block_id": "b", "label": PLAIN, "element": element}],
    }  # fmt: skip
    assert check_view(view) == []
    assert check_view({name: value for name, value in {**view, **changed}.items() if value is not None})


@pytest.mark.parametrize(
    "changed",
    [
        {"text": ""}, {"thread_ts": 1.5}, {"thread_ts": "1.5"}, {"client_msg_id": "x"}, {"channel": ""},
        {"blocks": [{**SECTION, "text": {"type": "mrkdwn", "text": "x" * 2_900}}] * 5},
        {"attachments": [{"title": "x"}]}, {"metadata": {"event_type": "x"}},
    ],
)  # fmt: skip
def test_a_message_out_of_bounds_is_named(changed: dict[str, Any]) -> None:
    message = {"channel": "C1", "text": "x", "blocks": [SECTION], "thread_ts": "1700000000.000100"}
    assert check_message(message, method="chat.postMessage") == []
    assert check_message({**message, **changed}, method="chat.postMessage")


def test_answers_are_judged_as_well() -> None:
    assert check_answer({"response_action": "clear"}) == []
    assert check_answer({"response_action": "errors", "errors": {}})
    assert check_answer({"response_action": "close"})
    assert check_answer({"response_type": "ephemeral", "text": "x", "blocks": [{"type": "table"}]})
