"""Members and contracts come in from files through the command, on both databases (row M12)."""

from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from sqlalchemy import bindparam, func, insert, select

from core.clock import ManualClock
from core.contracts.tables import Contract, ContractChange, Renewal
from core.db import Database, Tx, run
from core.delivery.counters import take_number
from core.exchange.contracts import COLUMNS as CONTRACT_COLUMNS
from core.exchange.contracts import ContractRow
from core.exchange.demo import DEMO_EMAIL, DEMO_MEMBER_NO, fill_demo
from core.exchange.importing import apply_import, plan_import, read_rules
from core.exchange.mapping import MappingFile
from core.exchange.members import COLUMNS as MEMBER_COLUMNS
from core.exchange.members import MemberRow
from core.exchange.reading import read_form
from core.members.tables import Audit, Member
from core.statements import Read, Write
from tests.support.exchange import Importing, importing_into, write_csv

TODAY = date(2026, 11, 22)
SAMPLES = Path(__file__).parents[2] / "samples"
MEMBERS = "会員番号,氏名,フリガナ,メールアドレス,電話番号,早期案内"
TARO = "A-1,山田 太郎,ヤマダ タロウ,taro.yamada@example.jp,090-0000-0001,はい"
HANA = "A-2,株式会社髙﨑①,カブシキガイシャ タカサキ,info@example.com,03-0000-0002,いいえ"
CONTRACTS = "契約番号,会員番号,プラン,契約名,利用期限"


class Count(NamedTuple):
    n: int


class ChangeRow(NamedTuple):
    cause: str
    before: Any
    after: Any


class AuditRow(NamedTuple):
    action: str
    subject: str
    detail: Any


ALL_MEMBERS = Read(MemberRow, select(*(getattr(Member, n) for n in MEMBER_COLUMNS)).order_by(Member.member_no))
ALL_CONTRACTS = Read(
    ContractRow, select(*(getattr(Contract, n) for n in CONTRACT_COLUMNS)).order_by(Contract.contract_no)
)
CHANGES = Read(
    ChangeRow,
    select(ContractChange.cause, ContractChange.before, ContractChange.after).order_by(ContractChange.id),
)
AUDITS = Read(AuditRow, select(Audit.action, Audit.subject, Audit.detail).order_by(Audit.id))
COUNT_MEMBERS = Read(Count, select(func.count(Member.id)))
_RENEWAL = Write(insert(Renewal).values({c.name: bindparam(c.name) for c in Renewal.__table__.columns}))


@pytest.fixture
def importing(database: Database) -> Importing:
    return importing_into(database)


def members(database: Database) -> list[MemberRow]:
    return run(database, lambda tx: tx.all(ALL_MEMBERS))


def contracts(database: Database) -> list[ContractRow]:
    return run(database, lambda tx: tx.all(ALL_CONTRACTS))


def counts(answer: dict[str, Any]) -> tuple[int, int, int, int]:
    return answer["created"], answer["updated"], answer["unchanged"], len(answer["bad"])


def with_members(importing: Importing, folder: Path) -> None:
    assert importing("members", write_csv(folder / "first.csv", MEMBERS, TARO, HANA)).exit_code == 0


def one_contract(importing: Importing, folder: Path, line: str, header: str = CONTRACTS, *more: str) -> ContractRow:
    answer = importing("contracts", write_csv(folder / "c.csv", header, line), *more)
    assert answer.exit_code == 0, answer.output
    return contracts(importing.database)[-1]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
def test_members_come_in_from_every_usual_encoding(importing: Importing, tmp_path: Path, encoding: str) -> None:
    answer = importing("members", write_csv(tmp_path / "m.csv", MEMBERS, TARO, HANA, encoding=encoding))
    assert answer.exit_code == 0, answer.output
    assert {"utf-8": "UTF-8", "utf-8-sig": "BOM", "cp932": "Shift_JIS"}[encoding] in answer.stdout
    taro, hana = members(importing.database)
    assert (taro.member_no, taro.external_key, taro.kind, taro.early_reminder) == ("A-1", "A-1", "individual", True)
    assert taro.name_key == "ヤマダタロウ" and taro.email_key == "taro.yamada@example.jp"
    assert (hana.name, hana.kind, hana.phone, hana.status) == ("株式会社髙﨑①", "corporate", "03-0000-0002", "active")
    assert hana.name_key == "タカサキ"


