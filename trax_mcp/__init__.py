"""trax-mcp: run TRaX live streams by conversation, over the Model Context Protocol."""

__version__ = "0.1.0"
