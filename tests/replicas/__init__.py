"""Tests of `trax_mcp/replicas`."""
