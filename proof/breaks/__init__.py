"""Deliberate breaks: edits that take a promise away, each of which must make a test fail.

Each table in `tables/` covers one part of docs/proof.md, with a few breaks for each promise there.
"""
