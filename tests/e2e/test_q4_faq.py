"""Row Q4, frequent questions: offered before a person is asked, answered where it is plain, never in the way."""

from datetime import timedelta
from typing import Any

import pytest

from bot.faq import MOST
from bot.inbound import InboundFile
from core.clock import ManualClock
from core.counter import faq as desk
from core.db import run
from core.delivery.files import store_file
from core.ids import SeededIds
from tests.support.builders import ADMIN
from tests.support.counter import Counter, Person
from tests.support.facility import facility_counter
from tests.support.journeys import link_person, rows

OFFER = "お困りごとは、次のご案内で解決しますか？"
HELPED, SEND = "解決しました", "担当者に送る"
ASKED = "FTPでファイルをアップロードする方法を教えてください"
ARTICLE = "FTPでファイルをアップロードするには"


def article(counter: Counter, code: str) -> Any:
    return rows(counter, "faq_article", code=code)[0]


def asks(person: Person, text: str = ASKED) -> Person:
    return person.say("/ticket").press("技術的なご質問・不具合").say(text)


@pytest.mark.parametrize("channel", ["webchat", "telegram", "line"])
def test_an_article_that_helps_ends_the_draft_and_is_counted_once(
    counter: Counter, member_id: int, channel: str
) -> None:
    person = asks(link_person(counter.person(channel)))
    assert OFFER in person.answer() and f"<{ARTICLE}>" in person.answer() and f"<{SEND}>" in person.answer()
    assert sum(line.startswith("<") for line in person.answer().splitlines()) <= MOST + 2, (
        "the articles and the ways out"
    )
    person.press(ARTICLE)
    assert "public_html" in person.answer() and f"<{HELPED}>" in person.answer()
    helped = person.handle(HELPED)
    person.act(kind="press", handle=helped)
    assert "担当者には何も送っていません" in person.answer()
    person.act(kind="press", handle=helped)
    assert "受け付け済み" not in person.answer() and "このボタンは古くなっています" in person.answer()
    assert rows(counter, "ticket") == [] and [row.state for row in rows(counter, "form_run", name="ticket")] == ["done"]
    assert article(counter, "ftp").helped == 1 and len(rows(counter, "faq_help")) == 1
    assert "続きから" not in person.say("/menu").answer()


def test_send_to_staff_goes_on_at_the_confirmation_with_every_word(counter: Counter, person: Person) -> None:
    asks(person).press(ARTICLE).press(SEND)
    assert "この内容で担当者に送ります" in person.answer() and f"内容: {ASKED}" in person.answer()
    assert "添付ファイル: なし" in person.answer() and "<添付ファイルを直す>" in person.answer()
    assert "よくある質問" not in person.answer()
    person.press("送信する")
    assert [row.body for row in rows(counter, "ticket_message")] == [ASKED]
    assert article(counter, "ftp").helped == 0


def test_a_picture_at_the_offer_is_kept_and_goes_to_staff_with_the_words(counter: Counter, person: Person) -> None:
    asks(person)
    chat_id = person.chat_id()
    stored = run(
        counter.database,
        lambda tx: store_file(tx, chat_id=chat_id, name="error.png", mime="image/png", content=b"\x89PNG"),
    )
    person.act(kind="file", files=(InboundFile(stored.id, "error.png", "image/png", 4, ""),))
    assert OFFER in person.answer()
    person.press(SEND)
    assert "添付ファイル: error.png" in person.answer()
    person.press("送信する")
    assert [file["name"] for file in rows(counter, "ticket_message")[0].files] == ["error.png"]


@pytest.mark.parametrize(
    "text",
    [
        "サイトが表示されません",
        "質問です",
        "昨日13,200円を振り込みました。領収証をください",
        "二重請求されています。領収書を発行してください",
    ],
)
def test_without_a_match_and_for_money_and_anger_there_is_no_step_more(
    counter: Counter, person: Person, text: str
) -> None:
    asks(person, text)
    assert "写真やファイルがあれば送ってください" in person.answer() and OFFER not in person.answer()


@pytest.mark.parametrize(
    ("text", "offered"),
    [
        ("会議室に駐車場はありますか", True),
        ("予約R-000123の日付を変更したい。駐車場も使います", False),
        ("R-000123の予約をキャンセルしたいです。駐車場も不要です", False),
    ],
)
def test_a_reservation_request_is_never_held_up_by_an_article(
    database_url: str, clock: ManualClock, ids: SeededIds, text: str, offered: bool
) -> None:
    with facility_counter(database_url, clock, ids) as counter:
        kind = counter.profile.support.kinds[-1].name.ja
        person = counter.person().say("/ticket").press(kind).say(text)
        assert ("<駐車場はありますか>" in person.answer()) is offered, person.answer()