def test_the_same_file_twice_changes_nothing(importing: Importing, tmp_path: Path) -> None:
    with_members(importing, tmp_path)
    before = members(importing.database)
    assert counts(importing.json("members", tmp_path / "first.csv")) == (0, 0, 2, 0)
    assert members(importing.database) == before
    file = write_csv(
        tmp_path / "c.csv", CONTRACTS, "S1,A-1,ライトプラン,srv001,2026/12/31", "S2,A-2,light,srv002,2026/11/30"
    )
    assert counts(importing.json("contracts", file)) == (2, 0, 0, 0)
    stored = contracts(importing.database)
    assert counts(importing.json("contracts", file)) == (0, 0, 2, 0)
    assert contracts(importing.database) == stored
    assert [change.before for change in run(importing.database, lambda tx: tx.all(CHANGES))] == [{}, {}]


def test_a_changed_row_changes_only_what_changed_and_says_which_fields(importing: Importing, tmp_path: Path) -> None:
    with_members(importing, tmp_path)
    before = members(importing.database)
    line = "A-1,山田 太郎,ヤマダ タロウ,taro.yamada@example.jp,090-0000-9999,"
    answer = importing.json("members", write_csv(tmp_path / "n.csv", MEMBERS, line))
    assert counts(answer) == (0, 1, 0, 0)
    assert answer["changes"] == [{"line": 2, "columns": ["電話番号"]}]
    after = members(importing.database)
    assert after[1] == before[1]
    assert after[0]._replace(phone="", search_text="", updated_at=before[0].updated_at) == before[0]._replace(
        phone="", search_text=""
    )
    assert after[0].phone == "090-0000-9999" and after[0].early_reminder  # an empty cell changes nothing
    entries = run(importing.database, lambda tx: tx.all(AUDITS))
    assert [entry.action for entry in entries] == ["import.done", "member.imported", "import.done"]
    assert entries[1].subject == "member:A-1" and entries[1].detail == {"changed": ["phone"]}
    assert entries[2].detail["updated"] == 1 and "9999" not in str(entries)


def test_a_dry_run_writes_nothing(importing: Importing, tmp_path: Path) -> None:
    answer = importing("members", write_csv(tmp_path / "m.csv", MEMBERS, TARO, HANA), "--dry-run")
    assert answer.exit_code == 0 and "何も書き込んでいません" in answer.stdout
    assert members(importing.database) == [] and run(importing.database, lambda tx: tx.all(AUDITS)) == []


def test_one_bad_row_stops_the_whole_file_unless_bad_rows_are_to_be_skipped(
    importing: Importing, tmp_path: Path
) -> None:
    file = write_csv(tmp_path / "m.csv", MEMBERS, TARO, "A-3,鈴木,スズキ,suzuki@,090-0000-0003,はい", HANA)
    answer = importing("members", file)
    assert answer.exit_code == 1 and "何も書き込んでいません" in answer.stderr
    assert "3行目 メールアドレス「suzuki@」：メールアドレスの形ではありません" in answer.stdout
    assert members(importing.database) == []
    assert importing("members", file, "--skip-bad", "--dry-run").exit_code == 0
    assert members(importing.database) == []
    answer = importing("members", file, "--skip-bad")
    assert answer.exit_code == 0
    assert [member.member_no for member in members(importing.database)] == ["A-1", "A-2"]


