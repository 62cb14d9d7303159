"""Benchmarks of trax-mcp against bare SDK servers that do the same: `python -m bench`."""
