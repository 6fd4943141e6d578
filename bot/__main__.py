"""The command `madoguchi`."""

import logging
import sys

import click

from bot.commands.import_ import import_
from bot.commands.line import line
from bot.commands.link import link
from bot.commands.profile import profile
from bot.commands.sample import sample
from bot.commands.serve import migrate, serve
from bot.commands.slack import slack
from bot.commands.staff import staff
from bot.commands.understand import understand


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="madoguchi")
def main() -> None:
    """窓口: the chat counter of a member-based business."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    logging.getLogger("core.db").setLevel(logging.ERROR)  # a command's long turn delays nobody: `serve` says it


for command in (serve, migrate, profile, import_, sample, staff, line, link, slack, understand):
    main.add_command(command)

if __name__ == "__main__":
    sys.exit(main())
