"""How much may be sent to the counter in an hour: whoever is not known yet may send little, so that nobody fills the disk.

Counted from the files' own rows. On PostgreSQL uploads of different chats that run at the same moment do not see one
another: the limit of a network address can be passed by as many files as there are database threads.
"""

from datetime import timedelta
from typing import NamedTuple

from sqlalchemy import BigInteger, bindparam, cast, func, select

from core.db import Tx
from core.delivery.tables import StoredFile
from core.statements import Read

WINDOW = timedelta(hours=1)


class Quota(NamedTuple):
    """The most files and bytes in `WINDOW`."""

    files: int
    size_bytes: int


CHAT = Quota(40, 200_000_000)
CHAT_NOT_LINKED = Quota(5, 30_000_000)  # one file of the largest size, and some photos
NETWORK = Quota(200, 800_000_000)  # an office behind one address
NETWORK_NOT_LINKED = Quota(20, 100_000_000)  # cookies can be thrown away for new chats, an address less easily


class _Used(NamedTuple):
    files: int
    size_bytes: int


_USED = select(func.count(), cast(func.coalesce(func.sum(StoredFile.size_bytes), 0), BigInteger))
OF_CHAT = Read(
    _Used,
    _USED.where(
        StoredFile.chat_id == bindparam("chat_id"),
        StoredFile.created_at > bindparam("since"),
        StoredFile.remote_ref.is_not(None),  # what the member sent; staff's files have none
    ),
)
OF_NETWORK = Read(
    _Used,
    _USED.where(StoredFile.source_hash == bindparam("source_hash"), StoredFile.created_at > bindparam("since")),
)


def has_room(tx: Tx, *, chat_id: int, linked: bool, source_hash: str, size_bytes: int, files: int = 1) -> bool:
    """Whether so many more files of together `size_bytes` may be kept now. The caller holds the chat's lock.

    `source_hash` tells network addresses apart, "" where the channel knows none.
    """
    since = tx.now - WINDOW
    limits = [(tx.one(OF_CHAT, chat_id=chat_id, since=since), CHAT if linked else CHAT_NOT_LINKED)]
    if source_hash:
        used = tx.one(OF_NETWORK, source_hash=source_hash, since=since)
        limits.append((used, NETWORK if linked else NETWORK_NOT_LINKED))
    return all(
        used.files + files <= most.files and used.size_bytes + size_bytes <= most.size_bytes for used, most in limits
    )
