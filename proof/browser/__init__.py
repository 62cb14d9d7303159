"""The approval page and the panel in a real browser: `make browser`."""
