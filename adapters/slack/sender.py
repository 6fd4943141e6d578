"""What is owed to the staff in Slack."""

import logging

from adapters.slack.parts import Parts
from core.delivery.ports import Owed, Sent
from core.errors import PermanentError

log = logging.getLogger(__name__)

IN_FLIGHT = 4


class SlackSender:
    """The way out to Slack (see `core.delivery.ports.Sender`)."""

    channel = "slack"
    in_flight = IN_FLIGHT

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def close(self) -> None:
        """Close the connections."""
        session = self._parts.client.session
        if session is not None:
            await session.close()

    async def send(self, owed: Owed) -> Sent:
        """Send one row. Errors: TransientError (certainly not sent), PermanentError, OutcomeUnknown."""
        raise PermanentError(f"slack: no such act: {owed.payload.get('op')}")
