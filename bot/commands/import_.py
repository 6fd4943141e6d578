"""`madoguchi import KIND FILE`: members, contracts and reservations of the old system into Madoguchi (row M12)."""

import sqlite3
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import click
import orjson
import psycopg
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from bot.commands import load_settings, profile_of
from bot.commands.opened import opened_database
from bot.wording import Wording
from core.db import Database, run
from core.errors import DomainError
from core.exchange.importing import KINDS, ImportPlan, Tally, apply_import, plan_import, read_rules
from core.exchange.mapping import MappingFile, read_mapping
from core.exchange.reading import Encoding, FileForm, read_form
from core.profiles.catalogue import ensure_catalogue
from core.profiles.model import Profile

LATER_KINDS = ("invoices", "events", "faq")
COMMON_FROM = 10  # so many bad cells of one cause are one thing to mend, which is said first
NOTES_SHOWN = 20  # in a real run; the dry run lists all
MEGABYTE = 1024 * 1024
Opened = tuple[Database, Profile]
Open = Callable[[], AbstractContextManager[Opened]]


@dataclass(frozen=True, slots=True)
class Wishes:
    """The options of one call."""

    kind: str
    file: Path
    mapping: Path | None
    encoding: Encoding
    dry_run: bool
    skip_bad: bool
    allow_earlier: bool
    as_json: bool


@contextmanager
def open_as_set() -> Iterator[Opened]:
    """The database and profile of the settings."""
    settings = load_settings()
    with opened_database(settings) as database:
        yield database, profile_of(settings)


