"""Writes what is made from the code: parts of pages, the manifest's lists, schemas, the picture.

`python -m tools.docs` writes, and `--check` shows what it would change.
"""
