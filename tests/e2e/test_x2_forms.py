"""Row X2: back, cancel, fix, pause, expiry, menu and questions in the middle; old buttons do no harm; restarts lose nothing."""

from datetime import timedelta

import pytest

from bot.inbound import InboundFile
from core.clock import ManualClock
from core.db import run
from core.dialogue import forms
from core.ids import SeededIds
from tests.support.counter import Counter, Person
from tests.support.journeys import link_person, order_renewal, rows


@pytest.fixture
def in_report(counter: Counter, member_id: int, person: Person) -> Person:
    """At the question for the date, the amount given."""
    counter.add_contract(member_id)
    order_renewal(person)
    return person.say("/report").press("請求額どおり")


def test_a_value_is_no_yes(counter: Counter, member_id: int, person: Person) -> None:
    counter.add_contract(member_id)
    values = ("13,200円", "昨日", "example.jp", "12か月", "5")
    person.say("/renew").press("1年　")
    for typed in values:
        assert "利用期限を月末にそろえますか" in person.say(typed).answer(), typed
    person.press("そろえない")
    for typed in values:
        assert "この内容で申し込む" in person.say(typed).answer(), typed
    assert rows(counter, "invoice") == []


def test_back_keeps_later_answers(counter: Counter, in_report: Person) -> None:
    in_report.press("今日").press("戻る")
    assert "お振り込みの日はいつですか" in in_report.answer()
    in_report.say("/back")
    assert "お振込額を入力してください" in in_report.answer()
    in_report.say("戻る")
    assert "お振込額を入力してください" in in_report.answer()
    in_report.say("13200")
    assert "お振込人のお名前" in in_report.answer()


def test_stopping_early_is_not_asked_back(counter: Counter, member_id: int, person: Person) -> None:
    counter.add_contract(member_id)
    person.say("/renew").press("やめる")
    assert "手続きを中止しました" in person.answer() and "<利用期限を見る>" in person.answer()
    assert rows(counter, "form_run")[-1].state == "cancelled"


def test_stopping_with_answers_is_asked_back_and_the_draft_is_kept(counter: Counter, in_report: Person) -> None:
    in_report.say("キャンセル")
    assert "「振込のご連絡」の入力をやめますか" in in_report.answer()
    in_report.press("やめる")
    assert "手続きを中止しました" in in_report.answer() and "<続きから：振込のご連絡>" in in_report.answer()
    assert "お振り込みの日はいつですか" in in_report.press("続きから").answer()


def test_menu_wins_over_the_question_and_offers_the_way_back(counter: Counter, in_report: Person) -> None:
    assert "<続きから：振込のご連絡>" in in_report.say("メニュー").answer()
    assert "ご契約" in in_report.say("利用期限を知りたい").answer()
    assert "お振り込みの日はいつですか" in in_report.say("/menu").press("続きから").answer()


def test_a_question_in_the_middle_is_answered_and_the_form_goes_on(counter: Counter, in_report: Person) -> None:
    answer = in_report.say("利用期限はいつですか？").answer()
    assert "[example.jp]" in answer and "お振り込みの日はいつですか" in answer
    assert rows(counter, "form_run")[-1].wrong == 0
    assert "お振込人のお名前" in in_report.say("昨日").answer()


def test_the_language_changes_in_the_middle_without_loss(counter: Counter, in_report: Person) -> None:
    answer = in_report.say("English please").answer()
    assert "We continue in English." in answer and "When did you transfer it?" in answer
    in_report.say("yesterday").press("as registered")
    assert "Sat, Nov 21, 2026" in in_report.answer()
    assert "日本語でご案内します" in in_report.say("日本語で").answer()
    assert rows(counter, "chat")[0].language == "ja"


def test_after_fifteen_minutes_it_asks_once_whether_to_go_on(
    counter: Counter, in_report: Person, clock: ManualClock
) -> None:
    clock.move(timedelta(minutes=16))
    answer = in_report.say("昨日").answer()
    assert "「振込のご連絡」の途中です（2/3）。続きから再開しますか？" in answer
    assert "お振り込みの日はいつですか" in in_report.say("はい").answer()
    clock.move(timedelta(minutes=16))
    in_report.say("ええと")
    assert "お振込人のお名前" in in_report.say("昨日").answer()
    clock.move(timedelta(minutes=16))
    in_report.say("ヤマダ タロウ")
    assert "お振込人のお名前" in in_report.press("続きから").answer()
    clock.move(timedelta(minutes=16))
    in_report.say("ヤマダ タロウ").say("いいえ")
    assert "入力をやめますか" in in_report.answer()


