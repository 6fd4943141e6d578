"""Row Q1, life of inquiries in the chat: several at once, write on, reopen, silence, rating, who speaks, honest times."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.jobs import Ticks
from core.clock import JST, ManualClock
from core.db import Tx, run
from core.profiles.rules import FieldChoice, LocalText, TicketField
from core.tickets import service as tickets
from core.tickets.facts import TicketDue
from core.tickets.threads import get_ticket
from tests.support.builders import AGENT, a_profile
from tests.support.counter import Counter, Person
from tests.support.journeys import link_person, rows, run_jobs

MONDAY = datetime(2026, 11, 16, 11, 0, tzinfo=JST)  # a working day, staff are there


@pytest.fixture(autouse=True)
def on_monday(clock: ManualClock) -> None:
    """The week before Labour Thanksgiving Day (Monday the 23rd)."""
    clock.set(MONDAY)


def tick(counter: Counter) -> None:
    clock: Any = counter.clock
    clock.move(timedelta(minutes=1))


def ask(person: Person, words: str) -> str:
    """An inquiry by form, a minute after what was before; its number."""
    tick(person.counter)
    person.say("/ticket").press("その他").say(words).press("スキップ").press("送信する")
    return str(rows(person.counter, "ticket")[-1].ticket_no)


def staff(counter: Counter, ticket_no: str, text: str) -> None:
    """Staff's answer a minute later, having read everything."""
    tick(counter)
    ticket = rows(counter, "ticket", ticket_no=ticket_no)[0]

    def work(tx: Tx) -> object:
        return tickets.reply(
            tx, AGENT, ticket_id=ticket.id, text=text, last_seen_message_id=2**62, client_key=f"k-{text}"
        )

    run(counter.database, work)


def solve(counter: Counter, ticket_no: str, text: str = "") -> None:
    ticket = rows(counter, "ticket", ticket_no=ticket_no)[0]
    run(
        counter.database,
        lambda tx: tickets.solve(tx, AGENT, ticket_id=ticket.id, text=text, client_key=f"solve-{ticket_no}"),
    )


def said_in(counter: Counter, ticket_no: str) -> list[str]:
    """The member's words in a thread."""
    ticket = rows(counter, "ticket", ticket_no=ticket_no)[0]
    return [row.body for row in rows(counter, "ticket_message", ticket_id=ticket.id, author="member")]


# ── several at once ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("channel", ["webchat", "telegram", "line"])
def test_the_member_says_which_inquiry_the_words_are_for(counter: Counter, member_id: int, channel: str) -> None:
    person = link_person(counter.person(channel))
    first, second = ask(person, "メールが届きません"), ask(person, "請求書の宛名を変えたい")
    staff(counter, second, "どちらの宛名にしますか。")
    staff(counter, first, "どのアドレスですか。")
    assert [m.author_name for m in person.history() if m.author == "staff"] == [
        f"{AGENT.name}（{second}）",
        f"{AGENT.name}（{first}）",
    ]
    person.say("株式会社ヤマダです")
    assert "どのお問い合わせについてですか" in person.answer() and second in person.answer()
    assert said_in(counter, first) + said_in(counter, second) == ["メールが届きません", "請求書の宛名を変えたい"]
    person.say("よろしくお願いいたします。2025年からです").press(second)
    assert f"受付番号 {second} の担当者に届けました" in person.answer()
    assert said_in(counter, second)[-1] == "株式会社ヤマダです\nよろしくお願いいたします。2025年からです"
    person.say("それから住所も変わりました")
    assert person.answer() == "", "the same talk goes on without being asked again"
    assert said_in(counter, second)[-1] == "それから住所も変わりました"
    person.say(f"{first} は taro@example.jp です")
    assert said_in(counter, first)[-1].endswith("taro@example.jp です"), "a number named needs no question"


def test_one_conversation_is_never_asked_about(counter: Counter, person: Person) -> None:
    first, second = ask(person, "一つ目です"), ask(person, "二つ目です")
    staff(counter, first, "どうされましたか。")
    person.say("動きません")
    assert person.answer() == "" and said_in(counter, first)[-1] == "動きません"
    assert said_in(counter, second) == ["二つ目です"]


