"""The sandbox's API keys and accounts. The scopes are read from the contract."""

from __future__ import annotations

from typing import Final

from trax_mcp.sandbox.contract_calls import documented_calls
from trax_mcp.sandbox.records import Key

ACCOUNT: Final = "user_robin"
STRANGER: Final = "user_stranger"

SANDBOX_KEY: Final = "sk_live_sandbox_full"
READONLY_KEY: Final = "sk_live_sandbox_readonly"
MODERATOR_KEY: Final = "sk_live_sandbox_moderator"
STRANGER_KEY: Final = "sk_live_sandbox_stranger"
REVOKED_KEY: Final = "sk_live_sandbox_revoked"

SCOPES: Final = frozenset(call.scope for call in documented_calls() if call.scope)
"""Every scope in the contract."""

READ_SCOPES: Final = frozenset(scope for scope in SCOPES if scope.endswith(":read"))
MODERATOR_SCOPES: Final = frozenset({"studios:read", "stream:read", "chat:read", "chat:send"})

KEYS: Final = (
    Key(SANDBOX_KEY, "full", ACCOUNT, SCOPES),
    Key(READONLY_KEY, "readonly", ACCOUNT, READ_SCOPES),
    Key(MODERATOR_KEY, "moderator", ACCOUNT, MODERATOR_SCOPES),
    Key(STRANGER_KEY, "stranger", STRANGER, SCOPES),
    Key(REVOKED_KEY, "revoked", ACCOUNT, SCOPES, revoked=True),
)
