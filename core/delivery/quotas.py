"""How much of a platform's monthly allowance is used (LINE's pushes): read by a timed job, shown to staff (row X5)."""

from datetime import datetime
from typing import NamedTuple

from core.db import Tx
from core.delivery.settings import get_setting, set_setting

WARN_PERCENT = 80


class QuotaView(NamedTuple):
    """As the platform said it at `at`; `limit` None: no limit."""

    channel: str
    limit: int | None
    used: int
    at: datetime

    @property
    def percent(self) -> int:
        """Used so far, rounded down; 0 where there is no limit, 100 where nothing is allowed."""
        if self.limit is None:
            return 0
        return 100 if self.limit <= 0 else self.used * 100 // self.limit

    @property
    def is_short(self) -> bool:
        """Whether staff should know."""
        return self.percent >= WARN_PERCENT


def record(tx: Tx, *, channel: str, limit: int | None, used: int) -> QuotaView:
    """Keep what the platform said; the desk looks again when it changes what is shown there."""
    before = find(tx, channel=channel)
    view = QuotaView(channel, limit, used, tx.real)
    set_setting(tx, key=f"quota:{channel}", value={"limit": limit, "used": used, "at": tx.real.isoformat()})
    if view.is_short or (before is not None and before.is_short):
        tx.wake("desk")
    return view


def find(tx: Tx, *, channel: str) -> QuotaView | None:
    """The last known state; None when it was never read."""
    kept = get_setting(tx, key=f"quota:{channel}")
    if not kept:
        return None
    return QuotaView(channel, kept["limit"], int(kept["used"]), datetime.fromisoformat(kept["at"]))
