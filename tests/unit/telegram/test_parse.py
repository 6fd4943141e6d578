"""Every kind of update has a form of ours: nothing that a person sends disappears."""

from typing import Any

import orjson
import pytest
from telegram.constants import MessageType

from adapters.telegram.parse import ALLOWED_UPDATES, callback_id, parse_update
from bot.inbound import Inbound

PERSON = {"id": 77, "is_bot": False, "first_name": "太郎", "last_name": "山田", "language_code": "ja"}
PRIVATE = {"id": 77, "type": "private", "first_name": "太郎"}
GROUP = {"id": -500, "type": "supergroup", "title": "会"}
STICKER = {
    "file_id": "F1", "file_unique_id": "u1", "type": "regular", "width": 9, "height": 9, "emoji": "🙏",
    "is_animated": False, "is_video": False,
}  # fmt: skip
FILE = {"file_id": "F1", "file_unique_id": "u1", "file_size": 1234}


def message(chat: dict[str, Any] = PRIVATE, **content: Any) -> dict[str, Any]:
    return {"message_id": 5, "from": PERSON, "chat": chat, "date": 1_795_316_400, **content}


def parsed(**what: Any) -> Inbound:
    inbound = parse_update({"update_id": 900, **what}, account="4242")
    assert inbound is not None
    return inbound


def test_text_carries_who_where_and_the_key_that_makes_a_repeat_harmless() -> None:
    inbound = parsed(message=message(text="更新したいです"))
    assert inbound == Inbound(
        channel="telegram", account="4242", address="77", delivery_key="900", kind="text", text="更新したいです",
        language_hint="ja", display_name="太郎 山田", private=True, message_ref="5",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "content", "name", "mime"),
    [
        ("document", FILE | {"file_name": "振込.pdf", "mime_type": "application/pdf"}, "振込.pdf", "application/pdf"),
        ("voice", FILE | {"duration": 3, "mime_type": "audio/ogg"}, "voice_5.ogg", "audio/ogg"),
        ("video", FILE | {"duration": 3, "width": 9, "height": 9}, "video_5.mp4", "video/mp4"),
        ("video_note", FILE | {"duration": 3, "length": 9}, "video_note_5.mp4", "video/mp4"),
        ("audio", FILE | {"duration": 3}, "audio_5.mp3", "audio/mpeg"),
        ("animation", FILE | {"duration": 3, "width": 9, "height": 9}, "animation_5.mp4", "video/mp4"),
    ],
)
def test_a_file_names_where_it_lies(kind: str, content: dict[str, Any], name: str, mime: str) -> None:
    inbound = parsed(message=message(**{kind: content, "caption": "明細です"}))
    (file,) = inbound.files
    assert (inbound.kind, inbound.other, inbound.text) == ("file", kind, "明細です")
    assert (file.file_id, file.remote_ref, file.name, file.mime, file.size_bytes) == (0, "F1", name, mime, 1234)


def test_of_a_photo_the_largest_size_is_taken() -> None:
    sizes = [{**FILE, "file_id": f"S{n}", "width": n, "height": n, "file_size": n * 10} for n in (90, 320, 1280)]
    (file,) = parsed(message=message(photo=sizes)).files
    assert (file.remote_ref, file.size_bytes, file.mime) == ("S1280", 12800, "image/jpeg")


def test_a_file_over_the_limit_says_so_by_its_size() -> None:
    (file,) = parsed(message=message(document=FILE | {"file_size": 31_457_280})).files
    assert file.size_bytes == 31_457_280


@pytest.mark.parametrize(
    ("kind", "content", "text"),
    [
        ("sticker", STICKER, "🙏"),
        ("location", {"latitude": 35.681236, "longitude": 139.767125}, "35.681236, 139.767125"),
        ("contact", {"phone_number": "+819012345678", "first_name": "花子", "last_name": "佐藤"}, "佐藤 花子 +819012345678"),
        ("dice", {"emoji": "🎲", "value": 6}, "🎲 6"),
        ("venue", {"location": {"latitude": 1.0, "longitude": 2.0}, "title": "本店", "address": "東京都"}, "本店 東京都"),
        (
            "poll",
            {
                "id": "1", "question": "何時?", "total_voter_count": 0, "is_closed": False, "is_anonymous": True,
                "type": "regular", "allows_multiple_answers": False, "allows_revoting": False, "members_only": False,
                "options": [{"persistent_id": name, "text": name, "voter_count": 0} for name in "朝夜"],
            },
            "何時?\n朝\n夜",
        ),
    ],
)  # fmt: skip
def test_what_has_no_form_of_its_own_is_kept_with_its_kind(kind: str, content: dict[str, Any], text: str) -> None:
    inbound = parsed(message=message(**{kind: content}))
    assert (inbound.kind, inbound.other, inbound.text, inbound.payload) == ("other", kind, text, "")


def test_a_kind_nobody_has_heard_of_is_kept_whole() -> None:
    inbound = parsed(message=message(hologram={"depth": 3}))
    assert (inbound.kind, inbound.other) == ("other", "hologram")
    assert orjson.loads(inbound.payload)["hologram"] == {"depth": 3}


