"""Proof by others: a referee's suite, a long run, and a race beside the generators.

Each is a command of its own (`make conformance`, `make soak`, `make race`). They know the product
by its doors, but for the conformance suite's overlay, which stands inside one. They borrow the
tests' wires and serve the sandbox as the product serves; the product knows nothing of them.
"""
