"""The command `madoguchi`."""

import gc
import logging
import sys
from importlib import import_module
from typing import NamedTuple

import click


class Place(NamedTuple):
    """Where a command is (its module in `bot.commands` and its name there), and the line about it in `madoguchi --help`."""

    module: str
    name: str
    summary: str


COMMANDS = {
    "import": Place(
        "import_", "import_", "会員・契約・予約のCSVを取り込む / Import members, contracts or reservations"
    ),
    "line": Place("line", "line", "LINE公式アカウント / The LINE Official Account"),
    "link": Place("link", "link", "チャットとの連携リンク / Links that connect a chat"),
    "migrate": Place("serve", "migrate", "データベースを最新の形にする / Bring the database to the current schema"),
    "profile": Place("profile", "profile", "運営会社の決まりを見る・確かめる / Look at and check the operator's rules"),
    "sample": Place(
        "sample", "sample", "取り込みを試すための架空のCSVを作る / Make sample files for trying the import"
    ),
    "serve": Place("serve", "serve", "窓口を開く / Run the product"),
    "slack": Place("slack", "slack", "Slackの窓口 / The desk in Slack"),
    "staff": Place("staff", "staff", "運営担当者 / People who log in to the desk"),
    "understand": Place("understand", "understand", "文の意味を読む / Read sentences, one a line"),
}


class Commands(click.Group):
    """Imports a command when it is called: all of the product takes seconds, `--help` and a slip of the pen do not."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """By name."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, None when there is none of this name."""
        place = COMMANDS.get(cmd_name)
        if place is None:
            return None
        gc.disable()  # what is imported stays: looking through it again and again takes a quarter of the time
        try:
            command: click.Command = getattr(import_module(f"bot.commands.{place.module}"), place.name)
        finally:
            gc.freeze()  # nor is it looked through later, while members wait
            gc.enable()
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of them, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name].summary) for name in self.list_commands(ctx)])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="madoguchi")
def main() -> None:
    """窓口: the chat counter of a member-based business."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    logging.getLogger("core.db").setLevel(logging.ERROR)  # a command's long turn delays nobody: `serve` says it


if __name__ == "__main__":
    sys.exit(main())
