"""Contracts, renewals, their arithmetic and states."""
