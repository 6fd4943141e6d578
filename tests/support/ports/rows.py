"""The domain's rows as text that is the same whatever door they came by: rows have names instead of ids."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from core.clock import JST
from tests.support.counter import Counter
from tests.support.journeys import Row, rows

# All that matters to the operator's business. Left out is what belongs to a door: chats, bubbles, what came and what is owed.
DOMAIN = (
    "member", "chat_link", "contract", "contract_change", "renewal", "invoice", "invoice_line", "final_confirmation",
    "payment", "payment_report", "payment_attempt", "ledger_entry", "posting", "reminder", "ticket", "ticket_message",
    "ticket_clock", "ticket_rating", "reservation", "reservation_request", "reservation_entry", "reservation_ticket",
    "stored_file", "audit",
)  # fmt: skip
# What the platform calls a file, secrets drawn by lot, and the bytes themselves (their hash stands beside them)
_OF_THE_DOOR = frozenset({"name", "token", "remote_ref", "source_hash", "content", "file_id"})
_OF_FILES = frozenset({"stored_file.name", "stored_file.token", "stored_file.remote_ref", "stored_file.source_hash"})
_ID = re.compile(r"(?<![0-9A-Za-z])[12]\d{6}(?![0-9A-Za-z])")


def dump(counter: Counter) -> str:
    """Every row of the domain, table by table, oldest first; empty values are left out."""
    found = {table: rows(counter, table) for table in DOMAIN}
    names = {
        row["id"]: f"{table}#{number}"
        for table in DOMAIN
        for number, row in enumerate(found[table], start=1)
        if "id" in row
    }
    return "\n".join(line for table in DOMAIN for line in _table(table, found[table], names)) + "\n"


def _table(table: str, found: list[Row], names: dict[int, str]) -> Iterator[str]:
    for row in found:
        head = names.get(row.get("id", 0), table)
        shown = [
            f"{column}={_shown(value, names, column)}"
            for column, value in row.items()
            if column not in ("id", "content")
            and f"{table}.{column}" not in _OF_FILES
            and value not in (None, "", [], {})
        ]
        yield f"{head}: {' '.join(shown)}"


def _shown(value: Any, names: dict[int, str], column: str = "") -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value.astimezone(JST):%Y-%m-%dT%H:%M:%S}"
    if isinstance(value, dict):
        kept = sorted((name, item) for name, item in value.items() if column != "files" or name not in _OF_THE_DOOR)
        return "{" + ", ".join(f"{name}: {_shown(item, names, name)}" for name, item in kept) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_shown(item, names, column) for item in value) + "]"
    text = str(value).replace("\n", "⏎")
    return _ID.sub(lambda match: names.get(int(match[0]), "·"), text)
