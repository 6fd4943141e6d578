"""What the web chat is handed in, and the names others know it by."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.inbound import Ack, Inbound
from core.db import Database

CHANNEL = "webchat"
ACCOUNT = "web"  # there is one counter for each deployment

Deliver = Callable[[Inbound], Awaitable[Ack]]


@dataclass(frozen=True, slots=True)
class WebchatSettings:
    """Settings of this adapter. `operator` is asked at each page: the name may be changed while the product runs."""

    secret_key: str
    secure_cookies: bool  # True when the public address is https
    operator: Callable[[], str]
    operator_en: Callable[[], str] | None = None  # as English-speaking members read it; the same when not given
    public_origin: str = ""  # "https://chat.example.jp": accepted as Origin behind a proxy that changes Host
    widget_origins: tuple[str, ...] = ()  # sites that may show the page in a frame


@dataclass(frozen=True, slots=True)
class Webchat:
    """What every endpoint needs."""

    database: Database
    deliver: Deliver
    settings: WebchatSettings
