"""Tests of `trax_mcp/web`."""
