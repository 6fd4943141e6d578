"""The schema's history: expand, backfill, contract; the same on SQLite and PostgreSQL, and equal to the tables."""
