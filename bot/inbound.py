"""One normalised act of a person, whatever the channel; adapters make it, the turn works on it."""

from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import orjson

MAX_TEXT = 10_000  # longer texts are cut by the adapter, which says so with `cut`
_RAW_LENGTH = 4_000

DEEP_LINK = "link_"  # how the payload of a one-time link begins: /start link_TOKEN

Kind = Literal[
    "text", "press", "date", "file", "start", "blocked", "unblocked", "edit", "unsend", "account_link", "other"
]


@dataclass(frozen=True, slots=True)
class InboundFile:
    """A file the person sent: already stored (`file_id`), or still at the platform under `remote_ref` (`file_id` is 0).

    The turn stores the latter as pending and owes its download; over `core.delivery.files.MAX_FILE_BYTES` it says so.
    """

    file_id: int
    name: str
    mime: str
    size_bytes: int  # 0 when the platform does not say
    remote_ref: str = ""


@dataclass(frozen=True, slots=True)
class Inbound:
    """What one person did once. (channel, account, delivery_key) is unique for ever: a repeat has no effect (row X3)."""

    channel: str  # telegram, webchat
    account: str  # the bot's own id on that platform
    address: str  # the person's chat there
    delivery_key: str
    kind: Kind
    text: str = ""
    handle: str = ""  # of the button pressed
    chosen: tuple[str, ...] | None = (
        None  # values checked in a list when its button was pressed; None: the channel toggles
    )
    date: str = ""  # ISO, from a date picker
    files: tuple[InboundFile, ...] = ()
    # Deep link: /start PAYLOAD; account link: the nonce, empty when the platform refused; a message of an unknown kind: its
    # raw JSON, so that nothing is lost
    payload: str = ""
    language_hint: str = ""
    display_name: str = ""
    private: bool = True
    cut: bool = False
    message_ref: str = ""  # the platform's id of this message, or of the bot's message whose button was pressed
    reply_token: str = ""  # LINE: answers under it are free, once, for less than a minute
    reply_until: str = ""  # ISO instant of the machine's clock, from which on it is not tried any more
    other: str = ""  # what it was: sticker, location, poll …; of a file: photo, voice …; "service": a note nobody wrote
    source: str = ""  # stands for the network address it came from (a keyed hash), where the channel knows one

    @property
    def chat_key(self) -> str:
        """Orders what one person does."""
        return f"{self.channel}:{self.account}:{self.address}"

    def to_json(self) -> dict[str, Any]:
        """Stored with the delivery, so that a failed turn can be run again."""
        return asdict(self)

    def without_nul(self) -> "Inbound":
        """No database text holds U+0000, and nobody reads it: without it the rest is kept."""
        files = tuple(
            replace(file, name=file.name.replace("\0", ""), mime=file.mime.replace("\0", "")) for file in self.files
        )
        changed: dict[str, Any] = {
            name: value.replace("\0", "")
            for name in self.__slots__
            if isinstance(value := getattr(self, name), str) and "\0" in value
        }
        return replace(self, files=files, **changed) if changed or files != self.files else self

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Inbound":
        """Back from the store."""
        files = tuple(InboundFile(**file) for file in data.get("files", ()))
        chosen = data.get("chosen")
        return cls(**{**data, "files": files, "chosen": None if chosen is None else tuple(chosen)})


def sticker_words(act: Inbound) -> list[str]:
    """What a sticker says: LINE's keywords or its text, Telegram's emoji. A hint at what is meant, never an order."""
    return [word.strip() for word in act.text.split(",") if word.strip()] if act.other == "sticker" else []


def raw_words(raw: Any) -> str:
    """What no form of ours holds, as it came, cut; empty when it is nested too deep to be written down."""
    try:
        return orjson.dumps(raw).decode()[:_RAW_LENGTH]
    except TypeError:
        return ""


@dataclass(frozen=True, slots=True)
class Ack:
    """The turn's answer to the adapter, given only after the commit."""

    outcome: Literal["done", "duplicate", "kept"]  # kept: failed or waiting, will be tried again; nothing is lost
    toast: str = ""  # short text for the press itself (Telegram's callback answer)
    last_seq: int = 0  # of the chat, for pages that wait for the answer
