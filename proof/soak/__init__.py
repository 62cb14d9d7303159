"""The soak test: shows on fast clocks, and a count of the servers' resources after each.

The servers are the product's own commands as processes, with a faster clock.
"""
