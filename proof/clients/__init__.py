"""Runs MCP clients that people have in a terminal, with a scripted model, and keeps what they draw."""
