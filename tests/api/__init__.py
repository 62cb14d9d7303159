"""Tests of `trax_mcp/api`."""
