"""Translators: one folder a vendor or transport, independent of one another."""
