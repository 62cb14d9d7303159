"""The world that a test runs in: a TRaX, its time, the product on it, and its callers.

`open_world` opens it, `wire` speaks MCP without the SDK, `person` answers questions, and `answers`
reads results. `tests.support.product` is the door below: it alone imports trax_mcp.
"""
