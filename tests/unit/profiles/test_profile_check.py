"""Whatever is wrong in a profile file is named with file, line and a reason people understand."""

import random
from pathlib import Path

import pytest

from core.profiles.files import SHIPPED, ProfileError, ProfileProblem, check_profile, load_profile
from core.profiles.rules import is_check_digit_right

SAMPLE = (SHIPPED / "renewal-notice.toml").read_text("utf-8")


def _write(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "own.toml"
    file.write_text(text, "utf-8")
    return file


def _changed(tmp_path: Path, old: str, new: str) -> tuple[Path, int]:
    """The sample with the first `old` replaced, and the line where the replacement begins."""
    assert old in SAMPLE
    file = _write(tmp_path, SAMPLE.replace(old, new, 1))
    return file, SAMPLE[: SAMPLE.index(old)].count("\n") + 1


def _only(problems: list[ProfileProblem]) -> ProfileProblem:
    assert len(problems) == 1, [str(problem) for problem in problems]
    return problems[0]


def test_a_problem_reads_like_a_compilers_message(tmp_path: Path) -> None:
    file, line = _changed(tmp_path, "terms = [1, 3, 6, 12, 24, 36, 60]", "terms = [0, 1, 3, 6, 12, 24, 36, 60]")
    assert str(_only(check_profile(file))) == (
        f"{file}:{line}: renewal.terms[1]: 契約期間（月数）は1以上120以下の整数で指定してください"
        " (a term in months must be a whole number from 1 to 120)"
    )


@pytest.mark.parametrize(
    ("old", "new", "path", "reason"),
    [
        ('code = "member-number"', 'code = "password"', "faq[2].code", "二度"),
        ('code = "member-number"', 'code = "Number"', "faq[2].code", "半角"),
        ('ja = "会員番号が分からないときは"', f'ja = "{"あ" * 81}"', "faq[2].question.ja", "80文字以内"),
        ('ja = "会員番号が分からないときは"', 'ja = " "', "faq[2].question.ja", "空のまま"),
        ('"ログインID", ', f'"{"あ" * 41}", ', "faq[2].keywords[2]", "40文字以内"),
        ('"ログインID", ', ", ".join(f'"語{n}"' for n in range(20)) + ", ", "faq[2].keywords", "20個まで"),
        ("grace_days = 7", "grase_days = 7", "renewal.grase_days", "「grace_days」ではありませんか"),
        ("[reminders]", "[reminder]", "reminder", "「reminders」ではありませんか"),
        ('phone = "0120-000-000"', 'phone = "電話"', "operator.phone", "0120-000-000 の形"),
        ('phone = "0120-000-000"', "phone = 120", "operator.phone", "引用符"),
        ("yen = 1_500", "yen = -1", "plans[1].prices[1].yen", "0以上"),
        ("yen = 1_500", "yen = 1500.0", "plans[1].prices[1].yen", "整数"),
        ("yen = 1_500", "yen = true", "plans[1].prices[1].yen", "整数"),
        ("term_months = 3, yen = 1_500", "term_months = 1, yen = 1_500", "plans[1].prices[1].term_months", "1か月は"),
        ("term_months = 6, yen = 2_880", "term_months = 3, yen = 2_880", "plans[1].prices[2]", "二度"),
        ("valid_from = 2024-04-01", 'valid_from = "2024-04-01"', "plans[1].prices[1].valid_from", "引用符なし"),
        ("terms = [3, 6, 12, 24, 36]", "terms = [3, 6, 12, 36, 24]", "plans[1].terms[5]", "短いものから"),
        ('code = "standard"', 'code = "light"', "plans[2].code", "二度"),
        ('code = "standard"', 'code = "スタンダード"', "plans[2].code", "半角"),
        ('kind = "ssl"', 'kind = "tls"', "plans[6].kind", "'server'"),
        ("milestones = [-40, -10, -5, 0, 1]", "milestones = [-40, -5, -10, 0, 1]", "reminders.milestones[3]", "早い"),
        ("milestones = [-40, -10, -5, 0, 1]", "milestones = [-40, -10, -10, 0]", "reminders.milestones[3]", "重なら"),
        ("milestones = [-40, -10, -5, 0, 1]", "milestones = [-40, 0, 8]", "reminders.milestones[3]", "猶予期間"),
        ("on_request = [-40]", "on_request = [-30]", "reminders.on_request[1]", "milestones にありません"),
        ('send_at = "10:00"', 'send_at = "25:00"', "reminders.send_at", "24時間制"),
        ('send_at = "10:00"', 'send_at = "20:45"', "reminders.send_at", "通知しない時間帯"),
        ('quiet_until = "08:00"', 'quiet_until = "21:00"', "reminders.quiet_until", "同じ"),
        ("window_days_after_expiry = 7", "window_days_after_expiry = 8", "renewal.window_days_after_expiry", "終了"),
        ("milestones = [-4, -1, 0]", "milestones = [-14, 0]", "trial.milestones[1]", "お試しが始まって"),
        ("automatic = false", "automatic = true", "payment.methods[1].automatic", "自動更新には使えません"),
        ("manual = true", "manual = false", "payment.methods[1].manual", "使われません"),
        ('number = "0012345"', 'number = "12345"', "payment.bank_accounts[1].number", "7桁"),
        ('kind = "普通"', 'kind = "ふつう"', "payment.bank_accounts[1].kind", "'普通'"),
        ('tax_rounding = "floor"', 'tax_rounding = "down"', "tax_rounding", "'floor'"),
        ("price_includes_tax = false", 'price_includes_tax = "no"', "price_includes_tax", "true か false"),
        ('first_answer = "8h business"', 'first_answer = "soon"', "support.first_answer", "8h business"),
        ('queue = "accounting"', 'queue = "keiri"', "support.kinds[1].queue", "accounting"),
        ('closes_at = "18:00"', 'closes_at = "09:00"', "support.business_hours.closes_at", "開始時刻より後"),
        ('lunch_from = "12:00"', "", "support.business_hours.lunch_until", "両方"),
        ("codes_per_member_day = 10", "codes_per_member_day = 2", "linking.codes_per_member_day", "1時間の回数"),
        ('ja = "銀行振込"', 'ja = " "', "payment.methods[1].name.ja", "空のまま"),
        ("[wording.ja]", "[wording.ja]\nrenew.done = 'x'", "wording.ja.renew", "引用符で囲んで"),
        ("[wording.en]", "[wording.fr]", "wording.fr", "という項目はありません"),
    ],
)
def test_a_mistake_is_named_with_its_path_and_reason(
    tmp_path: Path, old: str, new: str, path: str, reason: str
) -> None:
    file, line = _changed(tmp_path, old, new)
    problems = check_profile(file)
    found = [problem for problem in problems if problem.path == path]
    assert found, [str(problem) for problem in problems]
    assert reason in found[0].reason
    assert found[0].reason_en
    assert (found[0].file, found[0].severity) == (str(file), "error")
    assert found[0].line is not None
    assert abs(found[0].line - line) <= 1
    with pytest.raises(ProfileError, match=reason):
        load_profile(file)


def test_a_misspelt_key_is_told_once_and_not_also_as_missing(tmp_path: Path) -> None:
    file, line = _changed(tmp_path, "grace_days = 7", "grase_days = 7")
    problem = _only(check_profile(file))
    assert (problem.line, problem.column) == (line, 1)


def test_a_missing_key_is_told_at_the_line_of_its_table(tmp_path: Path) -> None:
    file, _ = _changed(tmp_path, "window_days_after_expiry = 7", "")
    problem = _only(check_profile(file))
    assert problem.path == "renewal.window_days_after_expiry"
    assert problem.line == SAMPLE[: SAMPLE.index("[renewal]")].count("\n") + 1
    assert "必須" in problem.reason


def test_all_mistakes_are_told_in_one_run_in_the_files_order(tmp_path: Path) -> None:
    text = SAMPLE.replace('send_at = "10:00"', 'send_at = "10時"').replace("yen = 12_000", "yen = -5")
    text = text.replace("price_includes_tax = false", "price_includes_tax = 0")
    problems = check_profile(_write(tmp_path, text))
    assert [problem.path for problem in problems] == [
        "price_includes_tax",
        "reminders.send_at",
        "plans[2].prices[4].yen",
    ]


def test_bank_transfer_without_an_account_is_refused(tmp_path: Path) -> None:
    start, end = SAMPLE.index("[[payment.bank_accounts]]"), SAMPLE.index("# ── 連携")
    problem = _only(check_profile(_write(tmp_path, SAMPLE[:start] + SAMPLE[end:])))
    assert problem.path == "payment.bank_accounts"
    assert problem.line == SAMPLE[: SAMPLE.index("[payment]")].count("\n") + 1


def test_a_trial_plan_without_the_trial_table_is_refused(tmp_path: Path) -> None:
    start, end = SAMPLE.index("[trial]"), SAMPLE.index("# ── お支払い")
    problems = check_profile(_write(tmp_path, SAMPLE[:start] + SAMPLE[end:]))
    assert [problem.path for problem in problems] == [f"plans[{n}].trial_offered" for n in (1, 2, 3)]


def test_a_wrong_check_digit_is_only_warned_about(tmp_path: Path) -> None:
    file, line = _changed(tmp_path, "T9000000000009", "T1000000000009")
    problem = _only(check_profile(file))
    assert (problem.severity, problem.line, problem.path) == ("warning", line, "operator.registration_number")
    assert load_profile(file).operator.registration_number == "T1000000000009"


@pytest.mark.parametrize("number", ["T8700110005901", "T7000012050002"])
def test_published_corporate_numbers_have_a_right_check_digit(number: str) -> None:
    assert is_check_digit_right(number)
    assert not is_check_digit_right(f"T{(int(number[1]) + 1) % 10}{number[2:]}")


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("a = 1\na = 2\n", 2, "二度"),
        ("[t]\nx = 1\n[t]\n", 3, "二度"),
        ("a = [1,\n2", 2, "閉じて"),
        ('a = 1\nb = "x\nc = 2', 2, "引用符"),
        ("a = 1\nb = １\n", 2, "半角"),
        ("a = 1\nキー = 1\n", 2, "項目名"),
        ("a = 1\nb\n", 2, "「=」"),
        ("x = 1\na = 2026-02-31\n", 2, "日付"),
    ],
)
def test_a_syntax_error_is_named_with_its_line(tmp_path: Path, text: str, line: int, reason: str) -> None:
    problem = _only(check_profile(_write(tmp_path, text)))
    assert problem.line == line
    assert reason in problem.reason


