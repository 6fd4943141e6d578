"""Whether the staff's messenger can be reached; while it cannot, the browser desk says so and why."""

from datetime import datetime
from typing import NamedTuple

from core.db import Tx
from core.delivery.settings import get_setting, set_setting

KEY = "team_chat_health"


class Outage(NamedTuple):
    """Since when, and the messenger's own code for it (is_archived, token_revoked, ratelimited, unreachable, …)."""

    since: datetime
    why: str


def report_health(tx: Tx, *, why: str) -> None:
    """What the last call gave: the code of what is wrong, or nothing when all is well. Written only when it changes."""
    before = find_outage(tx)
    if (before.why if before is not None else "") == why:
        return
    since = before.since if before is not None and why else tx.now
    set_setting(tx, key=KEY, value={"why": why, "since": since.isoformat()} if why else {})
    tx.wake("desk")


def find_outage(tx: Tx) -> Outage | None:
    """What is wrong now; None: nothing that is known."""
    value = get_setting(tx, key=KEY, default={})
    return Outage(datetime.fromisoformat(value["since"]), str(value["why"])) if value else None
