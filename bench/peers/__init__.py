"""What trax-mcp is measured against, each a process of its own. They know nothing of trax-mcp."""
