"""Tests of `trax_mcp/uploads`."""
