"""MCP's side: the only rooms that import the SDK."""
