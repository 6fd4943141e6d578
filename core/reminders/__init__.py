"""Milestones of contracts: which reminder, when, exactly once."""
