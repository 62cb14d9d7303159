"""Tests of `trax_mcp/sandbox`."""
