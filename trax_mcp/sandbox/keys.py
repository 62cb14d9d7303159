"""The sandbox's account and its API key. The scopes are read from the contract."""

from typing import Final

from trax_mcp.sandbox.contract_calls import documented_calls
from trax_mcp.sandbox.records import Key

ACCOUNT: Final = "user_robin"

SANDBOX_KEY: Final = "sk_live_sandbox_full"

SCOPES: Final = frozenset(call.scope for call in documented_calls() if call.scope)
"""Every scope in the contract."""

KEY: Final = Key(SANDBOX_KEY, "full", ACCOUNT, SCOPES)