def test_words_nobody_placed_reach_staff_after_ten_minutes_once(
    counter: Counter, person: Person, clock: ManualClock
) -> None:
    first, second = ask(person, "一つ目です"), ask(person, "二つ目です")
    staff(counter, first, "一つ目のご返事です。")
    staff(counter, second, "二つ目のご返事です。")
    person.say("はい、そうです")
    clock.move(timedelta(minutes=9))
    run_jobs(counter)
    assert said_in(counter, second) == ["二つ目です"]
    clock.move(timedelta(minutes=1))
    person.seen = person.last_seq()
    run_jobs(counter)
    run_jobs(counter)
    assert said_in(counter, second) == ["二つ目です", "はい、そうです"] and said_in(counter, first) == ["一つ目です"]
    assert person.answer().count("担当者に届けました") == 1


def test_a_photo_by_itself_is_for_an_inquiry_under_way_or_a_new_one(counter: Counter, person: Person) -> None:
    from bot.inbound import InboundFile
    from core.delivery.files import store_file

    number = ask(person, "画面がおかしいです")

    def photo() -> InboundFile:
        chat_id = person.chat_id()
        view = run(
            counter.database,
            lambda tx: store_file(tx, chat_id=chat_id, name="a.png", mime="image/png", content=b"png"),
        )
        return InboundFile(view.id, view.name, view.mime, view.size_bytes, "")

    person.act(kind="file", files=(photo(),))
    assert "どのお問い合わせについてですか" in person.answer()
    person.press(number)
    ticket = rows(counter, "ticket", ticket_no=number)[0]
    assert [len(row.files) for row in rows(counter, "ticket_message", ticket_id=ticket.id)] == [0, 1]
    person.act(kind="file", files=(photo(),))
    person.press("新しく問い合わせる")
    assert "どのようなご用件ですか" in person.answer()


def test_status_by_sentence_lists_and_by_number_shows_and_writes_on(counter: Counter, person: Person) -> None:
    number = ask(person, "メールが届きません")
    ask(person, "二つ目です")
    staff(counter, number, "いつからですか。")
    person.say("/status").press(number)
    assert f"お問い合わせ {number} の状況です" in person.answer() and "いつからですか。" in person.answer()
    person.press("続きを書く")
    assert "このままお書きください" in person.answer()
    solve(counter, number)
    ticket_id = rows(counter, "ticket")[0].id
    run(counter.database, lambda tx: tickets.give_back(tx, AGENT, ticket_id=ticket_id))
    assert f"[{number}] 解決済み" in person.say(f"問い合わせ {number} はどうなりましたか").answer()


def test_nobody_sees_or_writes_into_somebody_elses_inquiry(counter: Counter, person: Person) -> None:
    number = ask(person, "秘密の相談です")
    counter.add_member(name="鈴木 花子", email="hanako@example.jp", birth_on=None)
    other = link_person(counter.person("webchat", "browser-2"), "M-000002", "hanako@example.jp")
    own = ask(other, "別の人です")
    answer = other.say(f"問い合わせ番号 {number} の状況を教えて").answer()
    assert "秘密" not in answer
    staff(counter, own, "承りました。")
    other.say(f"{number} の件です")
    assert said_in(counter, number) == ["秘密の相談です"]


def test_what_the_bot_does_not_understand_can_go_to_the_inquiry_under_way(counter: Counter, person: Person) -> None:
    number = ask(person, "画面が出ません")
    person.say("ぬるぽ").press(f"受付番号 {number} の担当者に送る")
    assert said_in(counter, number) == ["画面が出ません", "ぬるぽ"]


# ── fields of a kind ─────────────────────────────────────────────────────────────────────────────


