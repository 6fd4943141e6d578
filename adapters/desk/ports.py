"""What the desk is handed in, and the names others know it by."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.db import Database
from core.profiles.model import Profile

if TYPE_CHECKING:
    from adapters.desk.pages import Pages

DESK_TOPIC = "desk"  # woken by whatever staff should see


@dataclass(frozen=True, slots=True)
class DeskSettings:
    """Settings of this adapter. The demo operator is shown on the login page, and only in demo."""

    secure_cookies: bool  # True when the public address is https
    demo: bool = False
    demo_login: str = ""
    demo_password: str = ""
    public_origin: str = ""  # accepted as Origin behind a proxy that changes Host


@dataclass(frozen=True, slots=True)
class Desk:
    """What every page needs."""

    database: Database
    profile: Profile
    settings: DeskSettings
    pages: "Pages"
