"""Draws the pages that people see: those in `docs/`, or all of them into a folder."""