def test_a_message_that_the_library_cannot_read_is_kept_whole() -> None:
    inbound = parsed(message=message(sticker={"no": "fields"}))
    assert (inbound.kind, inbound.other, inbound.address) == ("other", "sticker", "77")
    assert orjson.loads(inbound.payload)["sticker"] == {"no": "fields"}


def test_words_and_presses_count_even_where_the_library_cannot_read_the_rest() -> None:
    said = parsed(message=message(text="こんにちは", entities=[{"unexpected": 1}]))
    assert (said.kind, said.text, said.address) == ("text", "こんにちは", "77")
    pressed = parsed(
        callback_query={
            "id": "q",
            "from": PERSON,
            "data": "a.0.key1",
            "message": {"message_id": 8, "chat": PRIVATE, "text": 5, "date": "?"},
        }
    )
    assert (pressed.kind, pressed.handle, pressed.message_ref) == ("press", "a.0.key1", "8")


@pytest.mark.parametrize(
    "kind",
    [
        kind.value
        for kind in MessageType
        if kind.value
        not in {
            "effect_id",
            "sender_boost_count",
            "sender_business_bot",
            "business_connection_id",
            "reply_to_story",
            "suggested_post_info",
        }
    ],
)
def test_no_kind_of_message_disappears(kind: str) -> None:
    inbound = parsed(message=message(**{kind: {"unexpected": 1} if kind != "text" else "a"}))
    assert inbound.address == "77" and inbound.message_ref == "5"


def test_a_note_that_nobody_wrote_is_marked() -> None:
    inbound = parsed(message=message(GROUP, new_chat_title="新しい名前"))
    assert (inbound.kind, inbound.other, inbound.text) == ("other", "service", "new_chat_title")


def test_an_edit_keeps_the_message_it_changes() -> None:
    inbound = parsed(edited_message=message(text="13,200円です", edit_date=1_795_316_500))
    assert (inbound.kind, inbound.text, inbound.message_ref) == ("edit", "13,200円です", "5")


def test_a_press_brings_the_handle_and_the_bubble_it_was_on() -> None:
    bubble = message(text="どれにしますか") | {
        "message_id": 88,
        "from": {"id": 4242, "is_bot": True, "first_name": "窓口"},
    }
    raw = {
        "update_id": 900,
        "callback_query": {"id": "q1", "from": PERSON, "message": bubble, "chat_instance": "1", "data": "a.0.key1"},
    }
    inbound = parse_update(raw, account="4242")
    assert inbound is not None
    assert (inbound.kind, inbound.handle, inbound.message_ref, inbound.address) == ("press", "a.0.key1", "88", "77")
    assert callback_id(raw) == "q1"


def test_a_press_on_a_bubble_too_old_to_show_still_counts() -> None:
    gone = {"message_id": 88, "chat": PRIVATE, "date": 0}
    inbound = parsed(
        callback_query={"id": "q", "from": PERSON, "message": gone, "chat_instance": "1", "data": "a.0.key1"}
    )
    assert (inbound.kind, inbound.handle, inbound.address, inbound.message_ref) == ("press", "a.0.key1", "77", "88")


@pytest.mark.parametrize(
    ("text", "payload"), [("/start", ""), ("/start abc_D-9", "abc_D-9"), ("/start@our_bot x", "x")]
)
def test_start_brings_its_payload(text: str, payload: str) -> None:
    inbound = parsed(message=message(text=text))
    assert (inbound.kind, inbound.payload) == ("start", payload)


def test_a_command_in_a_group_is_read_without_the_name_of_the_bot() -> None:
    inbound = parsed(message=message(GROUP, text="/menu@our_bot"))
    assert (inbound.kind, inbound.text, inbound.private, inbound.address) == ("text", "/menu", False, "-500")


@pytest.mark.parametrize(("status", "kind"), [("kicked", "blocked"), ("member", "unblocked")])
def test_blocking_and_unblocking_are_told(status: str, kind: str) -> None:
    bot = {"id": 4242, "is_bot": True, "first_name": "窓口"}
    new = {"status": status, "user": bot} | ({"until_date": 0} if status == "kicked" else {})
    change = {
        "chat": PRIVATE,
        "from": PERSON,
        "date": 1,
        "old_chat_member": {"status": "member", "user": bot},
        "new_chat_member": new,
    }
    assert parsed(my_chat_member=change).kind == kind


def test_too_long_a_text_is_cut_and_says_so() -> None:
    inbound = parsed(message=message(text="あ" * 10_050))
    assert (len(inbound.text), inbound.cut) == (10_000, True)


def test_what_was_not_subscribed_to_is_nothing() -> None:
    assert (
        parse_update({"update_id": 1, "poll_answer": {"poll_id": "1", "user": PERSON, "option_ids": []}}, account="1")
        is None
    )
    assert set(ALLOWED_UPDATES) == {"message", "edited_message", "callback_query", "my_chat_member"}


def test_an_inbound_with_a_remote_file_survives_the_store() -> None:
    inbound = parsed(message=message(document=FILE))
    assert Inbound.from_json(orjson.loads(orjson.dumps(inbound.to_json()))) == inbound
