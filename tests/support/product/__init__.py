"""How tests reach the product. Nothing else in `tests/` names a module of trax_mcp.

`server` builds the server from its settings, `sandbox` is the TRaX behind it, `commands` runs
`trax-mcp` in this process. A rewrite of the inside changes these modules and no test.
"""
