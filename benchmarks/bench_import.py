"""Import of 100 000 members and 100 000 contracts into SQLite through the use cases the command calls.

The yardstick is what nobody can beat: the same rows by bare `sqlite3.executemany`, as many rows a transaction, with the
same durability (WAL, `synchronous=FULL`), in the same run, right after. Reading and checking the file is ours alone, so
the ratio says what being careful costs.
"""

import sqlite3
import sys
import tempfile
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine

from core.clock import ManualClock
from core.db import Database
from core.db import run as run_in
from core.exchange.importing import CHUNK_ROWS, apply_import, plan_import, read_rules
from core.exchange.mapping import MappingFile
from core.exchange.reading import read_form
from core.exchange.sample import make_members, write_sample
from core.ids import SystemIds
from core.open_database import open_database
from core.profiles.catalogue import ensure_catalogue
from core.profiles.files import load_profile
from core.profiles.model import Profile
from core.schema import METADATA
from core.wiring import LISTENERS

ROWS = 100_000
TABLES = {"members": ("member",), "contracts": ("contract", "contract_change")}


def run(rows: int = ROWS) -> dict[str, Any]:
    """Seconds, rows a second and the ratio to the bare driver, for members and for contracts."""
    profile = load_profile("renewal-notice")
    figures: dict[str, Any] = {"rows": rows}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = _files(folder, rows, profile)
        path = folder / "bench.sqlite"
        _create(path)
        database = open_database(
            f"sqlite:///{path}", ManualClock(datetime(2026, 11, 22, 3, tzinfo=UTC)), SystemIds(), LISTENERS
        )
        run_in(database, lambda tx: ensure_catalogue(tx, profile=profile))
        for kind, file in files.items():
            busy = time.process_time()
            seconds = _import(database, kind, file, profile)
            busy = time.process_time() - busy
            again = _import(database, kind, file, profile)
            raw = _raw(path, folder / f"raw_{kind}.sqlite", TABLES[kind])
            figures[kind] = {
                "seconds": round(seconds, 1),
                "processor_seconds": round(busy, 1),  # what it takes on a machine that has nothing else to do
                "rows_per_second": round(rows / seconds),
                "seconds_again_unchanged": round(again, 1),
                "raw_executemany_seconds": round(raw, 1),
                "ratio": round(raw / seconds, 3),
            }
        database.close()
    return figures


def _files(folder: Path, rows: int, profile: Profile) -> dict[str, Path]:
    names = {plan.code: plan.name.ja for plan in profile.plans}
    members = make_members(rows, seed=1, day=date(2026, 11, 22))
    ours, theirs = write_sample(members, folder, plan_names=names)
    lines = theirs.read_bytes().splitlines(keepends=True)[: rows + 1]
    theirs.write_bytes(b"".join(lines))
    return {"members": ours, "contracts": theirs}


def _import(database: Database, kind: str, file: Path, profile: Profile) -> float:
    """One whole import as the command does it: reading, checking, comparing, writing."""
    start = time.perf_counter()
    rules = run_in(database, lambda tx: read_rules(tx, profile))
    plan = plan_import(database, kind=kind, form=read_form(file), mapping=MappingFile(), rules=rules)
    if plan.tally.problems:
        raise SystemExit(f"the sample is bad: {plan.tally.problems[:3]}")
    apply_import(database, plan, skip_bad=False)
    return time.perf_counter() - start


def _create(path: Path) -> None:
    engine = create_engine(f"sqlite:///{path}")
    METADATA.create_all(engine)
    engine.dispose()


def _raw(source: Path, target: Path, tables: tuple[str, ...]) -> float:
    """The rows that were written, written again by the bare driver into an empty database of the same schema."""
    _create(target)
    reader = sqlite3.connect(source)
    writer = sqlite3.connect(target, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=OFF"):
        writer.execute(f"PRAGMA {pragma}")
    columns = {table: len(reader.execute(f"SELECT * FROM {table} LIMIT 1").fetchone()) for table in tables}
    rows = {table: reader.execute(f"SELECT * FROM {table} ORDER BY id").fetchall() for table in tables}
    start = time.perf_counter()
    for at in range(0, max(len(found) for found in rows.values()), CHUNK_ROWS):
        writer.execute("BEGIN IMMEDIATE")
        for table in tables:
            marks = ", ".join("?" * columns[table])
            writer.executemany(f"INSERT INTO {table} VALUES ({marks})", rows[table][at : at + CHUNK_ROWS])
        writer.execute("COMMIT")
    seconds = time.perf_counter() - start
    reader.close()
    writer.close()
    return seconds


def main() -> None:
    """Print the figures; a smaller number of rows may be given."""
    print(run(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS))


if __name__ == "__main__":
    main()
