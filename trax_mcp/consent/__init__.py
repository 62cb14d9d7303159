"""Consent: what viewers see, and what cannot be undone, happens only after a person's yes.

Does not import MCP. How a person is asked is up to the caller.
"""
