"""Deliberate breaks: edits that take a promise away, each of which must make a test fail.

A rewrite keeps every promise if the same breaks are still caught after it. Each table in `tables/`
covers one package.
"""
