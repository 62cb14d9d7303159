"""What several processes share, on Valkey or Redis. Nothing here knows MCP."""
