"""`madoguchi link create`: the operator's own site gives a member who is logged in there a way into a chat (row M1)."""

import sys
from contextlib import AbstractContextManager
from typing import Any

import click
import orjson

from bot.commands import load_settings
from bot.commands.opened import opened_database
from bot.inbound import DEEP_LINK
from bot.wording import Wording, show_time
from core.db import Database, run
from core.errors import DomainError
from core.members.link_tokens import issue_deep_link


@click.group()
def link() -> None:
    """チャットとの連携リンク / Links that connect a chat."""


@link.command("create")
@click.argument("member_no")
@click.option("--json", "as_json", is_flag=True, help="機械で読む形で出す / for programs")
@click.option("--lang", type=click.Choice(["ja", "en"]), default="ja", help="表示の言語 / language")
@click.pass_context
def create_command(context: click.Context, /, *, member_no: str, as_json: bool, lang: str) -> None:
    """MEMBER_NO の連携リンクを作る（15分、一度だけ） / Make a link for MEMBER_NO (15 minutes, once)."""
    w = Wording(lang)
    given: Any = context.obj
    settings = load_settings()
    opening: AbstractContextManager[Database] = given() if given else opened_database(settings)
    try:
        with opening as database:
            made = run(database, lambda tx: issue_deep_link(tx, staff=None, member_no=member_no), name="link create")
    except DomainError as error:
        click.echo(f"{member_no}: " + w(f"errors.{error.code}", **error.data), err=True)
        sys.exit(1)
    url = f"{settings.public_url.rstrip('/')}/m/link/{made.token}"
    start = f"{DEEP_LINK}{made.token}"
    if as_json:
        told = {"member_no": made.member_no, "url": url, "start": start, "expires_at": made.expires_at.isoformat()}
        click.echo(orjson.dumps(told).decode())
        return
    click.echo(url)
    click.echo(w("linkpage.created", until=show_time(made.expires_at, lang), start=start), err=True)
