"""Starts processes and upstreams, and drives them with MCP clients, for bench and soak."""
