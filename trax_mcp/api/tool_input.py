"""What other packages still import from here."""

from trax_mcp.api.operation import Effect, ToolInput

__all__ = ["Effect", "ToolInput"]
