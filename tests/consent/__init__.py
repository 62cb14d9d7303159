"""Tests of `trax_mcp/consent`."""
