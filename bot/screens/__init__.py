"""Data in, `Screen` out: no I/O, no queries, no decisions; all words come from `bot/locales`."""
