"""Draws the pictures of the approval page and panel in `docs/`."""