def test_files_that_are_no_profile_are_refused_in_plain_words(tmp_path: Path) -> None:
    assert "見つかりません" in _only(check_profile(tmp_path / "gone.toml")).reason
    assert "フォルダー" in _only(check_profile(tmp_path)).reason
    assert "何も書かれて" in _only(check_profile(_write(tmp_path, "# nothing\n"))).reason
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"a = 1\nb = \xff\xfe\x00\xff")
    problem = _only(check_profile(binary))
    assert problem.line == 2
    assert "UTF-8ではありません" in problem.reason
    sjis = tmp_path / "sjis.toml"
    sjis.write_bytes(SAMPLE.replace("〜", "-").replace("–", "-").replace("─", "-").encode("cp932"))
    assert "Shift_JIS" in _only(check_profile(sjis)).reason
    huge = tmp_path / "huge.toml"
    huge.write_bytes(b"#" * 1_000_001)
    assert "1MB" in _only(check_profile(huge)).reason


def test_a_file_from_windows_is_read_with_its_mark_and_line_ends(tmp_path: Path) -> None:
    file = tmp_path / "windows.toml"
    file.write_bytes(b"\xef\xbb\xbf" + SAMPLE.replace("\n", "\r\n").encode())
    assert check_profile(file) == []
    assert load_profile(file) == load_profile("renewal-notice")


