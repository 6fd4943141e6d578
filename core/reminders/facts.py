"""What has happened with reminders."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RemindersDue:
    """A member is to be reminded, now: one message for all their contracts that are due (algorithms.md 8).

    Emitted once, in the transaction that decided it; the listener owes the message under `reminder:<bundle_id>`.
    """

    bundle_id: int
    member_id: int
    reminder_ids: tuple[int, ...]
