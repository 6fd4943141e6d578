"""`madoguchi profile`: exit codes, what goes to which stream, and what programs may read."""

import json
from pathlib import Path

from click.testing import CliRunner

from bot.commands.profile import profile
from core.profiles.files import SHIPPED

SAMPLE = SHIPPED / "renewal-notice.toml"


def test_list_names_the_shipped_profiles() -> None:
    result = CliRunner().invoke(profile, ["list"])
    assert result.exit_code == 0
    assert "renewal-notice  更新案内型レンタルサーバー" in result.stdout
    listed = json.loads(CliRunner().invoke(profile, ["list", "--json"]).stdout)
    assert [row["name"] for row in listed] == sorted(file.stem for file in SHIPPED.glob("*.toml"))


def test_show_prints_rules_and_prices_people_can_read() -> None:
    result = CliRunner(env={"COLUMNS": "160"}).invoke(profile, ["show", "renewal-notice"])
    assert result.exit_code == 0
    for expected in ("12,000円", "スタンダードプラン", "-40, -10, -5, 0, 1", "銀行振込", "0012345", "お試し"):
        assert expected in result.stdout


def test_show_cuts_nothing_off_in_a_narrow_terminal() -> None:
    result = CliRunner(env={"COLUMNS": "60"}).invoke(profile, ["show", "renewal-notice"])
    assert result.exit_code == 0
    assert "…" not in result.stdout


def test_show_as_json_is_the_whole_profile() -> None:
    shown = json.loads(CliRunner().invoke(profile, ["show", "renewal-notice", "--json"]).stdout)
    assert shown["reminders"]["send_at"] == "10:00"
    assert shown["support"]["first_answer"] == "8h business"
    assert shown["plans"][1]["prices"][3] == {"term_months": 12, "yen": 12_000, "valid_from": "2024-04-01"}


def test_show_of_an_unknown_profile_fails_on_stderr() -> None:
    result = CliRunner().invoke(profile, ["show", "renewal"])
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "renewal-notice" in result.stderr


def test_check_of_a_sound_file_says_so() -> None:
    result = CliRunner().invoke(profile, ["check", str(SAMPLE)])
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("問題ありません: renewal-notice")


def test_check_names_file_line_and_reason_on_stderr_and_fails(tmp_path: Path) -> None:
    text = SAMPLE.read_text("utf-8").replace("deadline_days", "deadline_dais")
    file = tmp_path / "own.toml"
    file.write_text(text, "utf-8")
    line = text[: text.index("deadline_dais")].count("\n") + 1
    result = CliRunner().invoke(profile, ["check", str(file)])
    assert result.exit_code == 1
    assert result.stdout == ""
    assert f"{file}:{line}: payment.deadline_dais: " in result.stderr
    assert "「deadline_days」ではありませんか" in result.stderr
    found = json.loads(CliRunner().invoke(profile, ["check", str(file), "--json"]).stdout)
    assert [(row["line"], row["path"]) for row in found] == [(line, "payment.deadline_dais")]


def test_check_lets_a_warning_pass_but_shows_it(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text(SAMPLE.read_text("utf-8").replace("T9000000000009", "T1000000000009"), "utf-8")
    result = CliRunner().invoke(profile, ["check", str(file)])
    assert result.exit_code == 0
    assert "注意: 登録番号" in result.stderr


def test_check_of_what_is_no_file_fails_without_a_traceback(tmp_path: Path) -> None:
    for given in (str(tmp_path), str(tmp_path / "gone.toml"), "gone", "a\0b.toml", ""):
        result = CliRunner().invoke(profile, ["check", given])
        assert result.exit_code == 1
        assert isinstance(result.exception, SystemExit)
        assert result.stderr
