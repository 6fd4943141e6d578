"""`madoguchi staff add|list|disable|password`: who may log in to the desk; the first operator comes in by this command."""

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import NoReturn

import click
import orjson

from bot.commands.opened import opened_database
from bot.wording import Wording
from core.db import Database, run
from core.errors import DomainError
from core.ids import SystemIds
from core.members.identities import drop_identity, set_identity
from core.members.passwords import check_password, hash_password
from core.members.roles import ROLES
from core.members.staff import add_staff, disable_staff, find_staff, fold_login, list_staff, reset_password

OpenDatabase = Callable[[], AbstractContextManager[Database]]
language_option = click.option("--lang", type=click.Choice(["ja", "en"]), default="ja", help="表示の言語 / language")


@click.group()
def staff() -> None:
    """運営担当者（デスクに入る人） / People who log in to the desk."""


@staff.command("add")
@click.argument("login")
@click.option("--name", required=True, help="氏名（会員にも見えます） / name, which members see too")
@click.option("--role", type=click.Choice(ROLES), required=True, help="役割 / role")
@click.option("--password-stdin", is_flag=True, help="パスワードを標準入力から読む / read the password from stdin")
@language_option
@click.pass_context
def add_command(
    context: click.Context, /, *, login: str, name: str, role: str, password_stdin: bool, lang: str
) -> None:
    """運営担当者を登録する。パスワードは2回たずねます / Add somebody; the password is asked for twice."""
    w = Wording(lang)
    try:
        password = _password_from_stdin(w) if password_stdin else _password_asked(w, login)
        hashed = hash_password(SystemIds(), login=fold_login(login), password=password)
        with _open(context) as database:
            added = run(
                database,
                lambda tx: add_staff(
                    tx, by=None, login=login, name=name, role=role, password_hash=hashed, language=lang
                ),
                name="staff add",
            )
    except DomainError as error:
        _refuse(w, error)
    click.echo(w("staff.added", name=added.name, login=added.login, role=added.role))


@staff.command("list")
@click.option("--json", "as_json", is_flag=True, help="機械で読む形で出す / for programs")
@language_option
@click.pass_context
def list_command(context: click.Context, as_json: bool, lang: str) -> None:
    """運営担当者の一覧 / Everybody, the disabled too."""
    w = Wording(lang)
    with _open(context) as database:
        people, real = database.submit_read(lambda tx: (list_staff(tx), tx.real)).result()
    if as_json:
        click.echo(orjson.dumps([view._asdict() for view in people], option=orjson.OPT_INDENT_2).decode())
        return
    if not people:
        click.echo(w("staff.none"))
    for view in people:
        locked = view.locked_until if view.locked_until is not None and view.locked_until > real else None
        state = w("staff.locked", at=locked) if locked else w("staff.active")
        if view.disabled_at is not None:
            state = w("staff.ended")
        click.echo(f"{view.login}  {view.name}  {view.role}  {state}")


@staff.command("disable")
@click.argument("login")
@language_option
@click.pass_context
def disable_command(context: click.Context, login: str, lang: str) -> None:
    """LOGIN を使えなくし、ログインをすべて終わらせる / Disable LOGIN and end all its log-ins."""
    w = Wording(lang)
    try:
        with _open(context) as database:
            found = database.submit_read(lambda tx: find_staff(tx, login=login)).result()
            if found is None:
                click.echo(w("staff.unknown", login=login), err=True)
                sys.exit(1)
            staff_id = found.id
            done = run(database, lambda tx: disable_staff(tx, by=None, staff_id=staff_id), name="staff disable")
    except DomainError as error:
        _refuse(w, error)
    click.echo(w("staff.disabled", login=done.login))


@staff.command("password")
@click.argument("login")
@click.option("--password-stdin", is_flag=True, help="パスワードを標準入力から読む / read the password from stdin")
@language_option
@click.pass_context
def password_command(context: click.Context, login: str, password_stdin: bool, lang: str) -> None:
    """LOGIN のパスワードを変え、ログインをすべて終わらせる / Give LOGIN a new password; all its log-ins end."""
    w = Wording(lang)
    try:
        with _open(context) as database:
            found = database.submit_read(lambda tx: find_staff(tx, login=login)).result()
            if found is None:
                click.echo(w("staff.unknown", login=login), err=True)
                sys.exit(1)
            staff_id = found.id
            password = _password_from_stdin(w) if password_stdin else _password_asked(w, found.login)
            hashed = hash_password(SystemIds(), login=found.login, password=password)
            run(
                database,
                lambda tx: reset_password(tx, staff_id=staff_id, password_hash=hashed),
                name="staff password",
            )
    except DomainError as error:
        _refuse(w, error)
    click.echo(w("staff.password_reset", login=found.login))


@staff.command("slack")
@click.argument("login")
@click.option("--team", default="", help="SlackのチームID（T…） / the workspace's id")
@click.option("--user", default="", help="SlackのユーザーID（U…） / the person's id")
@click.option("--remove", is_flag=True, help="結び付けをやめる / undo it")
@language_option
@click.pass_context
def slack_command(context: click.Context, /, *, login: str, team: str, user: str, remove: bool, lang: str) -> None:
    """LOGIN がSlackの誰かを決める（役割はデスクと同じ） / Say who LOGIN is in Slack; the role stays the same."""
    w = Wording(lang)
    if not remove and not (team and user):
        raise click.UsageError("--team T… --user U…")
    try:
        with _open(context) as database:
            if remove:
                run(database, lambda tx: drop_identity(tx, by=None, login=login), name="staff slack")
            else:
                run(
                    database,
                    lambda tx: set_identity(tx, by=None, login=login, team=team, user=user),
                    name="staff slack",
                )
    except DomainError as error:
        _refuse(w, error)
    click.echo(w("staff.slack_removed", login=login) if remove else w("staff.slack_set", login=login, user=user))


def _open(context: click.Context) -> AbstractContextManager[Database]:
    opening: OpenDatabase = context.obj or opened_database  # tests hand in their own
    return opening()


def _password_from_stdin(w: Wording) -> str:
    """One line; a password on the command line would stand in the shell's history."""
    password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        click.echo(w("staff.password_empty"), err=True)
        sys.exit(1)
    return password


def _password_asked(w: Wording, login: str) -> str:
    """Hidden, twice, until both are the same; what breaks the rules is said before it is typed again."""
    while True:
        password = str(click.prompt(w("staff.password"), hide_input=True))
        check_password(login=fold_login(login), password=password)
        if str(click.prompt(w("staff.password_again"), hide_input=True)) == password:
            return password
        click.echo(w("staff.password_mismatch"), err=True)


def _refuse(w: Wording, error: DomainError) -> NoReturn:
    own = f"staff.refused.{error.code}"
    click.echo(w(own if w.has(own) else f"errors.{error.code}", **error.data), err=True)
    sys.exit(1)
