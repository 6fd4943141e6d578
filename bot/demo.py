"""Demo data: the profile's members and contracts, and one operator, into an empty database."""

from core.clock import day_in_japan
from core.db import Database, Tx, run
from core.exchange.demo import fill_demo
from core.ids import SystemIds
from core.members import staff
from core.members.passwords import hash_password
from core.profiles import catalogue
from core.profiles.model import Profile


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
