"""The MCP server: the SDK, joined to the rest of the package."""