def test_a_kind_asks_for_its_own_fields_and_staff_see_the_answers(
    database_url: str, clock: ManualClock, ids: Any
) -> None:
    fields = (
        TicketField(code="contract", name=LocalText(ja="対象のご契約", en="Contract"), type="contract"),
        TicketField(code="since", name=LocalText(ja="いつから", en="Since"), type="date", required=True),
        TicketField(code="seats", name=LocalText(ja="台数", en="Machines"), type="number", required=True),
        TicketField(
            code="os",
            name=LocalText(ja="お使いの機器", en="Machine"),
            type="choice",
            choices=(
                FieldChoice(code="pc", name=LocalText(ja="パソコン", en="PC")),
                FieldChoice(code="phone", name=LocalText(ja="スマートフォン", en="Phone")),
            ),
        ),
        TicketField(code="more", name=LocalText(ja="ご利用環境", en="Setting"), type="text"),
    )
    support = a_profile().support
    kinds = tuple(
        kind.model_copy(update={"fields": fields}) if kind.code == "technical" else kind for kind in support.kinds
    )
    counter = Counter(database_url, clock, ids, a_profile(support={"kinds": kinds}))
    member_id = counter.add_member()
    counter.add_contract(member_id, label="example.jp")
    person = link_person(counter.person())
    person.say("/ticket").press("技術的な")
    assert "対象のご契約を教えてください" in person.answer() and "<example.jp>" in person.answer()
    person.press("example.jp").say("むかし")
    assert "日付を読み取れませんでした" in person.answer()
    person.say("昨日").say("たくさん")
    assert "数字でお書きください" in person.answer()
    person.say("3台").press("スマートフォン").press("スキップ").say("つながりません").press("スキップ")
    assert "いつから: 2026年11月15日(日)" in person.answer() and "お使いの機器: スマートフォン" in person.answer()
    person.press("送信する")
    ticket = rows(counter, "ticket")[0]
    assert (ticket.kind, ticket.queue, ticket.origin) == ("technical", "technical", "form")
    assert [(detail["code"], detail["value"]) for detail in ticket.details] == [
        ("contract", "example.jp"),
        ("since", "2026年11月15日(日)"),
        ("seats", "3"),
        ("os", "スマートフォン"),
    ]
    counter.close()


# ── promises and warnings ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("asked", "promise"),
    [
        ("2026-11-16 09:59", "次の営業日 11月17日(火) 11:00ごろまで"),
        ("2026-11-20 17:29", "11月25日(水) 10:30ごろまで"),
        ("2026-11-23 08:59", "11月25日(水) 11:00ごろまで"),
        ("2026-12-28 16:59", "次の営業日 2027年1月4日(月) 18:00ごろまで"),
    ],
)
def test_the_promise_is_the_very_instant_that_staff_are_warned_about(
    counter: Counter, person: Person, clock: ManualClock, asked: str, promise: str
) -> None:
    clock.set(datetime.fromisoformat(asked).replace(tzinfo=JST))
    ask(person, "急ぎではありません")
    assert f"回答の目安：{promise}" in person.answer()
    assert "0120-000-000" in person.answer() and "営業時間：" in person.answer()
    assert ("営業時間外" in person.answer()) is (asked == "2026-11-23 08:59")
    ticket = rows(counter, "ticket")[0]
    clocks = {row.clock: row for row in rows(counter, "ticket_clock")}
    assert ticket.due_at == clocks["answer"].due_at and ticket.due_for == "first_answer"
    assert f"{ticket.due_at.astimezone(JST):%H:%M}" in promise


def test_out_of_hours_the_member_of_a_talk_hears_once_when_to_expect_an_answer(
    counter: Counter, person: Person, clock: ManualClock
) -> None:
    person.say("/human")
    number = rows(counter, "ticket")[0].ticket_no
    staff(counter, number, "承ります。")
    clock.set(datetime(2026, 11, 20, 18, 30, tzinfo=JST))
    assert "ただいま営業時間外です" in person.say("続きです").answer()
    assert "【自動応答】" in person.answer() and "11月25日(水) 11:00ごろまで" in person.answer()
    assert person.say("もう一つあります").answer() == ""
    clock.set(datetime(2026, 11, 24, 10, 30, tzinfo=JST))
    assert "担当者に届いています" in person.say("おはようございます、いかがですか").answer(), (
        "three days without an answer"
    )
    assert "営業時間外" not in person.answer()
    staff(counter, number, "お待たせしました。")
    clock.set(datetime(2026, 11, 24, 20, 0, tzinfo=JST))
    assert person.say("ありがとうございます").answer() == "", "thanks starts no clock and needs no promise"
    assert "次の営業日" not in person.say("やはり動きません").answer() and "営業時間外" in person.answer()


