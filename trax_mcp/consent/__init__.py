"""Consent: calls that viewers see, or that cannot be undone, run only if a person agreed.

Does not import MCP. How a person is asked is up to the caller.
"""
