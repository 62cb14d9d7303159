"""Unit tests of the pure modules of `trax_mcp.api`."""
