"""Runs MCP clients that people have, with a scripted model, and keeps what they draw."""
