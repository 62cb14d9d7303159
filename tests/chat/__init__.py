"""Tests of `trax_mcp/chat`."""
