"""The authorization server: signing in at the MCP endpoint, by OAuth 2.1."""
