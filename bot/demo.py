"""Demo data: the profile's members and contracts, and one operator, into an empty database."""

from core.clock import day_in_japan
from core.db import Database, Tx, run
from core.delivery.settings import get_setting, set_setting
from core.exchange.demo import fill_demo
from core.ids import SystemIds
from core.members import staff
from core.members.passwords import hash_password
from core.profiles import catalogue
from core.profiles.model import Profile

KEY_SETTING = "demo_secret_key"
KEY_LENGTH = 43


def fill(database: Database, profile: Profile, *, login: str, password: str) -> None:
    """Once: a database that has an operator already is left as it is."""
    hashed = hash_password(SystemIds(), login=login, password=password)

    def work(tx: Tx) -> None:
        if staff.list_staff(tx):
            return
        catalogue.ensure_catalogue(tx, profile=profile)
        staff.add_staff(tx, by=None, login=login, name="デモ担当", role="admin", password_hash=hashed)
        fill_demo(tx, profile=profile, day=day_in_japan(tx.now))

    run(database, work, name="demo data", slow=True)


def ensure_secret_key(database: Database) -> str:
    """Demo's own key, made once and kept in its database: who comes back after a restart is still in their chat."""

    def work(tx: Tx) -> str:
        kept = get_setting(tx, key=KEY_SETTING, default="")
        if not kept:
            kept = tx.ids.token(KEY_LENGTH)
            set_setting(tx, key=KEY_SETTING, value=kept)
        return str(kept)

    return run(database, work, name="demo key")
