"""The world that a test runs in: a TRaX, its time, the product on it, and its callers.

`world.open_world` opens it, and `sign_in` opens one whose callers sign in. A `caller` is a client
with the SDK, `wire` speaks MCP without it, and `answers` reads results. A `page` and a `panel` have
buttons that a person presses. `tests.support.product` is the door below: it alone imports trax_mcp.
"""
