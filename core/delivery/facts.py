"""What has happened to something owed; `core/teamchat/listeners.py` listens."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DeliverySettled:
    """A message of a ticket was taken by its platform, or will not be: sent, dead, unknown, cancelled, queued again,
    mailed or moved into another chat instead."""

    outbox_id: int
    ticket_id: int
    state: str