def test_an_unknown_name_lists_the_shipped_ones() -> None:
    with pytest.raises(ProfileError, match="renewal-notice"):
        load_profile("renewal")


OWN = {"ja": {"renew.done": "{expires_on:date}まで更新しました"}, "en": {"renew.done": "Renewed to {expires_on:date}"}}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('"renew.don" = "x"', "renew.done"),
        ('"renew.done" = "{total:yen}です"', "total を使えません（使えるもの: expires_on）"),
        ('"renew.done" = "{expires_on"', "波かっこ"),
    ],
)
def test_wording_that_could_not_be_shown_is_refused(tmp_path: Path, line: str, reason: str) -> None:
    file, at = _changed(tmp_path, "[wording.ja]\n", f"[wording.ja]\n{line}\n")
    problem = _only(check_profile(file, OWN))
    assert problem.line == at + 1
    assert reason in problem.reason


def test_wording_with_the_texts_own_placeholders_is_used(tmp_path: Path) -> None:
    file, _ = _changed(tmp_path, "[wording.ja]\n", '[wording.ja]\n"renew.done" = "{expires_on:date}までです"\n')
    assert check_profile(file, OWN) == []
    profile = load_profile(file)
    assert profile.find_wording("renew.done", "ja") == "{expires_on:date}までです"
    assert profile.find_wording("renew.done", "en") is None


def test_a_damaged_file_is_always_answered_with_lines_that_exist(tmp_path: Path) -> None:
    dice = random.Random(20261122)
    refused = 0
    for _ in range(150):
        at = dice.randrange(len(SAMPLE))
        text = SAMPLE[:at] + dice.choice(list("\"'[]{}=.,\n#0a\\")) + SAMPLE[at + dice.choice([0, 1, 5]) :]
        problems = check_profile(_write(tmp_path, text))
        refused += bool(problems)
        assert all(1 <= (problem.line or 1) <= text.count("\n") + 1 for problem in problems)
    assert refused > 50
