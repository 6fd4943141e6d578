"""Row Q6: staff, their log-in with its lock, their sessions, the command; on both databases."""

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

import core.members.passwords as passwords
from bot.commands.staff import staff as command
from core.clock import ManualClock
from core.db import Database, Tx, run
from core.errors import DomainError
from core.ids import SeededIds
from core.members.audit import list_audit, record
from core.members.passwords import DUMMY_HASH, check_password, hash_password, is_password_right
from core.members.sessions import (
    NewSession,
    end_session,
    find_session,
    is_touch_due,
    purge_sessions,
    touch_session,
)
from core.members.staff import (
    StaffView,
    add_staff,
    disable_staff,
    find_credentials,
    find_staff,
    list_staff,
    record_login,
    set_role,
)
from core.members.tables import StaffSession
from core.statements import Read
from tests.support.builders import ADMIN, AGENT

PASSWORD = "正しい horse battery"


class _Stored(tuple):  # type: ignore[type-arg]
    @classmethod
    def _make(cls, row: Any) -> "_Stored":
        return cls(row)


STORED = Read(_Stored, select(StaffSession.token_hash, StaffSession.csrf))


@pytest.fixture(scope="module")
def hashed() -> str:
    """Made once: it is slow on purpose."""
    return hash_password(SeededIds(), login="hanako", password=PASSWORD)


def added(database: Database, hashed: str, login: str = "hanako", role: str = "admin") -> StaffView:
    return run(
        database,
        lambda tx: add_staff(tx, by=None, login=login, name="窓口 花子", role=role, password_hash=hashed),
    )


def log_in(database: Database, *, right: bool, login: str = "hanako") -> NewSession | None:
    """The three steps; the answer of the second is given, since only its result matters here."""
    credentials = run(database, lambda tx: find_credentials(tx, login=login))
    return run(database, lambda tx: record_login(tx, credentials=credentials, right=right))


def opened(database: Database) -> NewSession:
    session = log_in(database, right=True)
    assert session is not None
    return session


def test_the_right_password_opens_a_session(database: Database, hashed: str) -> None:
    view = added(database, hashed)
    credentials = run(database, lambda tx: find_credentials(tx, login=" ＨＡＮＡＫＯ "))
    assert is_password_right(credentials.password_hash, PASSWORD)
    assert not is_password_right(credentials.password_hash, PASSWORD + "x")
    session = run(database, lambda tx: record_login(tx, credentials=credentials, right=True))
    assert session is not None
    found = run(database, lambda tx: find_session(tx, token=session.token))
    assert found is not None
    assert (found.id, found.login, found.role, found.csrf) == (view.id, "hanako", "admin", session.csrf)
    ((token_hash, _),) = run(database, lambda tx: tx.all(STORED))
    assert token_hash != session.token and len(token_hash) == 64 and len(session.token) >= 43


def test_an_unknown_login_is_verified_against_a_hash_as_slow_as_a_real_one(database: Database, hashed: str) -> None:
    credentials = run(database, lambda tx: find_credentials(tx, login="nobody"))
    assert credentials.password_hash == DUMMY_HASH
    assert DUMMY_HASH.rsplit("$", 2)[0] == hashed.rsplit("$", 2)[0] == "$argon2id$v=19$m=65536,t=3,p=4"
    parts = [text.split("$")[-2:] for text in (DUMMY_HASH, hashed)]
    assert [len(salt) for salt, _ in parts] == [22, 22] and [len(tag) for _, tag in parts] == [43, 43]
    assert not is_password_right(DUMMY_HASH, PASSWORD)
    assert run(database, lambda tx: record_login(tx, credentials=credentials, right=True)) is None


def test_five_wrong_passwords_lock_for_fifteen_minutes_and_every_refusal_is_the_same(
    database: Database, clock: ManualClock, hashed: str
) -> None:
    added(database, hashed)
    assert [log_in(database, right=False) for _ in range(4)] == [None] * 4
    opened(database)  # a right one in between starts the count anew
    assert [log_in(database, right=False) for _ in range(5)] == [None] * 5
    assert log_in(database, right=True) is None
    clock.move(timedelta(minutes=15) - timedelta(seconds=1))
    assert log_in(database, right=True) is None
    clock.move(timedelta(seconds=1))
    opened(database)


