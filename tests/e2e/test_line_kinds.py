"""Whatever people send in LINE gets an answer, and in an inquiry a place where staff see it (issue 3 point 1, pains.md 23)."""

import asyncio
from dataclasses import dataclass
from itertools import count
from typing import Any

from tests.support.line_double import SECRET, TOKEN, LineDouble
from tests.support.running import Running, running

_ids = count(1)


@dataclass(frozen=True)
class Kind:
    """One message: `answer` out of an inquiry, `seen` on staff's page of the inquiry."""

    name: str
    message: dict[str, Any]
    answer: str
    seen: str


def sticker(*keywords: str, **more: Any) -> dict[str, Any]:
    return {"type": "sticker", "packageId": "1", "stickerId": "2", "keywords": list(keywords), **more}


AT_LINE = {"contentProvider": {"type": "line"}}
KINDS = [
    Kind("sticker", sticker("cony", "hi"), "スタンプ", "［スタンプ：cony、hi］"),
    Kind("sticker that thanks", sticker("bow", "thank you"), "どういたしまして", "thank you"),
    Kind("angry sticker", sticker("angry", "mad"), "担当者に送る", "［スタンプ：angry、mad］"),
    Kind("sticker with words of its own", sticker(text="ありがとう"), "どういたしまして", "ありがとう"),
    Kind("sticker without a word", sticker(), "スタンプ", "[sticker]"),
    Kind("location", {"type": "location", "title": "自宅", "address": "東京都千代田区", "latitude": 35.6, "longitude": 139.7},
        "位置情報", "自宅 東京都千代田区 35.6 139.7"),
    Kind("audio", {"type": "audio", "duration": 3000, **AT_LINE}, "どのようなご用件ですか", "audio_"),
    Kind("video", {"type": "video", "duration": 3000, **AT_LINE}, "どのようなご用件ですか", "video_"),
    Kind("file", {"type": "file", "fileName": "契約書.pdf", "fileSize": 3}, "どのようなご用件ですか", "契約書.pdf"),
    Kind("image", {"type": "image", **AT_LINE}, "どのようなご用件ですか", "image_"),
    Kind("image elsewhere", {"type": "image", "contentProvider": {"type": "external", "originalContentUrl": "https://a.example"}},
        "メッセージ", "[image]"),
    Kind("mention", {"type": "text", "text": "@窓口 メニュー", "quoteToken": "q",
        "mention": {"mentionees": [{"index": 0, "length": 3, "type": "user", "isSelf": True}]}}, "窓口です", "@窓口 メニュー"),
    Kind("quote", {"type": "text", "text": "メニュー", "quoteToken": "q", "quotedMessageId": "77"}, "窓口です", "メニュー"),
    Kind("emoji", {"type": "text", "text": "メニュー(love)", "quoteToken": "q",
        "emojis": [{"index": 4, "length": 6, "productId": "p", "emojiId": "1"}]}, "窓口です", "メニュー(love)"),
    Kind("unknown", {"type": "hologram", "depth": 3}, "メッセージ", "[hologram]"),
]  # fmt: skip


async def say(line: LineDouble, person: str, message: dict[str, Any]) -> None:
    sent = {"id": str(next(_ids)), **message}
    line.content[sent["id"]] = b"content"
    assert await line.deliver(line.event(person, "message", message=sent)) == 200


async def sees(line: LineDouble, person: str, *words: str, after: int = 0) -> None:
    try:
        async with asyncio.timeout(20):
            await line.until(lambda: any(all(part in each for part in words) for each in line.reads(person)[after:]))
    except TimeoutError:
        raise AssertionError(f"{words} not among {line.reads(person)}") from None


async def opened(c: Running, line: LineDouble, person: str, number: int) -> str:
    """A talk with staff; the page of its ticket."""
    await say(line, person, {"type": "text", "text": "担当者と話したい", "quoteToken": "q"})
    await sees(line, person, f"T-{number:06d}")
    return f"/desk/tickets/T-{number:06d}"


