"""Members: numbers, changes, the search in any width or kana, the card and its trail; on both databases."""

import pytest

from core.db import Database, run
from core.errors import DomainError, InvariantBroken
from core.members.audit import list_audit
from core.members.service import (
    create_member,
    find_member,
    find_member_by_key,
    get_member,
    open_member_card,
    search_members,
    update_member,
)
from tests.support.builders import ADMIN, AGENT, Somebody, a_member

VIEWER = Somebody(903, "viewer", "閲覧 三郎")


def test_a_member_without_a_number_gets_the_next_free_one(database: Database) -> None:
    own = run(database, lambda tx: a_member(tx, member_no="M-000002"))
    numbers = [run(database, lambda tx: get_member(tx, member_id=a_member(tx, email=None))).member_no for _ in range(2)]
    assert numbers == ["M-000001", "M-000003"]
    assert run(database, lambda tx: get_member(tx, member_id=own)).member_no == "M-000002"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"member_no": "A-1"}, "member_no_taken"),
        ({"external_key": "old-7"}, "external_key_taken"),
        ({"name": "　"}, "name_missing"),
    ],
)
def test_numbers_and_keys_are_nobody_elses(database: Database, given: dict[str, str], code: str) -> None:
    run(database, lambda tx: a_member(tx, member_no="A-1", external_key="old-7"))
    with pytest.raises(DomainError, match=code):
        run(database, lambda tx: create_member(tx, **{"name": "別人", "name_key": "", **given}))


@pytest.mark.parametrize("typed", ["M-000001", "ｍ１", "1", "m-1"])
def test_a_member_is_found_by_number_as_typed(database: Database, typed: str) -> None:
    member_id = run(database, lambda tx: a_member(tx, external_key="old-7"))
    found = run(database, lambda tx: find_member(tx, member_no=typed))
    assert found is not None and found.id == member_id
    by_key = run(database, lambda tx: find_member_by_key(tx, external_key="old-7"))
    assert by_key is not None and by_key.id == member_id
    assert run(database, lambda tx: find_member(tx, member_no="M-2")) is None


@pytest.mark.parametrize(
    "query",
    ["山田", "山田太郎", "山田　太郎", "やまだ", "ﾔﾏﾀﾞ", "ヤマダ タロウ", "TARO@EXAMPLE", "090-1234", "０９０１２３４",
     "m-000001", "山田 090", "old_7", ""],
)  # fmt: skip
def test_the_search_finds_in_any_width_and_kana(database: Database, query: str) -> None:
    member_id = run(database, lambda tx: a_member(tx, phone="090-1234-5678", external_key="old_7"))
    page = run(database, lambda tx: search_members(tx, AGENT, query=query))
    assert [member.id for member in page.members] == [member_id] and not page.more


@pytest.mark.parametrize("query", ["鈴木", "山田 花子", "%", "old-7", "_ld_7", "0801"])
def test_the_search_does_not_find_what_is_not_there(database: Database, query: str) -> None:
    run(database, lambda tx: a_member(tx, phone="090-1234-5678", external_key="old_7"))
    assert run(database, lambda tx: search_members(tx, AGENT, query=query)).members == ()


def test_the_search_is_paged(database: Database) -> None:
    run(database, lambda tx: [a_member(tx, name=f"山田 {n:02d}", email=None) for n in range(23)])
    first, second = (run(database, lambda tx, p=p: search_members(tx, AGENT, query="山田", page=p)) for p in (1, 2))
    assert (len(first.members), first.more, len(second.members), second.more) == (20, True, 3, False)
    assert not {member.id for member in first.members} & {member.id for member in second.members}


def test_a_change_is_found_again_and_recorded_by_field_without_its_content(database: Database) -> None:
    member_id = run(database, a_member)
    changes = {"email": "new@example.jp", "phone": "03-0000-0000"}
    for _ in range(2):
        run(
            database,
            lambda tx: update_member(tx, member_id=member_id, actor_kind="member", actor_id=member_id, changes=changes),
        )
    assert len(run(database, lambda tx: search_members(tx, AGENT, query="new@")).members) == 1
    assert run(database, lambda tx: search_members(tx, AGENT, query="taro@")).members == ()
    (entry,) = run(database, lambda tx: list_audit(tx, ADMIN, action="member.changed")).entries
    assert entry.detail == {"changed": ["email"]} and entry.member_no == "M-000001"


@pytest.mark.parametrize("changes", [{"member_no": "X"}, {"name": "別名"}, {"salary": 1}])
def test_what_may_not_be_changed_is_not(database: Database, changes: dict[str, object]) -> None:
    member_id = run(database, a_member)
    with pytest.raises(InvariantBroken):
        run(
            database,
            lambda tx: update_member(tx, member_id=member_id, actor_kind="system", actor_id=None, changes=changes),
        )


def test_every_look_at_a_card_is_recorded_and_a_viewer_sees_nobody(database: Database) -> None:
    member_id = run(database, a_member)
    open_card = run(database, lambda tx: open_member_card(tx, AGENT, member_id=member_id))
    masked = run(database, lambda tx: open_member_card(tx, VIEWER, member_id=member_id))
    assert (open_card.name, open_card.email) == ("山田 太郎", "taro@example.jp")
    shown = " ".join(str(value) for value in masked)
    for secret in ("太郎", "タロウ", "taro@", "example", "0000-0000", "1956"):
        assert secret in " ".join(str(value) for value in open_card)
        assert secret not in shown
    assert masked.member_no == open_card.member_no
    entries = run(database, lambda tx: list_audit(tx, ADMIN, member_id=member_id)).entries
    assert [(entry.action, entry.actor_id) for entry in entries] == [("member.viewed", 903), ("member.viewed", 902)]
    found = run(database, lambda tx: search_members(tx, VIEWER, query="山田")).members[0]
    assert found.name == "山＊＊＊" and found.email == "t＊＊＊@＊＊＊"
    with pytest.raises(DomainError, match="forbidden"):
        run(database, lambda tx: open_member_card(tx, Somebody(9, "guest"), member_id=member_id))
