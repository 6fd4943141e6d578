"""Files to import, and the command run on a test's database."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
from click.testing import CliRunner, Result

from bot.commands.import_ import Opened, import_
from core.db import Database
from core.profiles.model import Profile
from tests.support.profiles import shipped


def write_csv(path: Path, *lines: str, encoding: str = "utf-8", end: str = "\r\n") -> Path:
    """A file of these lines."""
    path.write_bytes((end.join(lines) + end).encode(encoding))
    return path


class Importing:
    """The command `import` on one database."""

    def __init__(self, database: Database, profile: Profile) -> None:
        self.database, self.profile = database, profile

    def __call__(self, *arguments: object) -> Result:
        """Run it as somebody in a shell would."""

        @contextmanager
        def opened() -> Iterator[Opened]:
            yield self.database, self.profile

        return CliRunner().invoke(import_, [str(argument) for argument in arguments], obj=opened)

    def json(self, *arguments: object) -> dict[str, object]:
        """Run it with --json; what it says on standard output."""
        answer: dict[str, object] = orjson.loads(self(*arguments, "--json").stdout)
        return answer


def importing_into(database: Database) -> Importing:
    """The command on a database, with the shipped profile."""
    return Importing(database, shipped("renewal-notice"))
