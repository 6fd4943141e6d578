"""Facts of the deployment that all its processes share."""

from typing import Any, NamedTuple

from sqlalchemy import bindparam, select
from sqlalchemy.dialects.postgresql import insert

from core.db import Tx
from core.delivery.tables import Setting
from core.statements import Read, Write


class _Value(NamedTuple):
    value: Any


GET = Read(_Value, select(Setting.value).where(Setting.key == bindparam("key")))
_new = insert(Setting).values(key=bindparam("key"), value=bindparam("value"))
SET = Write(_new.on_conflict_do_update(index_elements=["key"], set_={"value": _new.excluded.value}))


def get_setting(tx: Tx, *, key: str, default: Any = None) -> Any:
    """The stored value, or `default`."""
    row = tx.first(GET, key=key)
    return default if row is None else row.value


def set_setting(tx: Tx, *, key: str, value: Any) -> None:
    """Store it, and wake who watches settings."""
    tx.run(SET, key=key, value=value)
    tx.wake("settings")
