"""Deliberate breaks: edits that take a promise away, each of which must make a test fail.

Each table in `tables/` covers one part of proof/README.md, with some breaks for each promise.
"""
