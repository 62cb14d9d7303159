"""Signing in: a person allows an MCP client to use their TRaX key, which this server keeps."""
