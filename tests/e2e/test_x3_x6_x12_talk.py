"""Rows X3, X6, X12 and 2.5: repeats, floods, what the bot cannot read, long texts, card numbers."""

from datetime import timedelta

import pytest

from bot.inbound import InboundFile
from core.clock import ManualClock
from core.delivery.files import MAX_FILE_BYTES
from tests.support.counter import Counter, Person
from tests.support.journeys import rows


def test_a_delivery_that_comes_twice_has_one_effect(counter: Counter, person: Person) -> None:
    person.say("/human", delivery_key="same")
    before = person.last_seq()
    assert person.act(kind="text", text="/human", delivery_key="same").outcome == "duplicate"
    assert person.last_seq() == before and len(rows(counter, "ticket")) == 1


def test_the_same_words_twice_are_two_messages(counter: Counter, person: Person) -> None:
    person.say("/human").say("もしもし").say("もしもし")
    assert [row.body for row in rows(counter, "ticket_message")].count("もしもし") == 2


@pytest.mark.parametrize(
    "typed", ["4111 1111 1111 1111", "４１１１１１１１１１１１１１１１", "5555-5555-5555-4444です"]
)
def test_a_card_number_is_masked_everywhere_and_the_member_is_told(
    counter: Counter, person: Person, typed: str
) -> None:
    person.say(f"カードは {typed}")
    assert "カード番号・マイナンバー・パスワードらしい文字が含まれていたため、伏せて保存しました" in person.answer()
    everything = str([rows(counter, table) for table in ("inbox", "message", "form_run", "ticket_message", "outbox")])
    assert typed.removesuffix("です") not in everything and "****" in everything


def test_a_card_number_in_the_middle_of_a_form_is_masked_too(counter: Counter, person: Person) -> None:
    person.say("/ticket").press("その他").say("4111111111111111 で払えますか")
    assert "伏せて保存しました" in person.answer()
    assert rows(counter, "form_run")[-1].answers["body"] == "**** で払えますか"


def test_amounts_and_payment_references_are_not_masked(counter: Counter, person: Person) -> None:
    person.say("振込番号は00000018、金額は1234567890123円です")
    assert "伏せて" not in person.answer()


def test_a_flood_is_answered_once_and_nothing_is_lost(counter: Counter, person: Person, clock: ManualClock) -> None:
    clock.move(timedelta(minutes=2))
    answers = [person.say("/expiry").answer() for _ in range(60)]
    assert sum("短い時間にたくさん" in answer for answer in answers) == 1
    assert sum(answer == "" for answer in answers) == 19
    assert sum(row.author == "member" and row.body["text"] == "/expiry" for row in rows(counter, "message")) == 60
    clock.move(timedelta(minutes=2))
    assert "ご契約" in person.say("/expiry").answer()


def test_ten_thousand_characters_reach_staff_whole(counter: Counter, person: Person) -> None:
    text = "".join(f"{place:05d}行目です\n" for place in range(1_000))[:10_000]
    person.say("/ticket").press("その他").say(text).press("スキップ").press("送信する")
    assert "受付番号 T-000001" in person.answer()
    assert "\n".join(row.body for row in rows(counter, "ticket_message")) == text.strip()


def test_ten_thousand_characters_to_a_person_arrive_whole(counter: Counter, person: Person) -> None:
    text = "あ" * 10_000
    person.say("/human").say(text)
    assert "担当者に届いています" in person.answer()
    assert "".join(row.body for row in rows(counter, "ticket_message")[1:]) == text


def test_ten_thousand_characters_out_of_the_blue_are_kept_and_answered(counter: Counter, person: Person) -> None:
    text = "ん" * 10_000
    assert person.say(text).answer() != ""
    assert any(row.body["text"] == text for row in rows(counter, "message"))


def test_a_text_that_was_cut_is_said(person: Person) -> None:
    person.say("利用期限" + "。" * 9_996, cut=True)
    assert "はじめの10,000文字だけを受け取りました" in person.answer()


