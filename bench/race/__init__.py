"""The race: trax-mcp compared with servers that are generated from the same contract.

All servers have the same sandbox and the same client, and take turns (`make race`).
"""
