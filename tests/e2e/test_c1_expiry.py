"""Rows C1 and C6: contracts with their expiry by urgency, searched and filtered, in every state."""

from datetime import date, timedelta

import pytest

from core.clock import ManualClock
from tests.support.counter import Counter, Person
from tests.support.journeys import link_person, rows, run_jobs


@pytest.mark.parametrize("channel", ["webchat", "telegram"])
def test_expiry_shows_all_contracts_most_urgent_first(counter: Counter, member_id: int, channel: str) -> None:
    counter.add_contract(member_id, label="later.example.jp", expires_on=date(2027, 3, 31))
    counter.add_contract(member_id, label="soon.example.jp", expires_on=date(2026, 11, 30))
    answer = link_person(counter.person(channel)).say("利用期限を教えてください").answer()
    assert "ご契約は2件です" in answer
    assert answer.index("soon.example.jp") < answer.index("later.example.jp")
    assert "利用期限: 2026年11月30日(月)" in answer and "残り: あと8日" in answer
    assert "プラン: スタンダードプラン" in answer and "自動更新: なし" in answer


def test_expiry_in_english(counter: Counter, member_id: int) -> None:
    counter.add_contract(member_id)
    answer = link_person(counter.person(language="en")).say("when does my server expire?").answer()
    assert "Expiry: Mon, Nov 30, 2026" in answer and "Left: 8 days" in answer and "Standard plan" in answer


def test_a_sentence_names_the_contract_in_any_width(counter: Counter, member_id: int, person: Person) -> None:
    counter.add_contract(member_id, label="example.jp")
    counter.add_contract(member_id, label="other.example.com")
    answer = person.say("ｅｘａｍｐｌｅ．ｊｐの期限はいつ？").answer()
    assert "[example.jp]" in answer and "other.example.com" not in answer
    assert (
        "「nothing.example.org」に当てはまるご契約は見つかりません"
        in person.say("nothing.example.orgの期限はいつ？").answer()
    )


def test_domains_only_when_domains_are_asked_for(counter: Counter, member_id: int, person: Person) -> None:
    counter.add_contract(member_id, label="server.example.jp")
    counter.add_contract(member_id, label="domain.example.com", plan_code="domain-com")
    answer = person.say("ドメインの有効期限を知りたい").answer()
    assert "[domain.example.com]" in answer and "[server.example.jp]" not in answer


def test_more_than_six_come_in_pages(counter: Counter, member_id: int, person: Person) -> None:
    for place in range(9):
        counter.add_contract(member_id, label=f"s{place}.example.jp", expires_on=date(2026, 12, 1 + place))
    answer = person.say("/expiry").answer()
    assert "ご契約は9件です" in answer and "s5.example.jp" in answer and "s6.example.jp" not in answer
    assert "s8.example.jp" in person.press("ほかの3件を見る").answer()


def test_no_contract_is_said_with_a_way_on(person: Person) -> None:
    answer = person.say("/expiry").answer()
    assert "ご契約が見つかりませんでした" in answer and "<問い合わせる>" in answer


def test_states_follow_the_calendar_and_every_change_is_recorded(
    counter: Counter, member_id: int, person: Person, clock: ManualClock
) -> None:
    contract_id = counter.add_contract(member_id)
    clock.move(timedelta(days=8))
    run_jobs(counter)
    assert "本日まで" in person.say("/expiry").answer()
    clock.move(timedelta(days=1))
    run_jobs(counter)
    answer = person.say("/expiry").answer()
    assert "猶予期間" in answer and "1日過ぎています" in answer and "2026年12月7日(月)まで更新できます" in answer
    clock.move(timedelta(days=7))
    run_jobs(counter)
    assert "契約「example.jp」は、更新できる期間（2026年12月7日(月)まで）が終わりました。" in person.screen()
    assert "利用期限は2026年11月30日(月)でした" in person.screen() and "利用期間が終了しました" not in person.screen()
    answer = person.say("/expiry").answer()
    assert "終了" in answer and "<example.jpを更新する>" not in answer
    assert rows(counter, "contract", id=contract_id)[0].status == "ended"
    causes = [row.cause for row in rows(counter, "contract_change", contract_id=contract_id)]
    assert causes[0] == "test" and len(causes) == 3