def test_wrong_passwords_at_the_same_moment_all_count(database: Database, hashed: str) -> None:
    added(database, hashed)
    credentials = run(database, lambda tx: find_credentials(tx, login="hanako"))
    futures = [database.submit(lambda tx: record_login(tx, credentials=credentials, right=False)) for _ in range(5)]
    assert [future.result() for future in futures] == [None] * 5
    assert log_in(database, right=True) is None


def test_a_password_changed_between_the_steps_lets_nobody_in(database: Database, hashed: str) -> None:
    added(database, hashed)
    credentials = run(database, lambda tx: find_credentials(tx, login="hanako"))
    stale = credentials._replace(password_hash="$argon2id$older")
    assert run(database, lambda tx: record_login(tx, credentials=stale, right=True)) is None


def test_a_session_ends_two_hours_after_its_last_request_and_twelve_after_the_log_in(
    database: Database, clock: ManualClock, hashed: str
) -> None:
    added(database, hashed)
    session = opened(database)
    for _ in range(7):
        clock.move(timedelta(minutes=100))
        found = run(database, lambda tx: find_session(tx, token=session.token))
        assert found is not None and is_touch_due(found, real=clock.real())
        run(database, lambda tx: touch_session(tx, token=session.token))
    clock.move(timedelta(minutes=20))
    assert run(database, lambda tx: find_session(tx, token=session.token)) is None
    idle = opened(database)
    clock.move(timedelta(hours=2))
    assert run(database, lambda tx: find_session(tx, token=idle.token)) is None
    run(database, lambda tx: touch_session(tx, token=idle.token))
    assert run(database, lambda tx: find_session(tx, token=idle.token)) is None
    assert run(database, purge_sessions) == 2
    assert run(database, lambda tx: tx.all(STORED)) == []


def test_logging_out_ends_this_session_only(database: Database, hashed: str) -> None:
    added(database, hashed)
    first, second = opened(database), opened(database)
    for _ in range(2):
        run(database, lambda tx: end_session(tx, token=first.token))
    assert run(database, lambda tx: find_session(tx, token=first.token)) is None
    assert run(database, lambda tx: find_session(tx, token=second.token)) is not None
    assert run(database, lambda tx: find_session(tx, token="made up")) is None


def test_disabling_ends_all_sessions_and_log_ins(database: Database, hashed: str) -> None:
    added(database, hashed, "boss")
    view = added(database, hashed)
    sessions = [opened(database), opened(database)]
    for _ in range(2):
        disabled = run(database, lambda tx: disable_staff(tx, by=ADMIN, staff_id=view.id))
        assert disabled.disabled_at is not None
    assert [run(database, lambda tx, s=s: find_session(tx, token=s.token)) for s in sessions] == [None, None]
    assert run(database, lambda tx: tx.all(STORED)) == []
    assert log_in(database, right=True) is None


def test_a_new_role_counts_from_the_next_request(database: Database, hashed: str) -> None:
    added(database, hashed, "boss")
    view, session = added(database, hashed), opened(database)
    run(database, lambda tx: set_role(tx, by=ADMIN, staff_id=view.id, role="viewer"))
    found = run(database, lambda tx: find_session(tx, token=session.token))
    assert found is not None and found.role == "viewer"


