"""Benchmarks: ratios within one run against the bare driver doing the same statements with the same durability.

These machines are noisy: believe the ratio (the median of the rounds' ratios), not the absolute rate.
"""