@pytest.mark.parametrize("job_first", [False, True])
def test_after_24_hours_it_is_over_and_that_is_said_once(
    counter: Counter, in_report: Person, clock: ManualClock, job_first: bool
) -> None:
    old = in_report.handle("今日")
    clock.move(timedelta(hours=24, minutes=1))
    if job_first:
        run(counter.database, forms.expire_old)
    answer = in_report.say("利用期限を知りたい").answer()
    assert "24時間たったため終了しました" in answer and "[example.jp]" in answer
    assert "24時間" not in in_report.say("利用期限を知りたい").answer()
    in_report.act(kind="press", handle=old)
    assert "このボタンは古くなっています" in in_report.answer()
    assert rows(counter, "payment_report") == []


def test_a_button_of_a_finished_form_shows_the_result_again(counter: Counter, in_report: Person) -> None:
    old = in_report.handle("今日")
    in_report.press("今日").press("登録のお名前").press("この内容で連絡する")
    in_report.act(kind="press", handle=old)
    assert "すでに受け付け済みです" in in_report.answer() and "お振込額: 13,200円" in in_report.answer()


def test_a_button_of_a_cancelled_form_leads_to_the_menu(counter: Counter, member_id: int, person: Person) -> None:
    counter.add_contract(member_id)
    old = person.say("/renew").handle("1年　")
    person.press("やめる")
    person.act(kind="press", handle=old)
    assert "このボタンは古くなっています" in person.answer() and "<更新する>" in person.answer()
    assert rows(counter, "renewal") == []


def test_a_button_of_an_earlier_step_shows_the_present_one(counter: Counter, in_report: Person) -> None:
    old = in_report.handle("請求額どおり")
    in_report.press("今日")
    in_report.act(kind="press", handle=old)
    assert "このボタンは古くなっています" in in_report.answer() and "お振込人のお名前" in in_report.answer()


STRANGE_HANDLES = ("", "zzz", "1.0.aaaa", "zzzzzzzzzzzzz.999.aaaaaaaaaaaa", "１.0.abcdef", "1.0.abc'--")


def test_a_handle_of_nobodys_is_an_old_button(person: Person) -> None:
    for handle in STRANGE_HANDLES:
        person.act(kind="press", handle=handle)
        assert "このボタンは古くなっています" in person.answer(), handle


def test_another_persons_handle_does_nothing_here(counter: Counter, member_id: int, person: Person) -> None:
    counter.add_contract(member_id)
    person.say("/renew").press("1年　").press("そろえない")
    stranger = counter.person(address="stranger")
    stranger.act(kind="press", handle=person.handle("この内容で申し込む"))
    assert "このボタンは古くなっています" in stranger.answer()
    assert rows(counter, "invoice") == []


def test_a_restart_in_the_middle_loses_nothing(
    counter: Counter, in_report: Person, database_url: str, clock: ManualClock, ids: SeededIds
) -> None:
    button = in_report.handle("今日")
    counter.close()
    again = Counter(database_url, clock, ids)
    again._keys = counter._keys
    person = again.person()
    person.act(kind="press", handle=button)
    assert "お振込人のお名前" in person.answer()
    person.press("登録のお名前").press("この内容で連絡する")
    assert len(rows(again, "payment_report")) == 1
    again.close()


def test_a_form_of_another_version_starts_over_politely(counter: Counter, in_report: Person) -> None:
    from bot.forms import FORMS

    known = FORMS["report"]
    try:
        FORMS["report"] = type(known)(**{**{f: getattr(known, f) for f in known.__slots__}, "version": 2})
        answer = in_report.say("昨日").answer()
        assert "もう一度はじめからお願いします" in answer
    finally:
        FORMS["report"] = known


def test_a_draft_does_not_pass_from_one_member_to_another_in_the_menu(counter: Counter, in_report: Person) -> None:
    in_report.say("/unlink").press("連携を解除する")
    assert "続きから" not in in_report.say("/menu").answer()


def test_toggles_keep_their_ticks_in_telegram(counter: Counter, member_id: int) -> None:
    for label in ("a.example.jp", "b.example.jp"):
        counter.add_contract(member_id, label=label)
    person = link_person(counter.person("telegram", "7"))
    person.say("/renew")
    a = next(item for item in person._checks()["items"] if item["label"] == "a.example.jp")
    person.act(kind="press", handle=a["toggle"])
    assert [item["checked"] for item in person._checks()["items"]] == [True, False]
    person.act(kind="press", handle=person._checks()["items"][0]["toggle"])
    person.act(kind="press", handle=person._checks()["submit"]["handle"])
    assert "更新するご契約を1つ以上選んでください" in person.answer()


