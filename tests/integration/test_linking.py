"""Row M1: linking by 確認ID with all its limits, on both databases."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from core.clock import ManualClock
from core.db import Database, Tx, run
from core.dialogue.service import get_chat, set_reachable
from core.errors import DomainError
from core.ids import SeededIds
from core.members import linking
from core.members.facts import ChatLinked, ChatUnlinked, LinkCodeIssued
from core.members.linking import CodeEntered, CodeRequested
from core.members.service import get_member
from core.members.tables import Audit, LinkCode
from core.open_database import open_database
from core.profiles.model import Profile
from core.statements import Read
from core.wiring import LISTENERS
from tests.support.builders import ADMIN, AGENT, Somebody, a_member, a_profile
from tests.support.chats import a_chat
from tests.support.facts import of_kind, with_recorder

PROFILE: Profile = a_profile()
MAIL = "taro@example.jp"
CODES = Read(
    linking._Code, select(LinkCode.id, LinkCode.member_id, LinkCode.code_hash, LinkCode.tries, LinkCode.expires_at)
)


class Action(tuple):  # type: ignore[type-arg]
    """A row of the trail."""

    @classmethod
    def _make(cls, row: Any) -> "Action":
        return cls(row)


ACTIONS = Read(Action, select(Audit.action, Audit.actor_kind, Audit.member_id).order_by(Audit.id))


@pytest.fixture
def seen() -> list[Any]:
    """The facts of the test."""
    return []


@pytest.fixture
def database(database_url: str, clock: ManualClock, ids: SeededIds, seen: list[Any]) -> Iterator[Database]:
    """As everywhere, with the facts about links written down."""
    table = with_recorder(LISTENERS, seen, LinkCodeIssued, ChatLinked, ChatUnlinked)
    opened = open_database(database_url, clock, ids, table)
    yield opened
    opened.close()


@pytest.fixture
def member_id(database: Database) -> int:
    """山田太郎, number M-000001, taro@example.jp."""
    return run(database, a_member)


@pytest.fixture
def chat_id(database: Database) -> int:
    """A chat that is not linked."""
    return new_chat(database)


def new_chat(database: Database) -> int:
    return run(database, lambda tx: a_chat(tx).id)


def ask(
    database: Database, chat_id: int, *, no: str = "M-000001", mail: str = MAIL, source: str | None = None
) -> CodeRequested:
    return run(
        database,
        lambda tx: linking.request_code(tx, PROFILE, chat_id=chat_id, member_no=no, email=mail, source=source),
    )


def enter(database: Database, chat_id: int, code: str) -> CodeEntered:
    return run(database, lambda tx: linking.enter_code(tx, PROFILE, chat_id=chat_id, code=code))


def issued(seen: list[Any]) -> list[LinkCodeIssued]:
    return of_kind(seen, LinkCodeIssued)


def other_than(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


def link(database: Database, seen: list[Any], chat_id: int, **given: str) -> None:
    ask(database, chat_id, **given)
    assert enter(database, chat_id, issued(seen)[-1].code).state == "linked"


def active(database: Database, chat_id: int) -> int | None:
    return run(database, lambda tx: get_chat(tx, chat_id=chat_id).member_id)


def test_the_right_code_links_and_is_told_and_recorded(
    database: Database, seen: list[Any], member_id: int, chat_id: int
) -> None:
    ask(database, chat_id, no="ｍ－１", mail="ＴＡＲＯ@example.JP ")
    fact = issued(seen)[0]
    assert (fact.member_id, fact.chat_id, fact.email, fact.language) == (member_id, chat_id, MAIL, "ja")
    assert fact.code not in repr(fact) and MAIL not in repr(fact)
    entered = enter(database, chat_id, f" {fact.code[:3]}－{fact.code[3:]} ")
    assert entered.state == "linked" and entered.member is not None and entered.member.id == member_id
    assert active(database, chat_id) == member_id
    assert [f.chat_id for f in of_kind(seen, ChatLinked)] == [chat_id]
    assert ("chat.linked", "member", member_id) in run(database, lambda tx: tx.all(ACTIONS))


def test_only_a_hash_of_the_code_is_stored(database: Database, seen: list[Any], member_id: int, chat_id: int) -> None:
    ask(database, chat_id)
    row = run(database, lambda tx: tx.one(CODES))
    assert len(row.code_hash) == 64 and issued(seen)[0].code not in row.code_hash


@pytest.mark.parametrize(
    ("no", "mail"),
    [("M-000001", "other@example.jp"), ("M-999999", MAIL), ("M-000001", ""), ("", MAIL), ("M-000002", "")],
)
def test_who_does_not_match_gets_the_same_answer_and_a_code_that_nobody_knows(
    database: Database, seen: list[Any], member_id: int, no: str, mail: str
) -> None:
    run(database, lambda tx: a_member(tx, email=None))  # M-000002 has no address at all
    right, wrong = new_chat(database), new_chat(database)
    assert ask(database, right) == ask(database, wrong, no=no, mail=mail)
    assert [fact.chat_id for fact in issued(seen)] == [right]
    rows = run(database, lambda tx: tx.all(CODES))
    assert sorted((row.member_id for row in rows), key=str) == sorted((member_id, None), key=str)  # of one instant
    assert [enter(database, wrong, "000000") for _ in range(5)] == [
        enter(database, right, other_than(issued(seen)[0].code)) for _ in range(5)
    ]
    assert active(database, wrong) is None


def test_even_the_decoys_own_code_links_nobody(
    database: Database, ids: SeededIds, monkeypatch: pytest.MonkeyPatch, member_id: int, chat_id: int
) -> None:
    monkeypatch.setattr(ids, "code", lambda digits=6: "123456")
    ask(database, chat_id, mail="other@example.jp")
    assert enter(database, chat_id, "123456") == CodeEntered("wrong", 4)


def test_match_and_no_match_do_the_same_statements(
    database: Database, monkeypatch: pytest.MonkeyPatch, member_id: int
) -> None:
    def statements(no: str, mail: str) -> list[str]:
        done: list[str] = []

        def work(tx: Tx) -> None:
            chat_id = a_chat(tx).id
            all_, run_ = tx.all, tx.run
            tx.all = lambda query, **given: (done.append(str(query.core)), all_(query, **given))[1]  # type: ignore[assignment]
            tx.run = lambda query, **given: (done.append(str(query.core)), run_(query, **given))[1]  # type: ignore[assignment]
            linking.request_code(tx, PROFILE, chat_id=chat_id, member_no=no, email=mail)

        run(database, work)
        return done

    match = statements("M-000001", MAIL)
    assert len(match) >= 6
    assert match == statements("M-000001", "other@example.jp") == statements("M-999999", MAIL)


def test_a_withdrawn_member_cannot_be_linked(database: Database, seen: list[Any], chat_id: int) -> None:
    run(database, lambda tx: a_member(tx, status="withdrawn"))
    ask(database, chat_id)
    assert issued(seen) == []


def test_five_wrong_codes_end_it_even_for_the_right_one(
    database: Database, seen: list[Any], member_id: int, chat_id: int
) -> None:
    ask(database, chat_id)
    code = issued(seen)[0].code
    answers = [enter(database, chat_id, other_than(code)) for _ in range(5)]
    assert [(a.state, a.tries_left) for a in answers] == [
        ("wrong", 4), ("wrong", 3), ("wrong", 2), ("wrong", 1), ("dead", 0),
    ]  # fmt: skip
    assert enter(database, chat_id, code).state == "dead"
    assert active(database, chat_id) is None


def test_a_code_lives_ten_minutes(
    database: Database, clock: ManualClock, seen: list[Any], member_id: int, chat_id: int
) -> None:
    assert ask(database, chat_id).expires_at == clock.now() + timedelta(minutes=10)
    clock.move(timedelta(minutes=10))
    assert enter(database, chat_id, issued(seen)[0].code).state == "dead"
    ask(database, chat_id)
    clock.move(timedelta(minutes=10) - timedelta(microseconds=1))
    assert enter(database, chat_id, issued(seen)[1].code).state == "linked"


def test_a_new_request_ends_the_older_code(database: Database, seen: list[Any], member_id: int, chat_id: int) -> None:
    ask(database, chat_id)
    ask(database, chat_id)
    first, second = (fact.code for fact in issued(seen))
    assert first != second
    assert enter(database, chat_id, first).state == "wrong"
    assert enter(database, chat_id, second).state == "linked"


def test_an_older_code_does_not_come_back_when_the_newer_one_is_used_up(
    database: Database, seen: list[Any], member_id: int, chat_id: int
) -> None:
    ask(database, chat_id)
    ask(database, chat_id)
    first, second = (fact.code for fact in issued(seen))
    for _ in range(5):
        enter(database, chat_id, other_than(second))
    assert enter(database, chat_id, first).state == "dead"
    assert active(database, chat_id) is None


def test_another_chats_code_is_worth_nothing_here(
    database: Database, seen: list[Any], member_id: int, chat_id: int
) -> None:
    ask(database, chat_id)
    assert enter(database, new_chat(database), issued(seen)[0].code).state == "dead"


def test_three_codes_an_hour_per_member_and_the_fourth_is_silently_not_sent(
    database: Database, clock: ManualClock, seen: list[Any], member_id: int
) -> None:
    answers = [ask(database, new_chat(database)) for _ in range(4)]
    assert len(issued(seen)) == 3 and len(set(answers)) == 1
    clock.move(timedelta(hours=1))
    ask(database, new_chat(database))
    assert len(issued(seen)) == 4


def test_ten_codes_a_day_per_member(database: Database, clock: ManualClock, seen: list[Any], member_id: int) -> None:
    for _ in range(5):
        for _ in range(3):
            ask(database, new_chat(database))
        clock.move(timedelta(hours=2))
    assert len(issued(seen)) == 10
    clock.move(timedelta(hours=14))
    ask(database, new_chat(database))
    assert len(issued(seen)) == 11


@pytest.mark.parametrize("no", ["M-000001", "M-999999"])
def test_five_requests_an_hour_per_chat_whoever_is_asked_for(
    database: Database, clock: ManualClock, member_id: int, chat_id: int, no: str
) -> None:
    first_at = clock.now()
    for n in range(5):
        ask(database, chat_id, no=no, mail=f"nobody{n}@example.jp")
        clock.move(timedelta(minutes=1))
    with pytest.raises(DomainError) as refused:
        ask(database, chat_id, no=no)
    assert (refused.value.code, refused.value.data) == ("too_many_codes", {"retry_at": first_at + timedelta(hours=1)})
    clock.set(first_at + timedelta(hours=1))
    ask(database, chat_id, no=no)


@pytest.mark.parametrize("source", [None, "203.0.113.9"])
def test_thirty_requests_an_hour_per_address(database: Database, member_id: int, source: str | None) -> None:
    def mail(n: int) -> str:
        return "same@example.jp" if source is None else f"{n}@example.jp"

    for n in range(30):
        ask(database, new_chat(database), no=f"X{n}", mail=mail(n), source=source)
    with pytest.raises(DomainError, match="too_many_codes"):
        ask(database, new_chat(database), mail=mail(30), source=source)
    ask(database, new_chat(database), source="198.51.100.1")


def test_the_mail_address_asked_for_counts_wherever_it_is_asked_from(database: Database, member_id: int) -> None:
    for n in range(30):
        ask(database, new_chat(database), no=f"X{n}", mail="same@example.jp", source=f"203.0.113.{n}")
    with pytest.raises(DomainError, match="too_many_codes"):
        ask(database, new_chat(database), mail="same@example.jp", source="198.51.100.1")


def test_a_refused_request_does_not_prolong_the_wait_and_keeps_the_open_code(
    database: Database, seen: list[Any], member_id: int, chat_id: int
) -> None:
    for _ in range(4):
        ask(database, chat_id, no="M-5")
    ask(database, chat_id)
    for _ in range(3):
        with pytest.raises(DomainError, match="too_many_codes"):
            ask(database, chat_id)
    assert len(run(database, lambda tx: tx.all(CODES))) == 5
    assert enter(database, chat_id, issued(seen)[-1].code).state == "linked"


def test_limits_never_touch_a_chat_already_linked(
    database: Database, seen: list[Any], member_id: int, chat_id: int
) -> None:
    link(database, seen, chat_id)
    for _ in range(4):
        ask(database, new_chat(database))
    other = new_chat(database)
    for _ in range(5):
        ask(database, other, no="M-7")
    assert active(database, chat_id) == member_id
    for _ in range(6):  # asking again from the linked chat is answered, whatever the counters say
        with pytest.raises(DomainError, match="already_linked"):
            ask(database, chat_id)
    run(database, lambda tx: linking.switch_member(tx, chat_id=chat_id, member_id=member_id))
    assert run(database, lambda tx: linking.unlink(tx, chat_id=chat_id, member_id=member_id))


def test_five_wrong_tries_at_the_same_moment_count_five(
    database: Database, seen: list[Any], member_id: int, chat_id: int
) -> None:
    ask(database, chat_id)
    code = issued(seen)[0].code
    wrong = other_than(code)
    futures = [
        database.submit(lambda tx: linking.enter_code(tx, PROFILE, chat_id=chat_id, code=wrong)) for _ in range(5)
    ]
    assert sorted(future.result().tries_left for future in futures) == [0, 1, 2, 3, 4]
    assert enter(database, chat_id, code).state == "dead"


def test_a_right_code_used_many_times_at_the_same_moment_links_once(
    database: Database, seen: list[Any], member_id: int, chat_id: int
) -> None:
    ask(database, chat_id)
    code = issued(seen)[0].code
    futures = [
        database.submit(lambda tx: linking.enter_code(tx, PROFILE, chat_id=chat_id, code=code)) for _ in range(6)
    ]
    assert sorted(future.result().state for future in futures) == ["dead"] * 5 + ["linked"]
    assert len(run(database, lambda tx: linking.list_links(tx, ADMIN, member_id=member_id))) == 1


def test_parallel_requests_for_one_member_send_three_codes(database: Database, seen: list[Any], member_id: int) -> None:
    chats = [new_chat(database) for _ in range(8)]
    futures = [
        database.submit(lambda tx, c=c: linking.request_code(tx, PROFILE, chat_id=c, member_no="M-1", email=MAIL))
        for c in chats
    ]
    for future in futures:
        future.result()
    assert sum(row.member_id is not None for row in run(database, lambda tx: tx.all(CODES))) == 3


def test_one_chat_holds_several_memberships_and_switches(
    database: Database, seen: list[Any], member_id: int, chat_id: int
) -> None:
    child = run(database, lambda tx: a_member(tx, name="山田 花子", name_kana="ヤマダ ハナコ", email="hana@example.jp"))
    stranger = run(database, lambda tx: a_member(tx, email="x@example.jp"))
    link(database, seen, chat_id)
    link(database, seen, chat_id, no="M-2", mail="hana@example.jp")
    assert active(database, chat_id) == child
    members = run(database, lambda tx: linking.linked_members(tx, chat_id=chat_id))
    assert [member.id for member in members] == [member_id, child]
    assert run(database, lambda tx: linking.switch_member(tx, chat_id=chat_id, member_id=member_id)).id == member_id
    found = run(database, lambda tx: linking.active_member(tx, chat_id=chat_id))
    assert found is not None and found.id == member_id
    with pytest.raises(DomainError, match="not_linked"):
        run(database, lambda tx: linking.switch_member(tx, chat_id=chat_id, member_id=stranger))
    run(database, lambda tx: linking.unlink(tx, chat_id=chat_id, member_id=member_id))
    assert active(database, chat_id) == child
    run(database, lambda tx: linking.unlink(tx, chat_id=chat_id, member_id=child))
    assert active(database, chat_id) is None
    assert run(database, lambda tx: linking.active_member(tx, chat_id=chat_id)) is None


def test_unlinking_happens_once_and_linking_again_is_possible(
    database: Database, seen: list[Any], member_id: int, chat_id: int
) -> None:
    link(database, seen, chat_id)
    ended = [run(database, lambda tx: linking.unlink(tx, chat_id=chat_id, member_id=member_id)) for _ in range(2)]
    assert ended == [True, False]
    assert [fact.by for fact in of_kind(seen, ChatUnlinked)] == ["member"]
    link(database, seen, chat_id)
    links = run(database, lambda tx: linking.list_links(tx, AGENT, member_id=member_id))
    assert [row.ended_by for row in links] == [None, "member"]


def test_staff_see_and_revoke_links(database: Database, seen: list[Any], member_id: int, chat_id: int) -> None:
    link(database, seen, chat_id)
    row = run(database, lambda tx: linking.list_links(tx, AGENT, member_id=member_id))[0]
    viewer = Somebody(903, "viewer")
    assert run(database, lambda tx: linking.list_links(tx, viewer, member_id=member_id))[0].display_name == "た＊＊＊"
    with pytest.raises(DomainError, match="forbidden"):
        run(database, lambda tx: linking.revoke_link(tx, viewer, link_id=row.id))
    assert run(database, lambda tx: linking.revoke_link(tx, AGENT, link_id=row.id))
    assert not run(database, lambda tx: linking.revoke_link(tx, AGENT, link_id=row.id))
    assert active(database, chat_id) is None
    assert [fact.by for fact in of_kind(seen, ChatUnlinked)] == [f"staff:{AGENT.id}"]
    assert run(database, lambda tx: tx.all(ACTIONS))[-1] == ("chat.unlinked", "staff", member_id)
    with pytest.raises(DomainError, match="link_unknown"):
        run(database, lambda tx: linking.revoke_link(tx, AGENT, link_id=1))


def test_the_chats_of_a_member_are_listed_reachable_first(
    database: Database, seen: list[Any], member_id: int, chat_id: int
) -> None:
    link(database, seen, chat_id)
    second = new_chat(database)
    link(database, seen, second)
    run(database, lambda tx: set_reachable(tx, chat_id=second, reachable=False))
    chats = run(database, lambda tx: linking.linked_chats(tx, member_id=member_id))
    assert [(chat.id, chat.reachable) for chat in chats] == [(chat_id, True), (second, False)]
    assert run(database, lambda tx: get_member(tx, member_id=member_id)).member_no == "M-000001"
