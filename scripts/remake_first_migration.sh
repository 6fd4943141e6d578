#!/bin/sh
# Before the first release there is one migration: it is made anew from the tables.
set -eu
cd "$(dirname "$0")/.."
rm -f core/migrations/versions/0001_*.py
scratch=$(mktemp -d)
.venv/bin/python -c "
from core.migrate import write_revision
write_revision('sqlite:///$scratch/m.sqlite', 'first schema', '0001')"
rm -rf "$scratch"
.venv/bin/ruff check -q --fix core/migrations || true
.venv/bin/ruff format -q core/migrations
