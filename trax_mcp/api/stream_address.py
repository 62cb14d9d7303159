"""What other packages still import from here."""

from trax_mcp.api.text_safety import host_of

__all__ = ["host_of"]
