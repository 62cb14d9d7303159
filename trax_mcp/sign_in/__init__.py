"""Signing in: what a person allows an MCP client to do with their TRaX key, and who keeps it."""
