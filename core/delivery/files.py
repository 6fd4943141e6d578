"""Files from and for members, in the database: every replica has them, and a backup is whole."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, insert, literal_column, select, update

from core.db import Tx
from core.delivery.tables import StoredFile
from core.errors import DomainError
from core.statements import Read, Write, one_of

MAX_FILE_BYTES = 20_000_000  # Telegram's download limit is 20 MB: the same everywhere
NAME_LENGTH = 200


class FileView(NamedTuple):
    """A stored file without its content. `token` is in its address."""

    id: int
    chat_id: int | None
    name: str
    mime: str
    size_bytes: int
    state: str  # stored, pending, failed
    token: str


class FileContent(NamedTuple):
    """A stored file with its content (None while it still lies at the platform)."""

    id: int
    chat_id: int | None
    name: str
    mime: str
    size_bytes: int
    state: str
    token: str
    content: bytes | None
    created_at: datetime


ADD = Write(
    insert(StoredFile).values(
        {
            name: bindparam(name)
            for name in (
                "id", "chat_id", "name", "mime", "size_bytes", "sha256", "content", "state", "remote_ref", "source_hash", "token",
                "created_at",
            )
        }
    )
)  # fmt: skip
FILL = Write(
    update(StoredFile)
    .where(StoredFile.id == bindparam("file_id"), StoredFile.state != "erased")
    .values(
        content=bindparam("bytes_"),
        sha256=bindparam("digest"),
        size_bytes=bindparam("size"),
        state=bindparam("new_state"),
    )
)
GIVE = Write(
    update(StoredFile)
    .where(one_of(StoredFile.id, "file_ids"), StoredFile.chat_id.is_(None))
    .values(chat_id=bindparam("chat"))
)
MOVE = Write(
    update(StoredFile)
    .where(one_of(StoredFile.id, "file_ids"), StoredFile.chat_id == bindparam("from_chat"))
    .values(chat_id=bindparam("to_chat"))
)
ERASE = Write(
    update(StoredFile)
    .where(one_of(StoredFile.id, "file_ids"))
    .values(content=None, sha256=None, name="-", size_bytes=literal_column("0"), state="erased", remote_ref=None)
)
_VIEW = (
    StoredFile.id, StoredFile.chat_id, StoredFile.name, StoredFile.mime, StoredFile.size_bytes, StoredFile.state,
    StoredFile.token,
)  # fmt: skip
BY_TOKEN = Read(
    FileContent, select(*_VIEW, StoredFile.content, StoredFile.created_at).where(StoredFile.token == bindparam("token"))
)
BY_REF = Read(
    FileView,
    select(*_VIEW).where(StoredFile.chat_id == bindparam("chat_id"), StoredFile.remote_ref == bindparam("remote_ref")),
)
BY_IDS = Read(
    FileContent,
    select(*_VIEW, StoredFile.content, StoredFile.created_at)
    .where(one_of(StoredFile.id, "file_ids"))
    .order_by(StoredFile.id),
)
BY_ID = Read(FileView, select(*_VIEW).where(StoredFile.id == bindparam("file_id")))


def store_file(
    tx: Tx,
    *,
    chat_id: int | None,
    name: str,
    mime: str,
    content: bytes | None,
    remote_ref: str | None = None,
    size_bytes: int = 0,
    source_hash: str = "",
) -> FileView:
    """Keep a file; without `content` it is pending at the platform under `remote_ref`.

    Errors: DomainError `file_too_large` (with `limit_bytes`).
    """
    size = len(content) if content is not None else size_bytes
    if size > MAX_FILE_BYTES:
        raise DomainError("file_too_large", limit_bytes=MAX_FILE_BYTES)
    view = FileView(
        id=tx.ids.new(),
        chat_id=chat_id,
        name=name[-NAME_LENGTH:] or "file",
        mime=mime[:100] or "application/octet-stream",
        size_bytes=size,
        state="pending" if content is None else "stored",
        token=tx.ids.token(),
    )
    digest = hashlib.sha256(content).hexdigest() if content is not None else None
    tx.run(
        ADD,
        **view._asdict(),
        sha256=digest,
        content=content,
        remote_ref=remote_ref,
        source_hash=source_hash or None,
        created_at=tx.now,
    )
    return view


def fill_file(tx: Tx, *, file_id: int, content: bytes | None) -> None:
    """The content of a pending file has come, or (None) will never come. Repeating it changes nothing."""
    digest = hashlib.sha256(content).hexdigest() if content is not None else None
    state = "failed" if content is None else "stored"
    tx.run(FILL, file_id=file_id, bytes_=content, digest=digest, size=len(content or b""), new_state=state)


def give_to_chat(tx: Tx, *, file_ids: Sequence[int], chat_id: int) -> None:
    """Files of staff that belong to no chat yet open in this one from now on; of another chat's nothing changes."""
    if file_ids:
        tx.run(GIVE, file_ids=list(file_ids), chat=chat_id)


def move_to_chat(tx: Tx, *, file_ids: Sequence[int], from_chat: int, to_chat: int) -> None:
    """Files of a message that is said in another chat of the same person open there."""
    if file_ids:
        tx.run(MOVE, file_ids=list(file_ids), from_chat=from_chat, to_chat=to_chat)


def erase_files(tx: Tx, *, file_ids: Sequence[int]) -> None:
    """Name and content go for good: the sender took them back. A download still owed finds nothing to fill."""
    if file_ids:
        tx.run(ERASE, file_ids=list(file_ids))


def find_file(tx: Tx, *, token: str) -> FileContent | None:
    """By the unguessable part of its address."""
    return tx.first(BY_TOKEN, token=token)


def find_chat_file(tx: Tx, *, chat_id: int, remote_ref: str) -> FileView | None:
    """The file a chat's platform (or the page's upload key) knows as `remote_ref`: a repeated upload is stored once."""
    return tx.first(BY_REF, chat_id=chat_id, remote_ref=remote_ref)


def list_contents(tx: Tx, *, file_ids: Sequence[int]) -> list[FileContent]:
    """Several files with their content, in the order they came; those that are gone are left out."""
    return tx.all(BY_IDS, file_ids=list(file_ids))


def get_file(tx: Tx, *, file_id: int) -> FileView:
    """Without content; a missing one is a broken invariant."""
    return tx.one(BY_ID, file_id=file_id)