def test_every_bad_row_is_listed_with_line_column_value_and_reason(importing: Importing, tmp_path: Path) -> None:
    with_members(importing, tmp_path)
    header = "契約番号,会員番号,プラン,契約名,利用期限,契約開始日,基準日,状態"
    file = write_csv(
        tmp_path / "c.csv",
        header,
        "S1,A-1,light,srv001,2027/2/31,,,",
        "S2,A-9,light,srv002,2027/2/28,,,",
        "S3,A-1,プレミアム,srv003,2027/2/28,,,",
        "S1,A-1,light,srv004,2027/2/28,,,",
        "S5,A-1,light,,2027/2/28,2027/3/1,,",
        "S6,A-1,light,srv006,2027/2/28,,15,",
        ",A-1,light,srv007,2027/2/28,,,",
        "S8,A-1,light,srv008,らいげつ,,32,変",
        "S9,A-1,light,srv009",
        "S10,A-1,light,srv,010,2027/2/28,,,有効",
    )
    answer = importing.json("contracts", file, "--dry-run")
    found = [(bad["line"], bad["column"], bad["code"]) for bad in answer["bad"]]  # type: ignore[attr-defined]
    assert found == [
        (2, "利用期限", "no_such_day"),
        (3, "会員番号", "unknown_member"),
        (4, "プラン", "unknown_plan"),
        (5, "契約番号", "duplicate_key"),
        (6, "契約名", "missing"),
        (6, "契約開始日", "starts_after_expiry"),
        (7, "基準日", "anchor_mismatch"),
        (8, "契約番号", "key_missing"),
        (9, "利用期限", "bad_date"),
        (9, "基準日", "bad_anchor"),
        (9, "状態", "bad_status"),
        (10, "", "ragged"),
        (11, "", "ragged"),
    ]
    reasons = {bad["code"]: bad["reason"] for bad in answer["bad"]}  # type: ignore[attr-defined]
    assert "2行目" in reasons["duplicate_key"] and "ライトプラン(light)" in reasons["unknown_plan"]
    assert importing("contracts", file, "--dry-run").exit_code == 1
    assert 'line 4, プラン "プレミアム": there is no such plan' in importing("contracts", file, "--lang", "en").stdout


def test_a_contract_keeps_its_anchor_or_has_it_assumed_and_listed(importing: Importing, tmp_path: Path) -> None:
    with_members(importing, tmp_path)
    header = CONTRACTS + ",基準日"
    file = write_csv(
        tmp_path / "c.csv",
        header,
        "S1,A-1,light,srv001,2026/11/30,",
        "S2,A-1,light,srv002,2026/11/30,30",
        "S3,A-1,light,srv003,2026/12/31,",
        "S4,A-1,light,srv004,令和9年2月28日,29",
        "S5,A-1,light,srv005,２０２６／１２／１５,",
    )
    answer = importing.json("contracts", file)
    assert [(note["line"], note["code"]) for note in answer["notes"]] == [(2, "anchor_assumed")]  # type: ignore[attr-defined]
    assert [contract.anchor for contract in contracts(importing.database)] == [31, 30, 31, 29, 15]


def test_states_and_reminders_follow_from_the_day_of_the_import(importing: Importing, tmp_path: Path) -> None:
    with_members(importing, tmp_path)
    header = CONTRACTS + ",状態"
    file = write_csv(
        tmp_path / "c.csv",
        header,
        "S1,A-2,light,srv001,2027/3/31,有効",
        "S2,A-2,light,srv002,2026/11/26,有効",
        "S3,A-2,light,srv003,2026/11/22,",
        "S4,A-2,light,srv004,2026/11/15,有効",
        "S5,A-2,light,srv005,2026/11/14,有効",
        "S6,A-2,light,srv006,2026/11/24,お試し",
        "S7,A-2,light,srv007,2027/3/31,解約",
        "S8,A-1,light,srv008,2027/3/31,有効",
    )
    assert counts(importing.json("contracts", file)) == (8, 0, 0, 0)
    found = [(c.status, c.milestone_on, c.ended_on) for c in contracts(importing.database)]
    assert found == [
        ("active", date(2027, 3, 21), None),  # no −40: not asked for
        ("active", date(2026, 11, 26), None),  # −10 and −5 lie before the import
        ("active", date(2026, 11, 22), None),
        ("in_grace", None, None),
        ("ended", None, date(2026, 11, 22)),
        ("trial", date(2026, 11, 23), None),
        ("cancelled", date(2027, 3, 21), None),
        ("active", date(2027, 2, 19), None),  # asked for early reminders
    ]
    assert {c.cycle_born_on for c in contracts(importing.database)} == {TODAY}


