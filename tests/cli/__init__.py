"""Tests of `trax_mcp/cli`."""
