"""What a person asks in one breath and TRaX answers in several calls.

This room reads and watches; it decides nothing and knows nothing of MCP.
"""
