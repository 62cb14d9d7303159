"""What trax-mcp costs beside a bare SDK server that does the same: `python -m bench`."""
