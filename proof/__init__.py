"""Proofs beyond the tests: conformance suite, soak test, comparison with generated servers, breaks.

Each is a command (`make conformance`, `make soak`, `make race`, `make breaks`).
"""
