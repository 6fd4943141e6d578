"""The web chat's way out: the message is a row already, so sending is telling the open pages to look."""

from adapters.webchat.ports import CHANNEL
from core.db import Database, Tx, arun
from core.delivery.ports import Owed, Sent
from core.errors import PermanentError


class WebchatSender:
    """A `core.delivery.ports.Sender`. "Sent" means stored where the page reads it: nobody can say whether it was seen."""

    channel = CHANNEL
    in_flight = 8

    def __init__(self, database: Database) -> None:
        self._database = database

    async def send(self, owed: Owed) -> Sent:
        """Wake the chat's pages, in every process. PermanentError for a row that belongs to no chat."""
        chat_id = owed.chat_id
        if chat_id is None:
            raise PermanentError("a web chat message without a chat")

        def wake(tx: Tx) -> None:
            tx.wake(f"chat:{chat_id}")

        await arun(self._database, wake, name="webchat.wake")
        return Sent(answer="stored")