async def test_each_kind_is_answered_and_seen_by_staff_in_an_inquiry(database_url: str) -> None:
    async with LineDouble() as line:
        settings = {"line_channel_secret": SECRET, "line_channel_token": TOKEN, "line_api_url": line.url}
        async with running(database_url, **settings) as c:
            line.webhook = f"{c.url}/webhooks/line"
            await c.log_in()
            for number, kind in enumerate(KINDS, 1):
                person = f"U{number:032x}"
                await say(line, person, kind.message)
                await sees(line, person, kind.answer)
                ticket = await opened(c, line, person, number)
                await say(line, person, kind.message)
                page = (await c.http.get(ticket)).text
                assert kind.seen in page, kind
            assert await c.rows("SELECT state FROM inbox WHERE state <> 'done'") == []

            # a text changed later: staff see the new words, and what stood there before is kept
            person = "U" + "d" * 32
            ticket = await opened(c, line, person, len(KINDS) + 1)
            await say(line, person, {"type": "text", "id": "900", "text": "金曜です", "quoteToken": "q"})
            edited = {"type": "text", "id": "900", "text": "土曜です", "quoteToken": "q"}
            assert await line.deliver(line.event(person, "messageEdited", token=False, message=edited)) == 200
            assert "土曜です" in (await c.http.get(ticket)).text
            assert await c.rows("SELECT body FROM ticket_message_version") == [("金曜です",)]
        assert line.violations == []


async def test_pictures_of_a_set_all_come_into_the_inquiry_whenever_they_come(database_url: str) -> None:
    """LINE delivers a set one by one: when it begins an inquiry, while something else is asked, where files are asked for."""

    def picture(index: int) -> dict[str, Any]:
        return {"type": "image", **AT_LINE, "imageSet": {"id": "S", "index": index, "total": 2}}

    async with LineDouble() as line:
        settings = {"line_channel_secret": SECRET, "line_channel_token": TOKEN, "line_api_url": line.url}
        async with running(database_url, **settings) as c:
            line.webhook = f"{c.url}/webhooks/line"
            person = "U" + "f" * 32
            for index in (1, 2):
                await say(line, person, picture(index))
            await line.until(lambda: len(line.called("reply")) == 2)
            assert await line.deliver(line.pressed(person, "技術的な")) == 200
            await sees(line, person, "内容を")
            await say(line, person, {"type": "text", "text": "画面が白い", "quoteToken": "q"})
            await sees(line, person, "この内容で担当者に送ります")
            await say(line, person, picture(3))
            await line.until(lambda: len(line.called("reply")) == 5)
            assert await line.deliver(line.pressed(person, "送信する")) == 200
            await sees(line, person, "T-000001")
            await c.log_in()
            page = (await c.http.get("/desk/tickets/T-000001")).text
            names = [name for (name,) in await c.rows("SELECT name FROM stored_file ORDER BY id")]
            assert len(names) == 3 and all(name in page for name in names)

            other = "U" + "9" * 32
            await say(line, other, {"type": "text", "text": "問い合わせたい", "quoteToken": "q"})
            await sees(line, other, "どのようなご用件ですか")
            assert await line.deliver(line.pressed(other, "技術的な")) == 200
            await sees(line, other, "内容を")
            await say(line, other, {"type": "text", "text": "こちらも白い", "quoteToken": "q"})
            await sees(line, other, "写真やファイル")
            await say(line, other, picture(1))
            await sees(line, other, "この内容で担当者に送ります", "image_")
        assert line.violations == []


async def test_no_sticker_orders_or_stops_anything(database_url: str) -> None:
    """An OK on a sticker is a hint, and money is at stake: the question stands, and says how to answer."""
    async with LineDouble() as line:
        settings = {"line_channel_secret": SECRET, "line_channel_token": TOKEN, "line_api_url": line.url}
        async with running(database_url, **settings) as c:
            line.webhook = f"{c.url}/webhooks/line"
            person = "U" + "e" * 32
            await say(line, person, {"type": "text", "text": "問い合わせたい", "quoteToken": "q"})
            await sees(line, person, "どのようなご用件ですか")
            assert await line.deliver(line.pressed(person, "技術的な")) == 200
            await sees(line, person, "内容を")
            await say(line, person, {"type": "text", "text": "画面が白い", "quoteToken": "q"})
            await sees(line, person, "写真やファイル")
            await say(line, person, {"type": "text", "text": "ないです", "quoteToken": "q"})
            await sees(line, person, "この内容で担当者に送ります")
            for word in ("OK", "はい", "いいえ", "中止"):
                shown = len(line.reads(person))
                await say(line, person, sticker(text=word))
                await sees(line, person, "文字でお答えください", after=shown)
            assert await c.rows("SELECT id FROM ticket") == []
            assert [state for (state,) in await c.rows("SELECT state FROM form_run")] == ["active"]
        assert line.violations == []
