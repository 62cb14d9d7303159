"""The tokens of this server's own, of which HTTP callers must bring one."""

import hmac

from trax_mcp.private_files import mcp_tokens
from trax_mcp.settings import Settings


class ServerTokens:
    """The tokens in the settings or in their file.

    Creating one raises CannotStart where the file cannot be relied on.
    """

    def __init__(self, settings: Settings) -> None:
        self._tokens = mcp_tokens(settings)

    @property
    def are_needed(self) -> bool:
        """Whether callers must bring one."""
        return bool(self._tokens)

    def accept(self, token: str) -> bool:
        """Whether this is one of them, in a time that does not tell which, or how nearly."""
        given = token.encode()
        matches = [hmac.compare_digest(given, it.encode()) for it in self._tokens]
        return any(matches)
