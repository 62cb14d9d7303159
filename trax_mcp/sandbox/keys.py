"""The sandbox's API keys and accounts, each obviously not a real one.

Import these names instead of spelling the values. Which scopes exist is read from the contract.
"""

from __future__ import annotations

from typing import Final

from trax_mcp.sandbox.contract import calls
from trax_mcp.sandbox.records import Key

ACCOUNT: Final = "user_robin"
STRANGER: Final = "user_stranger"

SANDBOX_KEY: Final = "sk_live_sandbox_full"
READONLY_KEY: Final = "sk_live_sandbox_readonly"
MODERATOR_KEY: Final = "sk_live_sandbox_moderator"
STRANGER_KEY: Final = "sk_live_sandbox_stranger"
REVOKED_KEY: Final = "sk_live_sandbox_revoked"

SCOPES: Final = frozenset(call.scope for call in calls() if call.scope)
"""Every scope the contract names."""

READING: Final = frozenset(scope for scope in SCOPES if scope.endswith(":read"))
MODERATING: Final = frozenset({"studios:read", "stream:read", "chat:read", "chat:send"})

KEYS: Final = (
    Key(SANDBOX_KEY, "full", ACCOUNT, SCOPES),
    Key(READONLY_KEY, "readonly", ACCOUNT, READING),
    Key(MODERATOR_KEY, "moderator", ACCOUNT, MODERATING),
    Key(STRANGER_KEY, "stranger", STRANGER, SCOPES),
    Key(REVOKED_KEY, "revoked", ACCOUNT, SCOPES, revoked=True),
)