def test_an_expiry_moves_on_with_its_file_and_the_change_is_recorded(importing: Importing, tmp_path: Path) -> None:
    with_members(importing, tmp_path)
    old = one_contract(importing, tmp_path, "S1,A-1,light,srv001,2026/11/30")
    new = one_contract(importing, tmp_path, "S1,A-1,standard,srv001,2027/11/30")
    assert (new.expires_on, new.anchor, new.cycle_no) == (date(2027, 11, 30), 31, old.cycle_no + 1)
    assert new.milestone_on == date(2027, 10, 21) and new.plan_code == "standard"
    change = run(importing.database, lambda tx: tx.all(CHANGES))[-1]
    assert change.cause == "import"
    same = {"status": "active", "anchor": 31}
    assert change.before == same | {"plan_code": "light", "expires_on": "2026-11-30", "cycle_no": 1}
    assert change.after == same | {"plan_code": "standard", "expires_on": "2027-11-30", "cycle_no": 2}


def test_an_older_file_never_moves_an_expiry_back_unless_it_is_allowed(importing: Importing, tmp_path: Path) -> None:
    with_members(importing, tmp_path)
    one_contract(importing, tmp_path, "S1,A-1,light,srv001,2027/11/30")
    file = write_csv(tmp_path / "old.csv", CONTRACTS, "S1,A-1,light,srv001-b,2026/11/30")
    answer = importing("contracts", file)
    assert answer.exit_code == 0 and "2027年11月30日" in answer.stdout and "--allow-earlier-expiry" in answer.stdout
    (kept,) = contracts(importing.database)
    assert (kept.expires_on, kept.label, kept.cycle_no) == (date(2027, 11, 30), "srv001-b", 1)
    assert importing("contracts", file, "--allow-earlier-expiry").exit_code == 0
    (moved,) = contracts(importing.database)
    assert (moved.expires_on, moved.cycle_no) == (date(2026, 11, 30), 2)


def test_an_expiry_stays_while_a_renewal_waits_for_its_payment(importing: Importing, tmp_path: Path) -> None:
    with_members(importing, tmp_path)
    contract = one_contract(importing, tmp_path, "S1,A-1,light,srv001,2026/12/15")

    def ask(tx: Tx) -> None:
        given: dict[str, Any] = dict.fromkeys(("term_yen", "daily_days", "daily_yen"), 0)
        given |= {"id": 1, "contract_id": contract.id, "member_id": contract.member_id, "invoice_id": 1, "cycle_no": 1}
        given |= {"plan_code": "light", "term_months": 3, "to_month_end": False, "state": "open", "asked_at": tx.now}
        given |= {"old_expires_on": contract.expires_on, "new_expires_on": date(2027, 3, 15), "new_anchor": 15}
        tx.run(_RENEWAL, **given, closed_at=None)

    run(importing.database, ask)
    answer = importing.json("contracts", write_csv(tmp_path / "n.csv", CONTRACTS, "S1,A-1,light,srv001,2027/12/15"))
    assert [note["code"] for note in answer["notes"]] == ["renewal_open"]  # type: ignore[attr-defined]
    assert contracts(importing.database)[0].expires_on == date(2026, 12, 15)


def test_a_cancellation_here_is_not_undone_by_an_older_file(importing: Importing, tmp_path: Path) -> None:
    with_members(importing, tmp_path)
    header = CONTRACTS + ",状態"
    one_contract(importing, tmp_path, "S1,A-1,light,srv001,2027/3/31,解約", header)
    answer = importing.json("contracts", write_csv(tmp_path / "o.csv", header, "S1,A-1,light,srv001,2027/3/31,有効"))
    assert counts(answer) == (0, 0, 1, 0)
    assert [note["code"] for note in answer["notes"]] == ["status_kept"]  # type: ignore[attr-defined]
    assert contracts(importing.database)[0].status == "cancelled"


