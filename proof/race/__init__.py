"""The race: trax-mcp beside servers that are generated from the same contract (`make race`).

The same sandbox, the same client, in turns. It knows all of them by their doors alone: a command
line, MCP, and what reached the sandbox, which it serves as the product serves its own.
"""
