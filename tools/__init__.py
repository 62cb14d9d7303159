"""Programs for those who work on trax-mcp."""