def test_typed_words_answer_as_the_buttons_do(counter: Counter, person: Person) -> None:
    asks(person).say("よくわかりません")
    assert "下のボタンから選んでください" in person.answer() and OFFER in person.answer()
    person.say("1")
    assert "public_html" in person.answer()
    person.say("いいえ")
    assert "この内容で担当者に送ります" in person.answer()
    person.press("◀ 戻る").press("◀ 戻る").press("◀ 戻る")
    assert OFFER in person.answer()
    person.say("1")
    assert "この内容で担当者に送ります" in person.answer(), "answered before: not asked again"


def test_a_withdrawn_article_is_shown_to_nobody(counter: Counter, person: Person) -> None:
    def withdraw() -> None:
        found = article(counter, "ftp").id
        run(counter.database, lambda tx: desk.set_withdrawn(tx, ADMIN, article_id=found, withdrawn=True))

    asks(person)
    other = counter.person(address="browser-2").say("転送がなんか変です")
    withdraw()
    other.press(ARTICLE)
    assert "このご案内は終了しました" in other.answer() and "public_html" not in other.answer()
    person.press(ARTICLE)
    assert "写真やファイルがあれば送ってください" in person.answer(), "the form goes on without it"
    assert "写真やファイルがあれば送ってください" in asks(person.say("/menu")).answer()


@pytest.mark.parametrize("text", ["転送がなんか変です", "アップロードとか料金とか"])
def test_a_miss_shows_articles_beside_the_guesses(counter: Counter, text: str) -> None:
    person = counter.person().say(text)
    assert f"<{ARTICLE}>" in person.answer() and "【よくある質問】" not in person.answer()


def test_an_article_read_leads_to_a_form_that_knows_the_words(counter: Counter) -> None:
    person = counter.person()
    person.say("領収書の宛名がちがう件")
    assert "<領収書の発行について>" in person.answer(), person.answer()
    assert "まだお手続きできません" in person.answer(), "and what the bot understood stands beside it"
    person.press("領収書の発行について")
    assert "お支払い履歴" in person.answer()
    person.press(SEND).press("その他")
    assert "内容: 領収書の宛名がちがう件" in person.answer() and OFFER not in person.answer()
    person.press("送信する")
    assert rows(counter, "ticket")[0].member_id is None


def test_a_plain_question_is_answered_at_once_with_the_way_to_a_person_under_it(counter: Counter) -> None:
    person = counter.person()
    person.say("パスワードを忘れました")
    assert "再設定のご案内をメールで" in person.answer() and f"<{SEND}>" in person.answer()
    helped = person.handle(HELPED)
    for _ in range(2):
        person.act(kind="press", handle=helped)
    assert article(counter, "password").helped == 1
    assert (
        "Forgot your password"
        in counter.person(address="browser-2", language="en").say("I forgot my password").answer()
    )


@pytest.mark.parametrize("text", ["領収書を発行してほしい", "返金してほしいのですがパスワードを忘れました"])
def test_money_is_never_answered_by_an_article_alone(counter: Counter, person: Person, text: str) -> None:
    person.say(text)
    assert "【よくある質問】" not in person.answer()


def test_an_offer_outlives_a_pause_and_another_screen(counter: Counter, person: Person, clock: ManualClock) -> None:
    asks(person)
    old = person.handle(ARTICLE)
    clock.move(timedelta(minutes=20))
    person.say("えっと")
    assert "続きから再開しますか" in person.answer()
    person.press("続きから")
    assert OFFER in person.answer()
    person.press(ARTICLE)
    person.act(kind="press", handle=old)
    assert "このボタンは古くなっています" in person.answer() and "public_html" in person.answer(), "the present step"


def test_a_message_taken_back_is_not_sent_by_the_button_under_the_article(counter: Counter) -> None:
    person = counter.person("line")
    person.act(kind="text", text="パスワードを忘れました", message_ref="m-1")
    person.act(kind="unsend", message_ref="m-1")
    person.press(SEND).press("その他")
    assert "お問い合わせの内容をお書きください" in person.answer()
