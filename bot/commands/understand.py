"""`madoguchi understand`: sentences in, JSON lines out (intents.md)."""

import sys
from datetime import datetime

import click

from bot.understanding.command import run
from core.clock import SystemClock, day_in_japan


@click.command()
@click.argument("sentence", nargs=-1)
@click.option(
    "--today",
    type=click.DateTime(["%Y-%m-%d"]),
    help="The day relative dates count from (default: today).",
)
@click.option("--lang", type=click.Choice(["ja", "en"]), help="A hint, not a need.")
def understand(sentence: tuple[str, ...], today: datetime | None, lang: str | None) -> None:
    """Read one utterance a line from standard input, write one JSON object a line."""
    if sentence:  # what a shell takes apart is no sentence any more: all of them come by one way
        raise click.UsageError(
            "文は標準入力に1行ずつ渡してください / Sentences come by standard input, one a line:"
            f" echo '{' '.join(sentence)}' | madoguchi understand"
        )
    day = today.date() if today else day_in_japan(SystemClock().now())
    sys.stdin.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]  # a text stream here
    for line in run(sys.stdin, today=day, lang=lang):
        click.echo(line)
