"""Any file is read or refused with its line; what was written comes back cell by cell (row M12)."""

import ast
import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.wording import texts
from core.errors import DomainError
from core.exchange.reading import read_csv, read_form

CELLS = st.text("あア漢髙①,\t\"\n\r 'aZ09ー－～", max_size=12)
EXCHANGE = Path(__file__).parents[2] / "core" / "exchange"
CALLS = {  # who takes a code as which argument, and where its words stand
    "BadValueError": (0, "reason"),
    "parse_word": (2, "reason"),
    "refuse": (1, "reason"),
    "_note": (2, "reason"),
    "Problem": (3, "reason"),
    "Note": (2, "noted"),
    "DomainError": (0, "refused"),
}
FOLDER_KEPT = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)


def codes(path: Path) -> Iterator[tuple[str, str]]:
    """Every code in a call that takes one."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            place, group = CALLS.get(name, (0, ""))
            for part in ast.walk(node.args[place]) if group and len(node.args) > place else ():
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    yield group, part.value


@given(st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=8), st.sampled_from(["utf-8", "utf-8-sig", "cp932"]))
@FOLDER_KEPT
def test_what_was_written_comes_back_with_its_line(tmp_path: Path, rows: list[tuple[str, ...]], encoding: str) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["番号", "氏名", "備考"])
    starts = []
    for row in rows:
        starts.append(len(re.findall(r"\r\n|\r|\n", text.getvalue())) + 1)
        writer.writerow(row)
    file = tmp_path / "any.csv"
    file.write_bytes(text.getvalue().encode(encoding))
    form = read_form(file)
    assert form.header == ("番号", "氏名", "備考") and form.encoding == encoding.removesuffix("-sig")
    expected = [(line, list(row)) for line, row in zip(starts, rows, strict=True) if any(cell.strip() for cell in row)]
    assert [(record.line, record.cells) for record in read_csv(form)] == expected


@given(st.binary(max_size=300))
@FOLDER_KEPT
def test_any_bytes_are_read_or_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "any.csv"
    file.write_bytes(content)
    try:
        assert all(record.cells for record in read_csv(read_form(file)))
    except DomainError as refused:
        assert f"import.refused.{refused.code}" in texts("ja")


def test_a_file_of_several_blocks_with_a_damaged_byte_names_the_right_line(tmp_path: Path) -> None:
    line = "1,山田太郎さんの備考はとても長い文章です\r\n".encode()
    file = tmp_path / "big.csv"
    content = "番号,氏名\r\n".encode() + line * 60_000
    file.write_bytes(content + b"2,\xe5\xff\r\n" + line)
    assert file.stat().st_size > 3 * 1024 * 1024
    with pytest.raises(DomainError) as refused:
        read_form(file)
    assert (refused.value.code, refused.value.data["line"]) == ("file_encoding", 60_002)
    file.write_bytes(content)
    assert read_form(file).line_count == 60_001


def test_tabs_and_blank_lines_and_excels_empty_columns(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_bytes("\r\n番号\t氏名\t\t\r\n\r\n1\t山田, 太郎\t\t\r\n\t\t\t\r\n2\t鈴木\t\t\r\n".encode("cp932"))
    form = read_form(file)
    assert (form.delimiter, form.header) == ("\t", ("番号", "氏名"))
    assert [(record.line, record.cells[1]) for record in read_csv(form)] == [(4, "山田, 太郎"), (6, "鈴木")]


def test_every_reason_has_its_words_in_both_languages() -> None:
    found = {f"import.{group}.{code}" for path in EXCHANGE.glob("*.py") for group, code in codes(path)}
    assert len(found) > 45, found
    known = texts("ja").keys()
    assert found - known == {"import.refused.bad_rows"}  # the command says it in its own way
    ours = {key for key in known if key.startswith("import.")}
    assert ours == {key for key in texts("en") if key.startswith("import.")}