@click.command("import")
@click.argument("kind", metavar="members|contracts|reservations")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--mapping", type=click.Path(path_type=Path), help="列の指定（TOML） / which column holds what")
@click.option("--encoding", type=click.Choice(["auto", "utf-8", "cp932"]), default="auto", help="文字コード / encoding")
@click.option("--dry-run", is_flag=True, help="確認だけ。書き込まない / check only, write nothing")
@click.option("--skip-bad", is_flag=True, help="よい行だけ取り込む / import the good rows only")
@click.option("--allow-earlier-expiry", "allow_earlier", is_flag=True, help="期限を前に戻す / let expiries move back")
@click.option("--json", "as_json", is_flag=True, help="機械で読む形で出す / for programs")
@click.option("--lang", type=click.Choice(["ja", "en"]), default="ja", help="表示の言語 / language")
@click.pass_context
def import_(context: click.Context, /, lang: str, **options: object) -> None:
    """会員・契約・予約のCSVを取り込む / Import members, contracts or reservations from a CSV file.

    まず --dry-run で確かめてください。取り込めない行が一つでもあれば、何も書き込みません。
    同じファイルを何度取り込んでも結果は同じです。空欄は「変更なし」です。
    """
    wishes = Wishes(**options)  # type: ignore[arg-type]  # click has checked them
    words = Wording(lang)
    if wishes.kind not in KINDS:
        if wishes.kind not in LATER_KINDS:
            raise click.BadParameter(f"{wishes.kind} ({'|'.join(KINDS)})", param_hint="KIND")
        click.echo(words("import.not_available", kind=wishes.kind, known="、".join(KINDS)), err=True)
        sys.exit(2)
    try:
        sys.exit(_import(wishes, words, cast("Open", context.obj or open_as_set)))
    except DomainError as error:
        data = {**error.data, "max_mb": cast("int", error.data.get("max_bytes", 0)) // MEGABYTE}
        click.echo(words(f"import.refused.{error.code}", **data), err=True)
        sys.exit(1)
    except (sqlite3.Error, psycopg.Error) as error:  # whole chunks are written, nothing of the one under way
        click.echo(words("import.interrupted", error=str(error).strip()), err=True)
        sys.exit(1)


def _import(wishes: Wishes, words: Wording, open_: Open) -> int:
    """Plan, tell, write; the exit code."""
    form = read_form(wishes.file, wishes.encoding)
    mapping = read_mapping(wishes.mapping, wishes.kind) if wishes.mapping else MappingFile()
    with open_() as (database, profile):
        rules = database.submit_read(lambda tx: read_rules(tx, profile)).result()
        with _progress(words("import.reading"), form.line_count) as advance:
            plan = plan_import(
                database,
                kind=wishes.kind,
                form=form,
                mapping=mapping,
                rules=rules,
                allow_earlier=wishes.allow_earlier,
                progress=advance,
            )
        blocked = bool(plan.tally.problems) and not wishes.skip_bad
        done: Tally | None = None
        if not wishes.dry_run and not blocked:
            run(database, lambda tx: ensure_catalogue(tx, profile=profile), name="catalogue")
            with _progress(words("import.writing"), len(plan.rows)) as advance:
                done = apply_import(database, plan, skip_bad=wishes.skip_bad, progress=advance)
    _show = _show_json if wishes.as_json else _show_text
    _show(plan, done, words, dry_run=wishes.dry_run)
    if blocked and not wishes.dry_run:
        click.echo(words("import.nothing_written"), err=True)
    if done is not None and done.problems:
        click.echo(words("import.late", n=len(done.problems)), err=True)
    return 1 if blocked or (done is not None and done.problems) else 0


@contextmanager
def _progress(title: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal's error output; nothing elsewhere."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(title, total=total)
        yield lambda rows: progress.advance(task, rows)


def _reason(words: Wording, group: str, code: str, data: dict[str, object]) -> str:
    if "status" in data:
        data["status_name"] = words(f"import.status.{data['status']}")
    return words(f"import.{group}.{code}", **data)


def _problem_lines(tally: Tally, words: Wording) -> list[str]:
    lines = []
    for line, column, value, code, data in tally.problems:
        key = "problem" if value else "problem_empty" if column else "problem_row"
        reason = _reason(words, "reason", code, dict(data))
        lines.append(words(f"import.{key}", line=line, column=column, value=_short(value), reason=reason))
    return lines


def _common_cause(tally: Tally, words: Wording) -> list[str]:
    """The one reason that most of many bad cells have, such as members that were not imported first; empty if none."""
    said = Counter(_reason(words, "reason", code, dict(data)) for _, _, _, code, data in tally.problems)
    for reason, n in said.most_common(1):
        if n >= COMMON_FROM and n * 2 > len(tally.problems):
            return [words("import.common_cause", n=f"{n:,}", reason=reason), ""]
    return []


def _note_lines(tally: Tally, words: Wording) -> list[str]:
    return [
        words("import.note", line=line, column=column, reason=_reason(words, "noted", code, dict(data)))
        for line, column, code, data in tally.notes
    ]


def _short(value: str, longest: int = 60) -> str:
    """A cell on one line of a terminal, without what could steer it."""
    shown = "".join(c if c.isprintable() else "�" for c in value)
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


def _form_text(form: FileForm, words: Wording) -> dict[str, str]:
    name = words("import.cp932" if form.encoding == "cp932" else "import.utf8_bom" if form.bom else "import.utf8")
    return {
        "file": form.path.name,
        "encoding": words("import.encoding_found", encoding=name) if form.detected else name,
        "delimiter": words("import.tab" if form.delimiter == "\t" else "import.comma"),
    }


def _show_text(plan: ImportPlan, done: Tally | None, words: Wording, *, dry_run: bool) -> None:
    tally = done or plan.tally
    joint = "、" if words.language == "ja" else ", "
    click.echo(words("import.title", **_form_text(plan.form, words), rows=f"{plan.row_count:,}"))
    if plan.context.layout.ignored:
        click.echo(words("import.ignored", columns=joint.join(plan.context.layout.ignored)))
    changes = [words("import.change", line=c.line, columns=joint.join(c.columns)) for c in tally.changes]
    problems = (
        _common_cause(plan.tally, words)
        + _problem_lines(plan.tally, words)
        + (_problem_lines(done, words) if done else [])
    )
    bad = len({problem.line for problem in plan.tally.problems + (done.problems if done else [])})
    _section(words("import.problems", n=bad), problems)
    notes = _note_lines(tally, words)
    if not dry_run and len(notes) > NOTES_SHOWN:
        notes[NOTES_SHOWN:] = [words("import.more", n=len(notes) - NOTES_SHOWN)]
    _section(words("import.notes", n=len(tally.notes)), notes)
    if dry_run:
        _section(words("import.changes", n=len(changes)), changes)
    table = Table(title=words("import.did" if done else "import.would"), title_justify="left")
    for key in ("created", "updated", "unchanged", "bad"):
        table.add_column(words(f"import.{key}"), justify="right")
    table.add_row(f"{tally.created:,}", f"{len(changes):,}", f"{tally.unchanged:,}", f"{bad:,}")
    Console(file=sys.stdout, highlight=False, markup=False).print(table)
    if dry_run:
        click.echo(words("import.dry_run"))


def _section(title: str, lines: list[str]) -> None:
    if lines:
        click.echo(f"\n{title}")
        click.echo("\n".join(f"  {line}" for line in lines))


def _show_json(plan: ImportPlan, done: Tally | None, words: Wording, *, dry_run: bool) -> None:
    tally = done or plan.tally
    late = done.problems if done else []
    answer = {
        "kind": plan.kind,
        "encoding": plan.form.encoding,
        "bom": plan.form.bom,
        "delimiter": plan.form.delimiter,
        "rows": plan.row_count,
        "written": done is not None,
        "dry_run": dry_run,
        "created": tally.created,
        "updated": len(tally.changes),
        "unchanged": tally.unchanged,
        "changes": [{"line": line, "columns": columns} for line, columns in tally.changes],
        "bad": [
            {
                "line": line,
                "column": column,
                "value": value,
                "code": code,
                "reason": _reason(words, "reason", code, dict(data)),
            }
            for line, column, value, code, data in plan.tally.problems + late
        ],
        "notes": [
            {"line": line, "column": column, "code": code, "reason": _reason(words, "noted", code, dict(data))}
            for line, column, code, data in tally.notes
        ],
        "ignored_columns": plan.context.layout.ignored,
    }
    click.echo(orjson.dumps(answer, option=orjson.OPT_INDENT_2).decode())
