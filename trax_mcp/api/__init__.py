"""TRaX's side: what can be asked, who asks, how it is sent, what comes back.

This room speaks HTTP and JSON and has never heard of MCP.
"""
