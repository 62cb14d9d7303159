"""Tests of `trax_mcp/server`."""