def test_staff_are_warned_once_before_and_once_at_the_deadline(database_url: str, clock: ManualClock, ids: Any) -> None:
    warned: list[TicketDue] = []
    counter = Counter(database_url, clock, ids, first={TicketDue: lambda tx, fact: warned.append(fact)})
    counter.add_member()
    person = link_person(counter.person())
    ask(person, "見てください")
    ticket = rows(counter, "ticket")[0]
    for minutes in range(30, 60 * 28, 30):
        clock.set(MONDAY + timedelta(minutes=minutes))
        run_jobs(counter)
        run_jobs(counter)
    assert [(fact.stage, fact.level, fact.due_at) for fact in warned] == [
        ("half", "first_answer", ticket.due_at),
        ("soon", "first_answer", ticket.due_at),
        ("late", "first_answer", ticket.due_at),
    ]
    notes = [row.body for row in rows(counter, "ticket_message", author="bot", visibility="internal")]
    assert len(notes) == 2 and "期限が近づいています" in notes[0] and "過ぎました" in notes[1]
    assert all("期限" not in text for text in (person.screen(),)), "what staff read is not told to members"
    counter.close()


def test_nobody_is_warned_about_what_was_answered(counter: Counter, person: Person, clock: ManualClock) -> None:
    number = ask(person, "見てください")
    staff(counter, number, "直しました。")
    clock.move(timedelta(days=1))
    run_jobs(counter)
    assert rows(counter, "ticket_message", author="bot", visibility="internal") == []
    assert rows(counter, "ticket")[0].due_at is None


async def test_two_processes_warn_once(counter: Counter, person: Person, clock: ManualClock) -> None:
    ask(person, "見てください")
    clock.move(timedelta(days=3))
    for owner in ("one", "two"):
        await Ticks(counter.database, counter.bot, owner).run_business()
    assert len(rows(counter, "ticket_message", author="bot", visibility="internal")) == 1


# ── solved, silence, rating ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("channel", ["webchat", "telegram", "line"])
def test_how_it_was_is_asked_once_and_a_slip_is_put_right(counter: Counter, member_id: int, channel: str) -> None:
    person = link_person(counter.person(channel))
    number = ask(person, "入れません")
    person.seen = person.last_seq()
    solve(counter, number, "パスワードを再設定しました。")
    assert "パスワードを再設定しました。" in person.answer() and "今回の対応はいかがでしたか" in person.answer()
    person.act(kind="press", handle=person.handle("😊 満足"))
    assert "ひとこと" in person.answer()
    person.say("早くて助かりました")
    rating = rows(counter, "ticket_rating")[0]
    assert (rating.score, rating.words, rating.member_id) == (3, "早くて助かりました", member_id)
    person.press("評価を選び直す").press("不満")
    assert "いただいたお声" in person.answer() and "ひとこと" not in person.answer(), "words are asked for once"
    rating = rows(counter, "ticket_rating")[0]
    assert (rating.score, rating.words) == (1, "早くて助かりました")
    person.press("まだ解決していません").say("また入れません")
    assert rows(counter, "ticket")[0].status == "open"
    person.seen = person.last_seq()
    solve(counter, number)
    assert "解決済みになりました" in person.answer() and "いかがでしたか" not in person.answer()


def test_a_ticket_nobody_answered_is_not_rated(counter: Counter, person: Person) -> None:
    number = ask(person, "入れません")
    person.seen = person.last_seq()
    solve(counter, number)
    assert "いかがでしたか" not in person.answer() and rows(counter, "ticket_rating") == []


def test_silence_is_spoken_about_once_and_then_ends_the_ticket_once(
    counter: Counter, person: Person, clock: ManualClock
) -> None:
    number = ask(person, "入れません")
    staff(counter, number, "いまはいかがですか。")
    heard: list[str] = []
    for day in range(16):
        clock.set(MONDAY + timedelta(days=day))
        person.seen = person.last_seq()
        run_jobs(counter)
        run_jobs(counter)
        if person.answer():
            heard.append(f"{clock.now().astimezone(JST):%m-%d} {person.answer()}")
    asked, ended = heard[0], heard[1]
    assert asked.startswith("11-21") is False, "the 21st is a Saturday: nobody works"
    assert asked.startswith("11-24") and "お返事をお待ちしています" in asked
    assert ended.startswith("11-27") and "お返事がなかったため" in ended
    assert len([one for one in heard if "お返事" in one]) == 2
    assert rows(counter, "ticket")[0].status == "solved" and rows(counter, "ticket_rating") == []


