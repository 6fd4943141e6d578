"""Tickets: what a person of the operator's has to answer."""
