"""Row Q2, dialogue-and-desk.md 1.4: what is changed or taken back on either side of a thread, and files both ways."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.inbound import InboundFile
from core.clock import ManualClock
from core.db import run
from core.delivery.files import MAX_FILE_BYTES, fill_file
from core.ids import SeededIds
from core.tickets.editing import list_versions
from tests.support.counter import Person
from tests.support.journeys import link_person, rows
from tests.support.slack_api import Fault, SlackApi
from tests.support.slack_desk import SlackDesk

SUZUKI = "U0SUZUKI"


@pytest.fixture
async def desk(database_url: str, clock: ManualClock, ids: SeededIds) -> AsyncIterator[SlackDesk]:
    async with SlackApi() as slack:
        made = SlackDesk(database_url, clock, ids, slack)
        made.counter.add_contract(made.counter.add_member())
        made.operator("suzuki", SUZUKI)
        yield made
        await made.close()


@pytest.fixture
def person(desk: SlackDesk) -> Person:
    return link_person(desk.counter.person())


async def answered(desk: SlackDesk, person: Person, text: str = "確認しました。") -> tuple[str, dict[str, Any]]:
    """The thread, and the message of staff that went out as an answer."""
    root = str((await desk.opened(person))["ts"])
    said = await desk.write(SUZUKI, f"&gt;&gt; {text}", thread=root)
    await desk.later(seconds=11)
    await desk.later(seconds=5)
    return root, said


def notes(desk: SlackDesk) -> list[str]:
    return [row.body for row in rows(desk.counter, "ticket_message", visibility="internal", author="staff")]


# notes


async def test_an_edited_note_has_its_new_words_and_keeps_the_old_ones(desk: SlackDesk, person: Person) -> None:
    root = str((await desk.opened(person))["ts"])
    said = await desk.write(SUZUKI, "DNSだと思う", thread=root)
    await desk.edited(said, "DNSではなく証明書")
    assert notes(desk) == ["DNSではなく証明書"]
    note = rows(desk.counter, "ticket_message", visibility="internal")[0]
    versions = run(desk.database, lambda tx: list_versions(tx, message_id=note.id))
    assert [(v.body, v.new_body, v.change) for v in versions] == [("DNSだと思う", "DNSではなく証明書", "edited")]
    await desk.edited(said, "DNSではなく証明書")  # a link unfurled: Slack tells of a change that changes no words
    assert len(rows(desk.counter, "ticket_message_version")) == 1


async def test_a_deleted_note_leaves_a_tombstone_and_its_words_in_the_versions(desk: SlackDesk, person: Person) -> None:
    root = str((await desk.opened(person))["ts"])
    said = await desk.write(SUZUKI, "電話番号は03-0000-0000", thread=root)
    await desk.deleted(said)
    assert notes(desk) == ["（取り消しました）"]
    assert [row.change for row in rows(desk.counter, "ticket_message_version")] == ["removed"]
    assert "03-0000-0000" not in "".join(desk.slack.says(message) for message in desk.slack.thread(root))


async def test_nobody_changes_a_colleagues_note(desk: SlackDesk, person: Person) -> None:
    desk.operator("tanaka", "U0TANAKA")
    root = str((await desk.opened(person))["ts"])
    said = await desk.write(SUZUKI, "鈴木のメモ", thread=root)
    said["user"] = "U0TANAKA"
    await desk.edited(said, "田中が書き換えた")
    assert notes(desk) == ["鈴木のメモ"]


async def test_a_held_answer_that_is_edited_or_deleted_is_stopped(desk: SlackDesk, person: Person) -> None:
    root = str((await desk.opened(person))["ts"])
    person.seen = person.last_seq()
    for change in (lambda said: desk.edited(said, "&gt;&gt; 直した"), desk.deleted):
        said = await desk.write(SUZUKI, "&gt;&gt; まちがい", thread=root)
        await change(said)
        assert "取り消しました" in desk.told()
        await desk.later(seconds=30)
    assert person.answer() == ""


# answers that went out


async def test_an_edited_answer_is_offered_and_changes_the_web_chat_with_a_mark(
    desk: SlackDesk, person: Person
) -> None:
    root, said = await answered(desk, person)
    before = rows(desk.counter, "message", author="staff")[0]
    await desk.edited(said, "&gt;&gt; 確認し、直しました。")
    assert "会員側も直しますか？" in desk.told() and "&gt;&gt;" not in desk.told()
    assert rows(desk.counter, "message", author="staff")[0].body["text"] == "確認しました。"  # asked, not done
    offer = desk.slack.whispers[-1]
    await desk.press(SUZUKI, offer, "会員側も直す")
    assert "会員側も直しました" in desk.told()
    bubble = rows(desk.counter, "message", author="staff")[0]
    assert (before.edited_at, bubble.body["text"]) == (None, "確認し、直しました。")
    assert bubble.edited_at is not None  # the page shows it as 編集済み
    await desk.press(SUZUKI, offer, "会員側も直す")  # once more changes nothing
    assert len(rows(desk.counter, "ticket_message_version")) == 1
    assert "確認し、直しました。" in desk.slack.says(desk.slack.thread(root)[-1])


async def test_keeping_the_members_side_as_it_is_changes_nothing(desk: SlackDesk, person: Person) -> None:
    _, said = await answered(desk, person)
    await desk.edited(said, "&gt;&gt; やっぱりこう")
    await desk.press(SUZUKI, desk.slack.whispers[-1], "そのままにする")
    assert rows(desk.counter, "message", author="staff")[0].body["text"] == "確認しました。"


async def test_a_deleted_answer_is_taken_back_in_the_web_chat_when_staff_say_so(
    desk: SlackDesk, person: Person
) -> None:
    _, said = await answered(desk, person)
    await desk.deleted(said)
    assert "会員側も取り消しますか？" in desk.told()
    assert rows(desk.counter, "message", author="staff")[0].body["text"] == "確認しました。"
    await desk.press(SUZUKI, desk.slack.whispers[-1], "取り消す")
    assert "取り消しました" in rows(desk.counter, "message", author="staff")[0].body["text"]


async def test_telegrams_bubble_is_redrawn_and_taken_back_within_two_days_only(desk: SlackDesk) -> None:
    telegram = desk.add_channel("telegram")
    person = link_person(desk.counter.person(channel="telegram", address="77"))
    _, said = await answered(desk, person)
    assert "確認しました。" in telegram.texts()[-1]
    await desk.edited(said, "&gt;&gt; 直しました。")
    await desk.press(SUZUKI, desk.slack.whispers[-1], "会員側も直す")
    redrawn = telegram.given[-1]
    assert ("直しました。" in redrawn["body"]["text"], bool(redrawn["replaces"])) == (True, True)
    await desk.deleted(said)
    offer = desk.slack.whispers[-1]
    await desk.later(hours=49)
    sent = len(telegram.given)
    await desk.press(SUZUKI, offer, "取り消す")
    assert (len(telegram.given), "もう直せません" in desk.told()) == (sent, True)


async def test_line_can_change_nothing_so_a_correction_is_offered_and_goes_out_as_a_new_answer(
    desk: SlackDesk,
) -> None:
    line = desk.add_channel("line")
    person = link_person(desk.counter.person(channel="line", address="U77"))
    root, said = await answered(desk, person, "3月5日です。")
    await desk.edited(said, "&gt;&gt; 3月6日です。")
    assert "LINEでは、送った文を直せません" in desk.told()
    await desk.press(SUZUKI, desk.slack.whispers[-1], "訂正を送る")
    view = desk.slack.views[-1]
    assert "3月6日です。" in str(view)
    answer = await desk.submit(SUZUKI, view, {"text": "訂正します。3月6日です。"})
    await desk.submit(SUZUKI, {**answer.json()["view"], "id": view["id"], "hash": "h"}, {})
    assert ["3月5日" in text for text in line.texts() if "日です" in text] == [True, False]
    await desk.deleted(said)
    assert "LINEでは、送った文を取り消せません" in desk.told()
    assert "replaces" not in line.given[-1] or not line.given[-1]["replaces"]
    assert "3月6日" in "".join(desk.slack.says(message) for message in desk.slack.thread(root))


# the member changes their mind


@pytest.mark.parametrize("channel", ["webchat", "telegram"])
async def test_a_members_edit_stands_in_the_thread_with_old_and_new_words(desk: SlackDesk, channel: str) -> None:
    desk.add_channel("telegram")
    person = link_person(desk.counter.person(channel=channel, address="77"))
    root, _ = await answered(desk, person)
    person.act(kind="text", text="srv001です", message_ref="501")
    await desk.later(seconds=4)
    person.act(kind="edit", text="srv002です", message_ref="501")
    await desk.later(seconds=4)
    change = desk.slack.says(desk.slack.thread(root)[-1])
    assert "編集されました" in change and change.index("srv001です") < change.index("srv002です")
    await desk.later(minutes=1)
    said = [desk.slack.says(message) for message in desk.slack.thread(root)]
    assert sum("編集されました" in words for words in said) == 1
    assert any(
        "srv002です" in words and "編集されました" not in words for words in said
    )  # and its own post says the new


async def test_what_a_line_member_took_back_is_gone_from_slack_and_from_our_rows(desk: SlackDesk) -> None:
    desk.add_channel("line")
    person = link_person(desk.counter.person(channel="line", address="U77"))
    root, _ = await answered(desk, person)
    person.act(kind="text", text="秘密の番号は4321です", message_ref="9001")
    photo = InboundFile(0, "secret.jpg", "image/jpeg", 5, "remote-9002")
    person.act(kind="file", files=(photo,), other="photo", message_ref="9002")
    file_id = rows(desk.counter, "stored_file")[0].id
    run(desk.database, lambda tx: fill_file(tx, file_id=file_id, content=b"\xff\xd8abc"))
    await desk.later(seconds=6)
    assert [file["content"] for file in desk.slack.files.values()] == [b"\xff\xd8abc"]
    assert "秘密の番号" in str(desk.slack.messages)
    person.act(kind="unsend", message_ref="9001")
    person.act(kind="unsend", message_ref="9002")
    await desk.later(seconds=6)
    assert [m for m in desk.slack.messages if "秘密の番号" in str(m) or "secret.jpg" in str(m)] == []
    assert "取り消しました" in "".join(desk.slack.says(message) for message in desk.slack.thread(root))
    assert desk.slack.files == {}
    assert rows(desk.counter, "stored_file")[0].content is None
    for table in ("ticket_message", "message", "ticket_message_version", "ticket"):
        assert "4321" not in str(rows(desk.counter, table)), table


async def test_what_was_taken_back_while_slack_was_away_is_gone_once_it_is_back(desk: SlackDesk) -> None:
    desk.add_channel("line")
    person = link_person(desk.counter.person(channel="line", address="U77"))
    person.say("/ticket").press("その他")
    person.act(kind="text", text="暗証は8888です", message_ref="41")
    person.press("スキップ").press("送信する")
    await desk.drain()
    assert "8888" in desk.slack.says(desk.slack.roots()[-1]), "the subject is made of the first words"
    await desk.slack.outage()
    person.act(kind="unsend", message_ref="41")
    await desk.later(minutes=30)
    await desk.slack.up()
    for _ in range(3):
        await desk.later(minutes=1)
    assert "8888" not in str(desk.slack.messages)
    assert "取り消しました" in desk.slack.says(desk.slack.roots()[-1])


# files


async def test_a_members_photo_is_waited_for_and_then_stands_in_the_thread_once(
    desk: SlackDesk, person: Person
) -> None:
    root, _ = await answered(desk, person)
    photo = InboundFile(0, "screen.png", "image/png", 6, "remote-1")
    person.act(kind="file", files=(photo,), other="photo", text="この画面です")
    await desk.later(seconds=4)
    assert "screen.png" in desk.slack.says(desk.slack.thread(root)[-1])
    assert desk.slack.files == {}  # it is not ours yet
    file_id = rows(desk.counter, "stored_file")[0].id
    run(desk.database, lambda tx: fill_file(tx, file_id=file_id, content=b"\x89PNG00"))
    desk.slack.fail("files.completeUploadExternal", Fault(lost=True))  # shared, and nobody heard the answer
    for _ in range(3):
        await desk.later(seconds=6)
    shared = [message for message in desk.slack.thread(root) if message.get("files")]
    assert len(shared) == 1 and shared[0]["text"].endswith("の添付")
    assert [file["content"] for file in desk.slack.files.values() if file["channels"]] == [b"\x89PNG00"]


async def test_a_file_over_the_limit_is_refused_to_the_member_and_never_reaches_slack(
    desk: SlackDesk, person: Person
) -> None:
    await answered(desk, person)
    large = InboundFile(0, "movie.mp4", "video/mp4", MAX_FILE_BYTES + 1, "remote-1")
    person.act(kind="file", files=(large,), other="video")
    await desk.later(seconds=5)
    assert "20MBまで" in person.answer()
    assert desk.slack.files == {} and rows(desk.counter, "stored_file") == []


async def test_a_pdf_of_staff_reaches_the_members_chat_with_the_answer(desk: SlackDesk, person: Person) -> None:
    root = str((await desk.opened(person))["ts"])
    person.seen = person.last_seq()
    pdf = desk.slack.put_file("手順.pdf", b"%PDF-1.7 steps")
    await desk.write(SUZUKI, "&gt;&gt; 手順書をお送りします。", thread=root, files=[pdf], subtype="file_share")
    assert person.answer() == ""
    await desk.later(seconds=11)
    bubble = rows(desk.counter, "message", author="staff")[-1]
    assert (bubble.body["text"], bubble.body["files"][0]["name"]) == ("手順書をお送りします。", "手順.pdf")
    stored = rows(desk.counter, "stored_file")[0]
    assert (stored.content, stored.chat_id, stored.state) == (b"%PDF-1.7 steps", person.chat_id(), "stored")


async def test_a_kind_of_file_that_is_never_sent_is_refused_and_its_words_stay_a_note(
    desk: SlackDesk, person: Person
) -> None:
    root = str((await desk.opened(person))["ts"])
    person.seen = person.last_seq()
    tool = desk.slack.put_file("修復.EXE", b"MZ", "application/x-msdownload")
    await desk.write(SUZUKI, "&gt;&gt; これを実行してください", thread=root, files=[tool])
    assert "「修復.EXE」の種類のファイルは会員へ送れません" in desk.told()
    await desk.later(minutes=1)
    assert person.answer() == ""
    assert notes(desk) == [">> これを実行してください"]
    assert rows(desk.counter, "ticket_message", visibility="internal")[0].files[0]["name"] == "修復.EXE"


async def test_a_file_of_staff_that_is_too_large_is_said_and_the_answer_does_not_leave_without_it(
    desk: SlackDesk, person: Person
) -> None:
    root = str((await desk.opened(person))["ts"])
    person.seen = person.last_seq()
    large = {**desk.slack.put_file("動画.mp4", b"x", "video/mp4"), "size": MAX_FILE_BYTES + 1}
    await desk.write(SUZUKI, "&gt;&gt; 動画をご覧ください", thread=root, files=[large])
    assert "大きすぎます" in desk.told()
    await desk.write(SUZUKI, "社内用の動画", thread=root, files=[large])
    assert "動画.mp4" in desk.told() and "取り込めません" in desk.told()
    await desk.later(minutes=1)
    assert person.answer() == ""
    assert notes(desk) == [">> 動画をご覧ください", "社内用の動画"]


async def test_a_file_that_cannot_be_fetched_is_said_and_nothing_is_lost(desk: SlackDesk, person: Person) -> None:
    root = str((await desk.opened(person))["ts"])
    person.seen = person.last_seq()
    gone = desk.slack.put_file("領収書.pdf", b"%PDF")
    desk.slack.files.clear()  # deleted in Slack before we came
    await desk.write(SUZUKI, "&gt;&gt; 領収書です", thread=root, files=[gone])
    assert "領収書.pdf" in "".join(desk.slack.says(whisper) for whisper in desk.slack.whispers)
    await desk.later(seconds=11)
    assert "添付ファイルを取り込めませんでした" in "".join(desk.slack.says(w) for w in desk.slack.whispers)
    assert person.answer() == ""
    assert notes(desk) == ["領収書です"]


async def test_a_file_that_comes_late_is_waited_for_and_sent_by_itself(desk: SlackDesk, person: Person) -> None:
    root = str((await desk.opened(person))["ts"])
    person.seen = person.last_seq()
    slow = desk.slack.put_file("地図.png", b"\x89PNG", "image/png")
    desk.slack.file_status = 503
    await desk.write(SUZUKI, "&gt;&gt; 地図です", thread=root, files=[slow])
    await desk.later(seconds=30)
    assert person.answer() == ""
    desk.slack.file_status = 200
    await desk.later(seconds=90)
    await desk.later(seconds=3)
    assert rows(desk.counter, "message", author="staff")[-1].body["files"][0]["name"] == "地図.png"