@pytest.mark.parametrize("typed", ["😀😀😀", "　", "…", "aaaaaaaa"])
def test_what_is_not_understood_leads_step_by_step_to_a_person(counter: Counter, person: Person, typed: str) -> None:
    assert "うまく読み取れませんでした" in person.say(typed).answer() and "<利用期限を見る>" in person.answer()
    assert "<担当者と話す>" in person.say(typed).answer()
    assert "担当者にお送りしましょうか" in person.say(typed).answer()
    person.press("担当者に送る")
    assert "受付番号 T-000001" in person.answer()
    assert rows(counter, "chat")[0].misses == 0


@pytest.mark.parametrize(("other", "name"), [("sticker", "スタンプ"), ("location", "位置情報"), ("poll", "メッセージ")])
def test_other_kinds_of_messages_are_never_met_with_silence(person: Person, other: str, name: str) -> None:
    person.act(kind="other", other=other, payload='{"raw": 1}')
    assert f"{name}を受け取りましたが" in person.answer() and "<担当者と話す>" in person.answer()


def test_a_sticker_in_a_form_asks_for_words_and_keeps_the_place(counter: Counter, person: Person) -> None:
    person.say("/link").press("別の会員を追加する")
    person.act(kind="other", other="sticker")
    assert "文字でお答えください" in person.answer() and "会員番号を入力" in person.answer()


def test_a_file_that_is_too_large_is_refused_with_the_limit(counter: Counter, person: Person) -> None:
    large = InboundFile(0, "movie.mp4", "video/mp4", MAX_FILE_BYTES + 1, "remote-1")
    person.act(kind="file", files=(large,), other="video")
    assert "ファイルが大きすぎます（20MBまで）" in person.answer()
    assert rows(counter, "stored_file") == []


def test_a_file_out_of_the_blue_starts_a_ticket_with_it(counter: Counter, person: Person) -> None:
    slip = InboundFile(0, "slip.jpg", "image/jpeg", 1_000, "remote-1")
    person.act(kind="file", files=(slip,), other="photo", text="振込票です")
    assert "どのようなご用件ですか" in person.answer()
    person.press("お支払い・請求について").press("送信する")
    assert "受付番号 T-000001" in person.answer()
    assert rows(counter, "ticket")[0].queue == "accounting"
    assert rows(counter, "ticket_message")[0].files


def test_an_edit_changes_nothing_that_was_answered(counter: Counter, person: Person) -> None:
    person.act(kind="edit", text="やっぱり違います", message_ref="9")
    assert person.answer() == ""


def test_help_menu_and_language_by_command(person: Person) -> None:
    assert "この窓口でできること" in person.say("/help").answer()
    assert "ご用件を選ぶか" in person.say("/menu").answer()
    assert "We continue in English." in person.say("/language").answer()


def test_what_this_counter_does_not_do_is_said_with_a_way_to_a_person(counter: Counter, person: Person) -> None:
    answer = person.say("クレジットカードで自動更新にしたい").answer()
    assert "まだお手続きできません" in answer and "<担当者に送る>" in answer
    assert "どのようなご用件ですか" in person.press("担当者に送る").answer()


def test_thanks_gets_a_word_and_no_ticket(counter: Counter, person: Person) -> None:
    assert "どういたしまして" in person.say("ありがとうございます").answer()
    assert rows(counter, "ticket") == []


def test_who_writes_japanese_on_an_english_phone_is_answered_in_japanese(counter: Counter) -> None:
    person = counter.person(language="en")
    assert "Link my membership" in person.say("/start").answer()
    assert "会員と連携する" in person.say("いつまで使えますか").answer()
    assert "Link my membership" in person.say("when does my plan expire?").answer()


def test_names_do_not_change_the_language_nor_does_a_sentence_change_a_chosen_one(counter: Counter) -> None:
    person = counter.person()
    assert "会員番号" in person.say("/link").say("Taro Yamada Trading Company").answer()
    assert "We continue in English." in person.say("/language").answer()
    person.say("/cancel")
    assert "Link my membership" in person.say("いつまで使えますか").answer()
