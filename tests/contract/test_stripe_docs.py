"""docs/stripe.md tells the operator to subscribe to exactly the events that are read."""

import re
from pathlib import Path

from adapters.stripe.objects import EVENTS

DOCS = Path(__file__).resolve().parents[2] / "docs" / "stripe.md"


def test_the_events_to_subscribe_to_are_those_that_are_read() -> None:
    written = re.findall(r"^[a-z_]+(?:\.[a-z_]+)+$", DOCS.read_text("utf-8"), re.MULTILINE)
    assert sorted(written) == sorted(EVENTS)
