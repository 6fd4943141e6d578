"""`make bench`: runs every benchmark, prints the ratios, writes `benchmarks/results/latest.json`."""

import json
import platform
import sqlite3
import sys
from pathlib import Path

from benchmarks import bench_chat, bench_import

RESULTS = Path(__file__).parent / "results" / "latest.json"


def main() -> None:
    """All benchmarks, or those named on the command line (chat, import)."""
    wanted = sys.argv[1:] or ["chat", "import"]
    figures: dict[str, object] = {"python": platform.python_version(), "sqlite": sqlite3.sqlite_version}
    for name, bench in (("chat", bench_chat.run), ("import", bench_import.run)):
        if name in wanted:
            figures[name] = bench()
            print(name, json.dumps(figures[name], indent=2, ensure_ascii=False))
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n", "utf-8")
    print(f"written to {RESULTS.relative_to(Path.cwd()) if RESULTS.is_relative_to(Path.cwd()) else RESULTS}")


if __name__ == "__main__":
    main()
