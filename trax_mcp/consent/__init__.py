"""Consent: nothing that viewers see or that cannot be undone happens without a yes.

This room knows operations; it knows nothing of MCP, nor of how a person is asked.
"""