@pytest.mark.parametrize("act", ["disable", "demote"])
def test_the_last_admin_stays(database: Database, hashed: str, act: str) -> None:
    first, second = added(database, hashed, "first"), added(database, hashed, "second")

    def take_away(view: StaffView) -> Callable[[Tx], StaffView]:
        if act == "disable":
            return lambda tx: disable_staff(tx, by=None, staff_id=view.id)
        return lambda tx: set_role(tx, by=None, staff_id=view.id, role="agent")

    futures = [database.submit(take_away(view)) for view in (first, second)]  # at the same moment
    outcomes = [type(future.exception()).__name__ for future in futures]
    assert sorted(outcomes) == ["DomainError", "NoneType"]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"login": "ab"}, "login_invalid"),
        ({"login": "花子"}, "login_invalid"),
        ({"login": "with space"}, "login_invalid"),
        ({"login": "HANAKO"}, "login_taken"),
        ({"name": " "}, "name_missing"),
        ({"role": "owner"}, "role_unknown"),
        ({"by": AGENT}, "forbidden"),
    ],
)
def test_who_cannot_be_added(database: Database, hashed: str, given: dict[str, Any], code: str) -> None:
    added(database, hashed)
    values = {"by": ADMIN, "login": "jiro", "name": "次郎", "role": "agent", "password_hash": hashed, **given}
    with pytest.raises(DomainError, match=code):
        run(database, lambda tx: add_staff(tx, **values))
    assert len(run(database, list_staff)) == 1


def test_only_admins_change_staff(database: Database, hashed: str) -> None:
    view = added(database, hashed)
    with pytest.raises(DomainError, match="forbidden"):
        run(database, lambda tx: disable_staff(tx, by=AGENT, staff_id=view.id))
    with pytest.raises(DomainError, match="forbidden"):
        run(database, lambda tx: set_role(tx, by=AGENT, staff_id=view.id, role="viewer"))


@pytest.mark.parametrize(
    ("login", "password", "code"),
    [
        ("hanako", "short", "password_too_short"),
        ("hanako", "x" * 201, "password_too_long"),
        ("hanako.tanaka", "Hanako.Tanaka", "password_is_login"),
        ("hanako", "abababababab", "password_too_plain"),
    ],
)
def test_a_password_that_breaks_the_rules_is_not_hashed(login: str, password: str, code: str) -> None:
    with pytest.raises(DomainError, match=code):
        hash_password(SeededIds(), login=login, password=password)


def test_eleven_characters_are_too_few_and_twelve_enough() -> None:
    with pytest.raises(DomainError):
        check_password(login="hanako", password="abcdefghijk")
    check_password(login="hanako", password="abcdefghijkl")
    assert passwords.LEAST_LENGTH == 12


def test_the_trail_is_paged_and_filtered_and_for_admins_only(
    database: Database, clock: ManualClock, hashed: str
) -> None:
    view = added(database, hashed)
    for n in range(5):
        clock.move(timedelta(minutes=1))
        run(
            database,
            lambda tx, n=n: record(
                tx, actor_kind="staff", actor_id=view.id, action=f"act.{n % 2}", subject=f"thing:{n}", member_id=n
            ),
        )
    first = run(database, lambda tx: list_audit(tx, ADMIN, staff_id=view.id, limit=3))
    assert [entry.subject for entry in first.entries] == ["thing:4", "thing:3", "thing:2"]
    assert first.entries[0].staff_login == "hanako"
    rest = run(database, lambda tx: list_audit(tx, ADMIN, staff_id=view.id, before_id=first.before_id, limit=3))
    assert ([entry.subject for entry in rest.entries], rest.before_id) == (["thing:1", "thing:0"], None)
    by_action = run(database, lambda tx: list_audit(tx, ADMIN, action="act.1"))
    assert [entry.subject for entry in by_action.entries] == ["thing:3", "thing:1"]
    by_member = run(database, lambda tx: list_audit(tx, ADMIN, member_id=4))
    assert [entry.subject for entry in by_member.entries] == ["thing:4"]
    since, until = clock.now() - timedelta(minutes=2), clock.now()
    between = run(database, lambda tx: list_audit(tx, ADMIN, since=since, until=until))
    assert [entry.subject for entry in between.entries] == ["thing:3", "thing:2"]
    with pytest.raises(DomainError, match="forbidden"):
        run(database, lambda tx: list_audit(tx, AGENT))


@pytest.fixture
def madoguchi(database: Database) -> Iterator[Callable[..., Result]]:
    """`madoguchi staff …` on the test's database."""

    @contextmanager
    def same_database() -> Iterator[Database]:
        yield database

    def call(*arguments: str, given: str = "") -> Result:
        return CliRunner().invoke(command, arguments, input=io.BytesIO(given.encode()), obj=same_database)

    yield call


