"""Endurance: shows, one after another, on a clock that goes faster, and a count of what is left.

The servers are the product's own commands as processes; only their time is not the machine's.
`judge` says whether what they hold stays flat.
"""
