"""The official conformance suite and the Inspector's lint, run against the product.

`make conformance` runs the suite on the product's command, and on the same with the suite's test
tools added. `expected_failures` lists every check that may fail, with the reason.
"""
