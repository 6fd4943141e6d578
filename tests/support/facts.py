"""Facts written down as they are emitted, beside the product's own wiring."""

from collections.abc import Callable, Sequence
from typing import Any

from core.db import Listeners, Tx

Listener = Callable[[Tx, Any], None]


def with_recorder(listeners: Listeners, seen: list[Any], *kinds: type) -> Listeners:
    """The same wiring, and every fact of these kinds appended to `seen` (also of turns that are undone later)."""

    def record(tx: Tx, fact: Any) -> None:
        seen.append(fact)

    table: dict[type, Sequence[Listener]] = dict(listeners)
    for kind in kinds:
        table[kind] = (record, *table.get(kind, ()))
    return table


def of_kind(seen: Sequence[Any], kind: type) -> list[Any]:
    """Those of one kind."""
    return [fact for fact in seen if isinstance(fact, kind)]
