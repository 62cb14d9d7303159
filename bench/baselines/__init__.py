"""The servers and upstreams that trax-mcp is measured with, each a process."""
