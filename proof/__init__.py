"""Proofs beyond the tests: conformance suite, soak test, deliberate breaks.

Each is a command (`make conformance`, `make soak`, `make breaks`).
"""