def test_time_that_passes_does_not_make_a_row_a_change(
    importing: Importing, tmp_path: Path, clock: ManualClock
) -> None:
    with_members(importing, tmp_path)
    header = CONTRACTS + ",状態"
    file = write_csv(
        tmp_path / "c.csv", header, "S1,A-1,light,srv001,2026/11/25,有効", "S2,A-1,light,s2,2026/10/1,有効"
    )
    assert counts(importing.json("contracts", file)) == (2, 0, 0, 0)
    clock.move(timedelta(days=30))
    answer = importing.json("contracts", file)
    assert counts(answer) == (0, 0, 2, 0) and answer["notes"] == []


def test_asking_for_early_reminders_moves_the_next_one_forward(importing: Importing, tmp_path: Path) -> None:
    with_members(importing, tmp_path)
    assert one_contract(importing, tmp_path, "S1,A-2,light,srv001,2027/3/31").milestone_on == date(2027, 3, 21)
    assert importing("members", write_csv(tmp_path / "n.csv", MEMBERS, HANA.replace("いいえ", "はい"))).exit_code == 0
    assert contracts(importing.database)[0].milestone_on == date(2027, 2, 19)


def test_numbers_of_our_own_are_given_where_the_file_has_none_and_never_twice(
    importing: Importing, tmp_path: Path
) -> None:
    header = "管理番号,会員番号,氏名"
    file = write_csv(tmp_path / "m.csv", header, "k1,,甲 一", "k2,M-000007,乙 二", "k3,,丙 三")
    assert importing("members", file).exit_code == 0
    assert [m.member_no for m in members(importing.database)] == ["M-000007", "M-000008", "M-000009"]
    assert run(importing.database, lambda tx: take_number(tx, series="member")) == 10
    assert counts(importing.json("members", file)) == (0, 0, 3, 0)


def test_a_number_of_somebody_else_is_refused(importing: Importing, tmp_path: Path) -> None:
    with_members(importing, tmp_path)
    file = write_csv(tmp_path / "m.csv", "管理番号,会員番号,氏名", "other,A-1,別 人")
    answer = importing.json("members", file, "--dry-run")
    assert [(bad["column"], bad["code"]) for bad in answer["bad"]] == [("会員番号", "number_taken")]  # type: ignore[attr-defined]


def test_a_mapping_file_names_columns_and_plans(importing: Importing, tmp_path: Path) -> None:
    with_members(importing, tmp_path)
    mapping = tmp_path / "map.toml"
    mapping.write_text(
        '[contracts]\nexternal_key = "コード"\nmember_key = "客"\nexpires_on = "次回"\nlabel = "名"\nplan = "品"\n'
        '[contracts.plans]\n"ライト（旧）" = "light"\n',
        "utf-8",
    )
    file = write_csv(tmp_path / "c.csv", "コード,客,品,名,次回,備考", "9,A-1,ライト(旧),srv001,2027-01-31,x")
    answer = importing("contracts", file, "--mapping", mapping)
    assert answer.exit_code == 0 and "読まない列：備考" in answer.stdout, answer.output
    (contract,) = contracts(importing.database)
    assert (contract.external_key, contract.contract_no, contract.plan_code) == ("9", "C-000001", "light")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[members]\nname = "なまえ"\n', "見出しがファイルにありません"),
        ('[members]\nnmae = "氏名"\n', "項目「nmae」はありません"),
        ("[members]\nname = 3\n", "「name」は、見出しを"),
        ("[members\n", "列の指定ファイルを読めません"),
        ("[contracts]\n", "[members] がありません"),
    ],
)
def test_a_wrong_mapping_file_says_what_is_wrong(importing: Importing, tmp_path: Path, text: str, said: str) -> None:
    mapping = tmp_path / "map.toml"
    mapping.write_text(text, "utf-8")
    answer = importing("members", write_csv(tmp_path / "m.csv", MEMBERS, TARO), "--mapping", mapping)
    assert answer.exit_code == 1 and said in answer.stderr


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "ファイルが空です"),
        (b"\r\n\r\n", "ファイルが空です"),
        ("会員番号,氏名\r\n1,山\0田\r\n".encode(), "2行目に文字ではないデータ"),
        ("会員番号,氏名,氏名\r\n".encode(), "「氏名」が二つあります"),
        ("会員番号,,氏名\r\n".encode(), "2列目が空欄です"),
        ("会員番号,メールアドレス\r\n1,a@example.jp\r\n".encode(), "必要な列がありません：氏名"),
        ("氏名\r\n山田\r\n".encode(), "必要な列がありません：会員番号"),
        ('会員番号,氏名\r\n1,"山田\r\n2,鈴木\r\n'.encode(), '2行目から始まる " が閉じていません'),
        ('会員番号,氏名\r\n1,甲\r\n2,"乙"丙\r\n'.encode(), '3行目の " の使い方'),
        ("会員番号,氏名\r\n1,山田\r\n2,鈴木".encode() + b"\xff\xff\r\n", "3行目に読めない文字があります"),
        (b"PK\x03\x04rest", "CSV UTF-8"),
        ("会員番号,氏名\r\n".encode("utf-16"), "UTF-16"),
    ],
)
def test_a_broken_file_is_refused_with_its_line_and_nothing_is_written(
    importing: Importing, tmp_path: Path, content: bytes, said: str
) -> None:
    file = tmp_path / "broken.csv"
    file.write_bytes(content)
    answer = importing("members", file)
    assert answer.exit_code == 1 and said in answer.stderr, answer.output
    assert members(importing.database) == []


