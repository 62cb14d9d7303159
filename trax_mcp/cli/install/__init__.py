"""`trax-mcp install`: MCP clients, their configurations, and the file with the key."""
