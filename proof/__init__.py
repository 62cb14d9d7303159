"""Proofs beyond the tests: `make proof` and `make nightly`. README.md has what they prove."""
