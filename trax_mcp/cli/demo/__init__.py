"""`trax-mcp demo`: a real MCP client starts this server on the sandbox and plays a whole show."""
