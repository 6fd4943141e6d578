"""What Slack accepts: the fields of each block and element (closed: an unknown one is wrong), lengths, counts, unique ids.

Sources: https://docs.slack.dev/reference/block-kit/blocks/ , …/block-elements/ , …/composition-objects/ ,
https://docs.slack.dev/reference/views/ , and platforms.md 3.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

MESSAGE_BLOCKS, VIEW_BLOCKS = 50, 100
BLOCK_TEXT_TOTAL = 13_200  # of one message: beyond it Slack answers msg_blocks_too_long
TEXT = 40_000
VIEW_BYTES = 250_000
PLAIN, ANY = frozenset({"plain_text"}), frozenset({"plain_text", "mrkdwn"})

Said = Iterator[str]
Check = Callable[[Any], Said]


@dataclass(frozen=True)
class Field:
    """One field: what it holds, and whether it must be there."""

    check: Check
    needed: bool = False


def _string(most: int, least: int = 0) -> Check:
    def check(value: Any) -> Said:
        if not isinstance(value, str):
            yield f"no string: {value!r}"
        elif not least <= len(value) <= most:
            yield f"{len(value)} characters, {least} to {most} are allowed"

    return check


def _flag(value: Any) -> Said:
    if not isinstance(value, bool):
        yield f"no boolean: {value!r}"


def _number(value: Any) -> Said:
    if isinstance(value, bool) or not isinstance(value, int):
        yield f"no whole number: {value!r}"


def _one_of(*values: str) -> Check:
    def check(value: Any) -> Said:
        if value not in values:
            yield f"{value!r} is none of {values}"

    return check


def _day(value: Any) -> Said:
    parts = str(value).split("-")
    if [len(part) for part in parts] != [4, 2, 2] or not all(part.isdigit() for part in parts):
        yield f"no day as YYYY-MM-DD: {value!r}"


def _text(most: int, kinds: frozenset[str] = PLAIN) -> Check:
    def check(value: Any) -> Said:
        if not isinstance(value, dict) or value.get("type") not in kinds:
            yield f"text must be one of {sorted(kinds)}: {value!r}"
            return
        more = {"emoji"} if value["type"] == "plain_text" else {"verbatim"}
        if unknown := set(value) - {"type", "text"} - more:
            yield f"unknown fields {sorted(unknown)}"
        yield from _string(most, 1)(value.get("text"))

    return check


def _list(check: Check, most: int, least: int = 1) -> Check:
    def check_all(value: Any) -> Said:
        if not isinstance(value, list) or not least <= len(value) <= most:
            yield f"{least} to {most} items are allowed: {str(value)[:80]}"
            return
        for number, item in enumerate(value):
            yield from (f"[{number}] {said}" for said in check(item))

    return check_all


def _object(fields: dict[str, Field]) -> Check:
    def check(value: Any) -> Said:
        if not isinstance(value, dict):
            yield f"no object: {value!r}"
            return
        yield from (f"unknown field {name}" for name in value if name not in fields)
        for name, field in fields.items():
            if name in value:
                yield from (f"{name}: {said}" for said in field.check(value[name]))
            elif field.needed:
                yield f"{name} is missing"

    return check


def _typed(kinds: dict[str, dict[str, Field]]) -> Check:
    def check(value: Any) -> Said:
        kind = value.get("type") if isinstance(value, dict) else None
        if kind not in kinds:
            yield f"type {kind!r} is not allowed here"
            return
        yield from (f"{kind}: {said}" for said in _object(kinds[kind])({k: v for k, v in value.items() if k != "type"}))

    return check


CONFIRM = _object(
    {
        "title": Field(_text(100), True),
        "text": Field(_text(300, ANY), True),
        "confirm": Field(_text(30), True),
        "deny": Field(_text(30), True),
        "style": Field(_one_of("primary", "danger")),
    }
)
OPTION = _object(
    {
        "text": Field(_text(75, ANY), True),
        "value": Field(_string(150, 1), True),
        "description": Field(_text(75, ANY)),
        "url": Field(_string(3_000, 1)),
    }
)
_ACTION = {"action_id": Field(_string(255, 1)), "confirm": Field(CONFIRM)}
_FOCUS = {"focus_on_load": Field(_flag)}
_PLACEHOLDER = {"placeholder": Field(_text(150))}
_OPTIONS = {"options": Field(_list(OPTION, 100), True)}
BUTTON = {
    **_ACTION,
    "text": Field(_text(75), True),
    "value": Field(_string(2_000, 1)),
    "url": Field(_string(3_000, 1)),
    "style": Field(_one_of("primary", "danger")),
    "accessibility_label": Field(_string(75, 1)),
}
OVERFLOW = {**_ACTION, "options": Field(_list(OPTION, 5), True)}
SELECT = {**_ACTION, **_FOCUS, **_PLACEHOLDER, **_OPTIONS, "initial_option": Field(OPTION)}
USERS = {**_ACTION, **_FOCUS, **_PLACEHOLDER, "initial_user": Field(_string(32, 1))}
DATE = {**_ACTION, **_FOCUS, **_PLACEHOLDER, "initial_date": Field(_day)}
TIME = {**_ACTION, **_FOCUS, **_PLACEHOLDER, "initial_time": Field(_string(5, 5)), "timezone": Field(_string(60, 1))}
DATETIME = {**_ACTION, **_FOCUS, "initial_date_time": Field(_number)}
CHECKBOXES = {
    **_ACTION, **_FOCUS, "options": Field(_list(OPTION, 10), True), "initial_options": Field(_list(OPTION, 10)),
}  # fmt: skip
RADIO = {**_ACTION, **_FOCUS, "options": Field(_list(OPTION, 10), True), "initial_option": Field(OPTION)}
TYPED = {
    **_FOCUS, **_PLACEHOLDER,
    "action_id": Field(_string(255, 1)),
    "initial_value": Field(_string(3_000)),
    "multiline": Field(_flag),
    "min_length": Field(_number),
    "max_length": Field(_number),
}  # fmt: skip
IMAGE = {"image_url": Field(_string(3_000, 1), True), "alt_text": Field(_string(2_000, 1), True)}
PICKERS = {
    "static_select": SELECT, "users_select": USERS, "datepicker": DATE, "timepicker": TIME, "datetimepicker": DATETIME,
    "checkboxes": CHECKBOXES, "radio_buttons": RADIO,
}  # fmt: skip
PRESSED = {"button": BUTTON, "overflow": OVERFLOW, **PICKERS}


def _context_element(value: Any) -> Said:
    if isinstance(value, dict) and value.get("type") == "image":
        yield from _typed({"image": IMAGE})(value)
    else:
        yield from _text(3_000, ANY)(value)


_BLOCK_ID = {"block_id": Field(_string(255, 1))}
BLOCKS: dict[str, dict[str, Field]] = {
    "header": {**_BLOCK_ID, "text": Field(_text(150), True)},
    "divider": _BLOCK_ID,
    "section": {
        **_BLOCK_ID,
        "text": Field(_text(3_000, ANY)),
        "fields": Field(_list(_text(2_000, ANY), 10)),
        "accessory": Field(_typed({**PRESSED, "image": IMAGE})),
        "expand": Field(_flag),
    },
    "context": {**_BLOCK_ID, "elements": Field(_list(_context_element, 10), True)},
    "actions": {**_BLOCK_ID, "elements": Field(_list(_typed(PRESSED), 25), True)},
    "image": {**_BLOCK_ID, **IMAGE, "title": Field(_text(2_000))},
}
INPUT = {
    **_BLOCK_ID,
    "label": Field(_text(2_000), True),
    "element": Field(_typed({**PICKERS, "plain_text_input": TYPED}), True),
    "hint": Field(_text(2_000)),
    "optional": Field(_flag),
    "dispatch_action": Field(_flag),
}


def check_blocks(blocks: Any, *, most: int, inputs: bool = False) -> list[str]:
    """What is wrong with these blocks, each with its place."""
    said = list(_list(_typed({**BLOCKS, "input": INPUT} if inputs else BLOCKS), most, 0)(blocks))
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        return said
    ids = Counter(block["block_id"] for block in blocks if "block_id" in block)
    said += [f"block_id {name!r} is there {times} times" for name, times in ids.items() if times > 1]
    for number, block in enumerate(blocks):
        if block.get("type") == "section" and not (block.get("text") or block.get("fields")):
            said.append(f"[{number}] a section needs text or fields")
        actions = Counter(each["action_id"] for each in _elements(block) if "action_id" in each)
        said += [f"[{number}] action_id {name!r} is there {n} times" for name, n in actions.items() if n > 1]
        for element in _elements(block):
            said += [f"[{number}] {words}" for words in _sense(element)]
    return said


def _elements(block: dict[str, Any]) -> list[dict[str, Any]]:
    found = [*(block.get("elements") or ()), block.get("accessory"), block.get("element")]
    return [element for element in found if isinstance(element, dict)]


def _sense(element: dict[str, Any]) -> Said:
    values = [option.get("value") for option in element.get("options") or ()]
    if len(values) != len(set(values)):
        yield "two options have the same value"
    first = element.get("initial_option")
    if first is not None and first not in element.get("options", ()):
        yield "initial_option is none of the options"
    given, most = element.get("initial_value"), element.get("max_length", 3_000)
    if given is not None and len(given) > most:
        yield "initial_value is longer than max_length"
    if not 1 <= most <= 3_000:
        yield f"max_length {most}"


def check_message(given: dict[str, Any], *, method: str) -> list[str]:
    """`chat.postMessage`, `chat.update`, `chat.postEphemeral`."""
    known = {
        "chat.postMessage": {"metadata", "reply_broadcast", "unfurl_links", "unfurl_media"},
        "chat.update": {"ts", "metadata", "reply_broadcast"},
        "chat.postEphemeral": {"user"},
    }[method] | {"channel", "text", "blocks", "attachments", "thread_ts", "token", "link_names", "parse"}
    said = [f"unknown argument {name}" for name in given if name not in known]
    needed = {"chat.update": ("channel", "ts"), "chat.postEphemeral": ("channel", "user")}.get(method, ("channel",))
    said += [f"{name} is missing" for name in needed if not given.get(name)]
    text, blocks = given.get("text") or "", given.get("blocks") or []
    attachments = given.get("attachments") or []
    if not text:
        said.append("no text: notifications and screen readers have nothing to say")
    said += [f"text: {words}" for words in _string(TEXT)(text)]
    said += [f"blocks{words}" for words in check_blocks(blocks, most=MESSAGE_BLOCKS)]
    everything = list(blocks)
    for number, attachment in enumerate(attachments):
        if unknown := set(attachment) - {"color", "blocks", "fallback"}:
            said.append(f"attachments[{number}] unknown fields {sorted(unknown)}")
        said += [
            f"attachments[{number}].blocks{words}"
            for words in check_blocks(attachment.get("blocks") or [], most=MESSAGE_BLOCKS)
        ]
        everything += attachment.get("blocks") or []
    if (total := len(words_of(everything))) > BLOCK_TEXT_TOTAL:
        said.append(f"the texts of the blocks together have {total} characters: msg_blocks_too_long")
    said += _metadata(given.get("metadata"))
    return [f"{method}: {words}" for words in said + _ids(given)]


def _metadata(value: Any) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, dict) or set(value) != {"event_type", "event_payload"}:
        return [f"metadata: event_type and event_payload: {value!r}"]
    flat = all(isinstance(each, str | int | bool) for each in value["event_payload"].values())
    return [] if flat else ["metadata: event_payload must be flat"]


def _ids(given: dict[str, Any]) -> list[str]:
    """A ts that went through a float has lost digits."""
    return [
        f"{name} {given[name]!r} is no ts as Slack writes it"
        for name in ("ts", "thread_ts")
        if given.get(name) is not None
        and [len(part) for part in str(given[name]).split(".")] != [len(str(given[name]).split(".")[0]), 6]
    ]


def check_view(view: Any) -> list[str]:
    """A modal or a home tab."""
    if not isinstance(view, dict) or view.get("type") not in ("modal", "home"):
        return [f"no view: {str(view)[:100]}"]
    fields: dict[str, Field] = {
        "blocks": Field(lambda value: iter(check_blocks(value, most=VIEW_BLOCKS, inputs=True)), True),
        "private_metadata": Field(_string(3_000)),
        "callback_id": Field(_string(255, 1)),
        "external_id": Field(_string(255, 1)),
    }
    if view["type"] == "modal":
        fields |= {
            "title": Field(_text(24), True),
            "submit": Field(_text(24)),
            "close": Field(_text(24)),
            "clear_on_close": Field(_flag),
            "notify_on_close": Field(_flag),
        }
    said = list(_typed({view["type"]: fields})(view))
    if any(block.get("type") == "input" for block in view.get("blocks") or ()) and not view.get("submit"):
        said.append("inputs need a submit")
    if len(json.dumps(view)) > VIEW_BYTES:
        said.append("larger than 250 KB")
    return said


def check_answer(body: dict[str, Any]) -> list[str]:
    """What is answered to a modal that was sent (`response_action`) or to a slash command (`response_type`)."""
    if not body:
        return []
    action = body.get("response_action")
    if action in ("update", "push"):
        return [f"unknown {name}" for name in set(body) - {"response_action", "view"}] + check_view(body.get("view"))
    if action == "errors":
        fine = isinstance(body.get("errors"), dict) and bool(body["errors"])
        return [] if fine and all(body["errors"].values()) else ["errors without words"]
    if action == "clear":
        return [] if set(body) == {"response_action"} else [f"clear takes nothing: {sorted(body)}"]
    if body.get("response_type") in ("ephemeral", "in_channel"):
        unknown = set(body) - {"response_type", "text", "blocks"}
        return [f"unknown {name}" for name in unknown] + check_blocks(body.get("blocks") or [], most=MESSAGE_BLOCKS)
    return [f"no answer that Slack knows: {sorted(body)}"]


def words_of(value: Any) -> str:
    """All that counts as text in blocks."""
    if isinstance(value, list):
        return "".join(words_of(item) for item in value)
    if isinstance(value, dict):
        own = value["text"] if isinstance(value.get("text"), str) else ""
        return own + "".join(words_of(item) for name, item in value.items() if not isinstance(item, str))
    return ""
