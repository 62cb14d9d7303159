"""What other packages still import from here."""

from trax_mcp.api.answers import Answer, is_success, read_model

__all__ = ["Answer", "is_success", "read_model"]
