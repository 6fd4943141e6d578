"""Telegram: updates in by webhook or polling, messages out at the pace Telegram allows. `adapter.build` is the way in."""
