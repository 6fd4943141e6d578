"""The sample data: the shipped files are what the generator makes, and what it makes could be real."""

import csv
import re
from datetime import date, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.commands.sample import sample
from core.contracts.policy import assumed_anchor, extend
from core.exchange.demo import DEMO_EMAIL, DEMO_MEMBER_NO, demo_member
from core.exchange.rows import is_anchor_of
from core.exchange.sample import SampleMember, make_members
from core.profiles.files import load_profile

DAY = date(2026, 11, 22)
SHIPPED = Path(__file__).parents[4] / "samples"
MEMBERS = make_members(1000, seed=1, day=DAY)
CONTRACTS = [contract for member in MEMBERS for contract in member.contracts]


def test_the_shipped_files_are_what_the_command_makes(tmp_path: Path) -> None:
    options = ["--members", "1000", "--seed", "1", "--day", "2026-11-22", "--out", str(tmp_path)]
    assert CliRunner().invoke(sample, options).exit_code == 0
    for name in ("members.csv", "contracts.csv"):
        assert (tmp_path / name).read_bytes() == (SHIPPED / name).read_bytes(), f"remake samples/{name}"


def test_the_same_seed_and_day_give_the_same_members_and_others_do_not() -> None:
    assert make_members(50, seed=1, day=DAY) == MEMBERS[:50]
    assert make_members(50, seed=2, day=DAY) != MEMBERS[:50]
    assert make_members(50, seed=1, day=DAY + timedelta(days=1)) != MEMBERS[:50]


def test_the_files_are_written_as_old_systems_write_them() -> None:
    ours, theirs = (SHIPPED / "members.csv").read_bytes(), (SHIPPED / "contracts.csv").read_bytes()
    assert ours.startswith(b"\xef\xbb\xbf") and ours.count(b"\r\n") == 1001
    assert "髙" in theirs.decode("cp932")
    with pytest.raises(UnicodeDecodeError):
        theirs.decode("shift_jis")
    rows = list(csv.reader(theirs.decode("cp932").splitlines()))
    assert len(rows) == 1 + len(CONTRACTS)


def test_nobody_can_be_reached_by_the_sample() -> None:
    for member in MEMBERS:
        for address in filter(None, (member.email, member.sub_email)):
            assert re.fullmatch(r"[a-z0-9.-]+@example\.(jp|com|org)", address)
        assert re.fullmatch(r"(03|050|080|090)-0000-\d{4}", member.phone)
    assert len({member.email for member in MEMBERS}) == len(MEMBERS)
    assert all(re.fullmatch(r"srv\d{3,4}|[a-z0-9-]+\.example\.(jp|com)", contract.label) for contract in CONTRACTS)


def test_every_expiry_fits_its_anchor_and_every_start_lies_before_it() -> None:
    for contract in CONTRACTS:
        anchor = contract.anchor or assumed_anchor(contract.expires_on).anchor
        assert is_anchor_of(anchor, contract.expires_on), contract
        assert contract.started_on <= contract.expires_on
        assert is_anchor_of(anchor, extend(contract.expires_on, 1, anchor))


def test_the_kinds_of_cases_an_operator_has_are_all_there() -> None:
    ahead = [(contract.expires_on - DAY).days for contract in CONTRACTS]
    assert sum(-7 <= days < 0 for days in ahead) >= 20, "in grace"
    assert sum(days < -7 for days in ahead) >= 10, "over"
    assert sum(0 <= days <= 40 for days in ahead) >= 300, "due soon"
    assert sum(contract.status == "trial" for contract in CONTRACTS) >= 15
    assert sum(contract.status == "cancelled" for contract in CONTRACTS) >= 15
    assert any(contract.anchor == 29 for contract in CONTRACTS) and any(contract.anchor == 31 for contract in CONTRACTS)
    assert any(contract.anchor is None for contract in CONTRACTS)
    assert sum(len(member.contracts) > 1 for member in MEMBERS) >= 300
    assert sum(member.kind == "corporate" for member in MEMBERS) >= 200
    assert any(member.sub_email for member in MEMBERS) and any(member.early_reminder for member in MEMBERS)
    assert any("有限会社" in member.name for member in MEMBERS) and any("株式会社" in member.name for member in MEMBERS)


def test_all_plans_of_the_sample_are_in_the_profile() -> None:
    assert {contract.plan_code for contract in CONTRACTS} <= {
        plan.code for plan in load_profile("renewal-notice").plans
    }


@pytest.mark.parametrize("day", [DAY, date(2027, 1, 31), date(2028, 2, 29), date(2026, 12, 31)])
def test_the_demo_member_has_a_contract_of_each_sort_on_any_day(day: date) -> None:
    member: SampleMember = demo_member(day)
    assert (member.member_no, member.email, member.name) == (DEMO_MEMBER_NO, DEMO_EMAIL, "山田 太郎")
    days = [(contract.expires_on - day).days for contract in member.contracts]
    assert days[0] == 8 and days[1] == 40 and days[3] == -3 and days[4] == 120
    month_end = member.contracts[2]
    assert month_end.anchor == 31 and (month_end.expires_on + timedelta(days=1)).day == 1 and days[2] > 8
    assert all(is_anchor_of(contract.anchor or 0, contract.expires_on) for contract in member.contracts)
