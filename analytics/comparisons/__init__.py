"""Comparisons (A/B): making them, recording votes and results, and reports that tell the truth.

`making` and `recording` write, `loading` reads a comparison as the plain values of `data`, `report`
computes what they say with the mathematics of `stats`, and `storing` keeps the last report of each.
"""
