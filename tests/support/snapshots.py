"""Texts that were read aloud once and are compared ever after. `MADOGUCHI_SNAPSHOTS=write` draws them anew."""

import os
from pathlib import Path

WRITE = os.environ.get("MADOGUCHI_SNAPSHOTS") == "write"


def compare(path: Path, drawn: str) -> None:
    """Fails with the difference; a missing file is one too."""
    if WRITE:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(drawn, "utf-8")
    assert path.read_text("utf-8") == drawn
