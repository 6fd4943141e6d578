"""One process for an embedded database: a lock beside the file, which the operating system drops when its holder dies."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import PermanentError
from core.open_database import ensure_folder, parse_url


@contextmanager
def sole_process(url_text: str) -> Iterator[None]:
    """Held while the block runs; nothing is locked for PostgreSQL, which serves any number of processes.

    A second writer would see no wake-ups of the first and would take over its leases while it lives (`bot.app`).
    Errors: PermanentError when another process holds it, with that process's number.
    """
    url = parse_url(url_text)
    if url.get_backend_name() != "sqlite" or not url.database:
        yield
        return
    ensure_folder(url)
    beside = Path(f"{url.database}.lock")
    try:
        descriptor = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise PermanentError(f"cannot write beside the database: {beside}: {error.strerror}") from error
    try:
        _lock(descriptor, url.database)
        yield
    finally:
        os.close(descriptor)  # the file stays: removing it would let two processes lock two different ones


def _lock(descriptor: int, database: str) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.read(descriptor, 20).decode(errors="replace").strip() or "?"
        raise PermanentError(
            f"このデータベースは別の窓口（プロセス {holder}）が使っています。先にそちらを止めてください。 "
            f"({database} is in use by another madoguchi, process {holder}: stop it first)"
        ) from error
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
