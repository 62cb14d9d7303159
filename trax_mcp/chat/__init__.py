"""The stream of a studio: what its chat says and whether it is on air, as it happens.

Knows the api; nothing of MCP.
"""