def test_the_first_operator_comes_in_by_command(database: Database, madoguchi: Callable[..., Result]) -> None:
    assert "まだいません" in madoguchi("list").output
    done = madoguchi("add", "Taro", "--name", "管理 太郎", "--role", "admin", "--password-stdin", given=PASSWORD + "\n")
    assert (done.exit_code, done.output) == (0, "管理 太郎さん（taro、admin）を登録しました。\n")
    credentials = run(database, lambda tx: find_credentials(tx, login="taro"))
    assert is_password_right(credentials.password_hash, PASSWORD)
    listed = json.loads(madoguchi("list", "--json").output)
    assert [(row["login"], row["role"], row["disabled_at"]) for row in listed] == [("taro", "admin", None)]
    assert "password" not in madoguchi("list", "--json").output


def test_the_command_asks_twice_without_showing(database: Database, madoguchi: Callable[..., Result]) -> None:
    typed = f"{PASSWORD}\nsomething else\n{PASSWORD}\n{PASSWORD}\n"
    done = madoguchi("add", "taro", "--name", "太郎", "--role", "agent", given=typed)
    assert done.exit_code == 0 and "2回の入力が違います" in done.output and PASSWORD not in done.output
    assert run(database, lambda tx: find_staff(tx, login="taro")) is not None


@pytest.mark.parametrize(
    ("arguments", "given", "says"),
    [
        (("add", "taro", "--name", "太郎", "--role", "agent", "--password-stdin"), "short\n", "12文字以上"),
        (("add", "taro", "--name", "太郎", "--role", "agent", "--password-stdin"), "", "標準入力に"),
        (("add", "hanako", "--name", "花", "--role", "agent", "--password-stdin"), f"{PASSWORD}\n", "もう使われて"),
        (("add", "x", "--name", "花", "--role", "agent", "--password-stdin"), f"{PASSWORD}\n", "3〜60文字"),
        (("disable", "nobody"), "", "nobody という運営担当者はいません"),
        (("disable", "hanako"), "", "最後の管理者"),
        (("disable", "hanako", "--lang", "en"), "", "The last admin"),
    ],
)
def test_the_command_refuses_in_plain_words(
    database: Database, hashed: str, madoguchi: Callable[..., Result], arguments: tuple[str, ...], given: str, says: str
) -> None:
    added(database, hashed)
    done = madoguchi(*arguments, given=given)
    assert done.exit_code == 1 and says in done.output and "Traceback" not in done.output
    assert len(run(database, list_staff)) == 1


def test_the_command_disables(database: Database, hashed: str, madoguchi: Callable[..., Result]) -> None:
    added(database, hashed, "boss")
    added(database, hashed)
    assert madoguchi("disable", "hanako").exit_code == 0
    assert "停止" in madoguchi("list").output


def test_the_command_gives_a_new_password_and_ends_log_ins_and_lock(
    database: Database, hashed: str, madoguchi: Callable[..., Result]
) -> None:
    added(database, hashed)
    session = opened(database)
    for _ in range(5):
        log_in(database, right=False)
    assert log_in(database, right=True) is None
    assert madoguchi("password", "nobody", "--password-stdin", given="x\n").exit_code == 1
    short = madoguchi("password", "hanako", "--password-stdin", given="short\n")
    assert short.exit_code == 1 and "12文字以上" in short.output
    done = madoguchi("password", "Hanako", "--password-stdin", given="another long one\n")
    assert done.exit_code == 0 and "another" not in done.output
    assert run(database, lambda tx: find_session(tx, token=session.token)) is None
    credentials = run(database, lambda tx: find_credentials(tx, login="hanako"))
    assert is_password_right(credentials.password_hash, "another long one")
    assert credentials.password_hash.startswith("$argon2id$")
    assert log_in(database, right=True) is not None
    assert "staff.password_reset" in [entry.action for entry in run(database, lambda tx: list_audit(tx, ADMIN)).entries]