def test_a_header_alone_is_nothing_to_do(importing: Importing, tmp_path: Path) -> None:
    answer = importing("members", write_csv(tmp_path / "m.csv", MEMBERS))
    assert answer.exit_code == 0 and "0行" in answer.stdout


def test_a_missing_file_is_said_so(importing: Importing, tmp_path: Path) -> None:
    answer = importing("members", tmp_path / "none.csv")
    assert answer.exit_code == 1 and "ファイルがありません" in answer.stderr


def test_kinds_to_come_are_said_to_be_missing(importing: Importing, tmp_path: Path) -> None:
    answer = importing("invoices", write_csv(tmp_path / "m.csv", MEMBERS))
    assert answer.exit_code == 2 and "まだできません" in answer.stderr
    assert importing("cats", tmp_path / "m.csv").exit_code == 2


def test_a_run_that_is_killed_half_way_is_finished_by_running_it_again(importing: Importing, tmp_path: Path) -> None:
    lines = [f"K{n:04d},会員 {n},カイイン,k{n}@example.jp,090-0000-{n % 10000:04d},いいえ" for n in range(2500)]
    file = write_csv(tmp_path / "m.csv", MEMBERS, *lines)
    database = importing.database
    rules = run(database, lambda tx: read_rules(tx, importing.profile))
    plan = plan_import(database, kind="members", form=read_form(file), mapping=MappingFile(), rules=rules)

    def die(rows: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        apply_import(database, plan, skip_bad=False, progress=die)
    assert run(database, lambda tx: tx.one(COUNT_MEMBERS)).n == 1000
    assert counts(importing.json("members", file)) == (1500, 0, 1000, 0)
    assert [m.member_no for m in members(database)] == [f"K{n:04d}" for n in range(2500)]


def test_the_shipped_sample_comes_in_whole_and_is_unchanged_the_second_time(importing: Importing) -> None:
    for kind, rows, encoding in (("members", 1000, "utf-8"), ("contracts", None, "cp932")):
        first = importing.json(kind, SAMPLES / f"{kind}.csv")
        assert first["bad"] == [] and first["encoding"] == encoding
        assert first["created"] == first["rows"] and (rows is None or first["rows"] == rows)
        again = importing.json(kind, SAMPLES / f"{kind}.csv")
        assert counts(again) == (0, 0, first["rows"], 0)
    kept = contracts(importing.database)
    assert {c.status for c in kept} == {"trial", "active", "in_grace", "ended", "cancelled"}
    assert all(c.milestone_on is None or c.milestone_on >= TODAY for c in kept)


def test_a_real_run_shows_some_of_many_notes_and_the_dry_run_all(importing: Importing, tmp_path: Path) -> None:
    with_members(importing, tmp_path)
    lines = [f"S{n},A-1,light,srv{n:03d},2026/11/30" for n in range(25)]
    file = write_csv(tmp_path / "c.csv", CONTRACTS, *lines)
    assert importing("contracts", file, "--dry-run").stdout.count("毎月末日") == 25
    answer = importing("contracts", file)
    assert answer.stdout.count("毎月末日") == 20 and "ほか5件" in answer.stdout


@pytest.mark.parametrize("day", [TODAY, date(2027, 1, 31), date(2028, 2, 29)])
def test_the_demo_data_fills_an_empty_database_once(importing: Importing, clock: ManualClock, day: date) -> None:
    clock.set(datetime(day.year, day.month, day.day, 3, tzinfo=UTC))
    fill = partial(fill_demo, profile=importing.profile, day=day)
    assert run(importing.database, fill)
    people, kept = members(importing.database), contracts(importing.database)
    assert len(people) == 40 and (people[0].member_no, people[0].email) == (DEMO_MEMBER_NO, DEMO_EMAIL)
    ours = [c for c in kept if c.member_id == people[0].id]
    assert [c.status for c in ours] == ["active", "active", "active", "in_grace", "active"]
    assert ours[0].milestone_on == day + timedelta(days=3) and ours[1].milestone_on == day
    soon = {c.milestone_on for c in kept if c.milestone_on and c.milestone_on <= day + timedelta(days=3)}
    assert {day + timedelta(days=days) for days in (1, 3)} <= soon
    assert run(importing.database, lambda tx: take_number(tx, series="member")) == 41
    assert run(importing.database, lambda tx: take_number(tx, series="contract")) == len(kept) + 1
    assert not run(importing.database, fill) and len(members(importing.database)) == 40


def test_a_database_that_others_write_to_meanwhile_is_looked_at_again(importing: Importing, tmp_path: Path) -> None:
    file = write_csv(tmp_path / "m.csv", "管理番号,会員番号,氏名", "k1,M-9,甲 一", "k2,M-8,乙 二")
    database = importing.database
    rules = run(database, lambda tx: read_rules(tx, importing.profile))
    plan = plan_import(database, kind="members", form=read_form(file), mapping=MappingFile(), rules=rules)
    assert importing("members", write_csv(tmp_path / "o.csv", "管理番号,会員番号,氏名", "x,M-9,別 人")).exit_code == 0
    tally = apply_import(database, plan, skip_bad=False)
    assert [problem.code for problem in tally.problems] == ["number_taken"] and tally.created == 1
    assert {m.name for m in members(database)} == {"別 人", "乙 二"}


def test_values_that_steer_a_terminal_are_shown_harmless(importing: Importing, tmp_path: Path) -> None:
    file = write_csv(tmp_path / "m.csv", MEMBERS, "A-1,\x1b[2J山田,ヤマダ,a@example.jp,,")
    answer = importing("members", file)
    assert answer.exit_code == 1 and "制御文字" in answer.stdout and "\x1b" not in answer.stdout


def test_contracts_before_their_members_name_the_one_cause_first(importing: Importing) -> None:
    said = importing("contracts", SAMPLES / "contracts.csv", "--dry-run").stdout.splitlines()
    at = said.index("取り込めない行（1997行）")
    assert said[at + 1].strip() == (
        "多くの行（1,997件）が同じ理由です：この番号の会員が登録されていません。先に会員を取り込んでください"
    )


def test_reservations_under_a_profile_without_any_are_refused_as_a_whole(importing: Importing) -> None:
    done = importing("reservations", SAMPLES / "reservations.csv", "--dry-run")
    assert done.exit_code == 1 and "MADOGUCHI_PROFILE=facility" in done.stderr
    assert done.stdout == ""
