"""MCP over HTTP: the endpoint, who may call it, and the limits of requests and sessions."""
