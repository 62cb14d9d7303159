"""MCP over HTTP: who may come in, how much, and how it ends."""
