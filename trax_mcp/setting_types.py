"""Where these names were before."""

from trax_mcp.settings import KEY_PREFIX, is_loopback

__all__ = ["KEY_PREFIX", "is_loopback"]