@pytest.mark.parametrize("channel", ["webchat", "line"])
def test_the_members_word_ends_or_keeps_a_silent_ticket(
    counter: Counter, member_id: int, clock: ManualClock, channel: str
) -> None:
    person = link_person(counter.person(channel))
    for words in ("一つ目です", "二つ目です"):
        number = ask(person, words)
        staff(counter, number, f"{words}のご返事")
    clock.set(datetime(2026, 11, 24, 10, 30, tzinfo=JST))
    run_jobs(counter)
    person.press("解決しました")
    assert "T-000002）を解決済みにしました" in person.answer()
    assert [row.status for row in rows(counter, "ticket")] == ["waiting", "solved"]
    person.say("/status").press("T-000001").press("続きを書く").say("まだ動きません")
    clock.set(datetime(2026, 12, 10, 10, 30, tzinfo=JST))
    run_jobs(counter)
    assert [row.status for row in rows(counter, "ticket")] == ["open", "solved"], "who wrote is not silent"


def test_a_snoozed_ticket_and_a_payment_report_do_not_end_in_silence(
    counter: Counter, person: Person, clock: ManualClock
) -> None:
    number = ask(person, "来月お願いします")
    staff(counter, number, "来月ご連絡します。")
    ticket = rows(counter, "ticket", ticket_no=number)[0]
    until = clock.now() + timedelta(days=30)
    run(counter.database, lambda tx: tickets.snooze(tx, AGENT, ticket_id=ticket.id, until=until))
    clock.move(timedelta(days=20))
    run_jobs(counter)
    assert get_ticket_of(counter, ticket.id).status == "waiting"
    clock.move(timedelta(days=10))
    run_jobs(counter)
    assert get_ticket_of(counter, ticket.id).snoozed_until is None


def get_ticket_of(counter: Counter, ticket_id: int) -> Any:
    return run(counter.database, lambda tx: get_ticket(tx, ticket_id=ticket_id))


def test_within_the_profiles_days_it_opens_again_and_afterwards_a_new_linked_one_is_said_to_be_one(
    counter: Counter, person: Person, clock: ManualClock
) -> None:
    number = ask(person, "入れません")
    staff(counter, number, "直しました。")
    solve(counter, number)
    clock.move(timedelta(days=2))
    run_jobs(counter)
    person.say("/status").press(number).press("続きを書く").say("また入れません")
    assert f"受付番号 {number} を、もう一度お受けしました" in person.answer()
    solve(counter, number)
    before = rows(counter, "ticket")[0]
    clock.move(timedelta(days=8))
    run_jobs(counter)
    person.say("/status").press(number).press("続きを書く").say("三度目です")
    assert "新しい受付番号 T-000002 でお受けしました" in person.answer() and number in person.answer()
    old, new = rows(counter, "ticket")
    assert old.solved_at == before.solved_at and new.previous_id == old.id and new.origin == "follow_up"
    assert [row.level for row in rows(counter, "ticket_clock", ticket_id=new.id)] == ["first_answer", "resolution"]


# ── who speaks ───────────────────────────────────────────────────────────────────────────────────


def test_the_bots_own_words_are_marked_while_a_person_talks_and_the_way_back_is_said_once(
    counter: Counter, person: Person, clock: ManualClock, linked: Callable[..., Person]
) -> None:
    number = ask(person, "入れません")
    staff(counter, number, "承ります。")
    assert not [m for m in person.history() if "自動応答" in str(m.body)]
    assert person.say("/expiry").answer().startswith("【自動応答】\n")
    ticket = rows(counter, "ticket")[0]
    person.seen = person.last_seq()
    run(counter.database, lambda tx: tickets.give_back(tx, AGENT, ticket_id=ticket.id))
    run(counter.database, lambda tx: tickets.give_back(tx, AGENT, ticket_id=ticket.id))
    assert person.answer().count("自動案内に戻りました") == 1 and "自動応答" not in person.answer()
    assert not person.say("/expiry").answer().startswith("【自動応答】")
