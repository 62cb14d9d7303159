"""The command line: knows every command, and no rule."""

from trax_mcp.cli.main import main

__all__ = ["main"]
