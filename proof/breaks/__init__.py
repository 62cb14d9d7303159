"""Deliberate breaks: each takes a promise of proof/README.md away, and a test must notice.

The product is patched in memory, in the process of the tests and in those that they start.
"""
