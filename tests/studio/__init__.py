"""Tests of `trax_mcp/studio`."""
