"""The command line."""

from trax_mcp.cli.main import main

__all__ = ["main"]