def test_another_task_in_the_middle_is_done_and_the_form_can_be_gone_on_with(
    counter: Counter, in_report: Person
) -> None:
    asked = in_report.say("領収書ください").answer()
    assert (
        "まだお手続きできません" in asked and "お振り込みの日はいつですか" in asked
    )  # not a wrong answer: asked again
    assert rows(counter, "form_run")[-1].wrong == 0
    assert (
        "「振込のご連絡」はいったん止めました"
        in "".join(message.body["text"] for message in in_report.say("リマインドの設定を変えたい").history()[-3:])
        or "お振り込みの日はいつですか" in in_report.answer()
    )
    assert "お振込人のお名前" in in_report.say("昨日").answer()


def test_another_form_in_the_middle_sets_the_first_one_aside_and_says_so(counter: Counter, in_report: Person) -> None:
    said = in_report.say("問い合わせをしたい").history()[-2:]
    assert "「振込のご連絡」はいったん止めました" in said[0].body["text"]
    assert "お振り込みの日はいつですか" in in_report.say("/menu").press("続きから：振込のご連絡").answer()


def test_another_task_at_the_summary_is_answered_and_the_summary_shown_again(
    counter: Counter, in_report: Person
) -> None:
    in_report.say("昨日").press("登録のお名前")
    assert "この内容で連絡する" in in_report.answer()
    answer = in_report.say("領収書ください").answer()
    assert "まだお手続きできません" in answer and "この内容で連絡する" in answer


def test_the_same_task_named_anew_in_a_form_starts_over_with_what_was_named(
    counter: Counter, member_id: int, person: Person
) -> None:
    for label in ("srv001", "srv002"):
        counter.add_contract(member_id, label=label)
    link_person(person)
    assert "更新するご契約を選んで" in person.say("/renew").answer()
    assert "更新するご契約を1つ以上" in person.say("うーん").answer()
    answer = person.say("srv001を1年更新したい").answer()
    assert "月末にそろえますか" in answer and "srv002" not in answer
    assert [row.state for row in rows(counter, "form_run") if row.name == "renew"] == ["cancelled", "active"]


@pytest.mark.parametrize(
    "words", ["二重に請求されてる！！ふざけるな", "身に覚えのない請求が来た", "I was charged twice!"]
)
def test_anger_and_alarm_reach_a_person_with_one_press_even_from_a_form(
    counter: Counter, in_report: Person, words: str
) -> None:
    in_report.say(words).press("担当者に送る")
    [ticket] = [row for row in rows(counter, "ticket") if row.kind != "payment_report"]
    assert any(words in row.body for row in rows(counter, "ticket_message", ticket_id=ticket.id))
    assert [row.state for row in rows(counter, "form_run") if row.name == "report"][-1] in ("active", "parked")


def test_a_sentence_that_tells_all_in_the_middle_of_the_form_fills_it(counter: Counter, in_report: Person) -> None:
    answer = in_report.say("昨日、山田太郎名義で13,200円振り込みました").answer()
    assert "この内容で担当者に連絡します" in answer
    assert "2026年11月21日(土)" in answer and "山田太郎" in answer and "13,200円" in answer


def test_alarming_words_in_an_inquiry_are_its_text(counter: Counter, in_report: Person) -> None:
    in_report.say("/ticket").press("その他")
    in_report.say("二重に請求されています。警察に相談します").press("スキップ")
    assert "警察に相談します" in in_report.answer() and "<送信する>" in in_report.answer()


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("ja", "写真・ファイルは要りません。文字だけを使います。"),
        ("en", "No photo or file is needed here. I only use your words."),
    ],
)
def test_words_under_a_photo_answer_a_step_that_takes_none_and_the_photo_is_said_to_be_not_needed(
    counter: Counter, member_id: int, language: str, said: str
) -> None:
    person = counter.person(channel="telegram", language=language)
    photo = InboundFile(0, "photo.jpg", "image/jpeg", 1_000, "tg-1")
    person.say("/link")
    person.act(kind="file", text="M-000001", files=(photo,), other="photo", message_ref="9001")
    answer = person.answer()
    assert said in answer and answer.index(said) < answer.index("メール" if language == "ja" else "mail"), answer
    assert [row.step for row in rows(counter, "form_run")] == ["email"]
    assert [row.name for row in rows(counter, "stored_file")] == ["photo.jpg"], "it stands in the conversation"


def test_a_photo_without_words_at_such_a_step_asks_for_words(counter: Counter, member_id: int) -> None:
    person = counter.person(channel="telegram")
    person.say("/link")
    photo = InboundFile(0, "photo.jpg", "image/jpeg", 1_000, "tg-1")
    person.act(kind="file", files=(photo,), other="photo", message_ref="9001")
    assert "文字でお答えください" in person.answer() and "要りません" not in person.answer()
    assert [row.step for row in rows(counter, "form_run")] == ["member_no"]
