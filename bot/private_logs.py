"""Logs that can be read by anybody who runs the machine: the values beside a message are shown, an error's own words are not.

A database's error quotes the row it refused ("Key (email)=(…) already exists"), a parser's the text it could not read.
What is needed to find a fault is its kind and its place.
"""

import logging
import traceback
from types import TracebackType

from core.errors import MadoguchiError

_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}
_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class PrivateFormatter(logging.Formatter):
    """One line a record, with its `extra` values; tracebacks without the errors' words, but for our own errors."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        """The line, followed by key=value."""
        extra = " ".join(f"{key}={value}" for key, value in vars(record).items() if key not in _OWN)
        return f"{super().formatMessage(record)} {extra}".rstrip()

    def formatException(self, ei: _ExcInfo) -> str:  # noqa: N802 - logging's own name
        """Kinds and places of an error and of those behind it, the first cause first."""
        parts: list[str] = []
        error = ei[1]
        while error is not None and len(parts) < 10:
            words = f": {error}" if isinstance(error, MadoguchiError) else ""
            frames = "".join(traceback.format_tb(error.__traceback__))
            parts.append(f"{frames}{type(error).__module__}.{type(error).__qualname__}{words}")
            error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        return "\nthen\n".join(reversed(parts))


def set_up_logs() -> None:
    """For a process that serves: everything to the standard error output, in the private form."""
    handler = logging.StreamHandler()
    handler.setFormatter(PrivateFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    # telegram's DEBUG would hold members' words and the token; stripe's INFO quotes what was refused (mail addresses)
    for name in ("apscheduler", "alembic", "telegram", "stripe"):
        logging.getLogger(name).setLevel(logging.WARNING)
