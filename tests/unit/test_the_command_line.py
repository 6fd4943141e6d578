"""`madoguchi` itself: what `--help` promises is there, and nothing of the product is imported to say it."""

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from bot.__main__ import COMMANDS, main

SAYS = "import sys, bot.__main__ as it; it.main(['--help'], standalone_mode=False); print('core.db' in sys.modules)"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_that_is_listed_is_there_by_that_name(name: str) -> None:
    done = CliRunner().invoke(main, [name, "--help"])
    assert done.exit_code == 0, done.output
    assert done.output.startswith(f"Usage: main {name} ")
    command = main.get_command(click.Context(main), name)
    assert command is not None and command.name == name


def test_the_list_names_all_and_imports_none() -> None:
    said = subprocess.run([sys.executable, "-c", SAYS], capture_output=True, text=True, check=True).stdout
    assert all(f"  {name} " in said and COMMANDS[name].summary[:10] in said for name in COMMANDS)
    assert said.endswith("False\n")


def test_a_slip_of_the_pen_is_told() -> None:
    done = CliRunner().invoke(main, ["serv"])
    assert done.exit_code == 2
    assert "No such command 'serv'" in done.stderr
