"""Builders, databases and doubles for the tests."""
