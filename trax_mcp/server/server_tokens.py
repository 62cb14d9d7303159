"""The tokens of this server's own, of which HTTP callers must bring one."""

import hmac
import logging
from threading import Lock
from typing import Final

from trax_mcp.secret_files import mcp_tokens
from trax_mcp.settings import CannotStart, Settings

_LOG: Final = logging.getLogger(__name__)


class ServerTokens:
    """The tokens in the settings or in their file, which can be read again while it serves.

    Creating one raises CannotStart where the file cannot be relied on.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._tokens = mcp_tokens(settings)
        self._reading = Lock()

    @property
    def are_needed(self) -> bool:
        """Whether callers must bring one. No file can change it."""
        return bool(self._tokens)

    def accept(self, token: str) -> bool:
        """Whether this is one of them, in a time that does not tell which, or how nearly."""
        given = token.encode()
        matches = [hmac.compare_digest(given, it.encode()) for it in self._tokens]
        return any(matches)

    def read_again(self) -> None:
        """Read the file again. The tokens from before count on where it cannot be relied on."""
        with self._reading:  # so that of two, the later one counts
            try:
                self._tokens = mcp_tokens(self._settings)
            except CannotStart as error:
                _LOG.error("%s The tokens from before count on.", error)
                return
        count = "one token" if len(self._tokens) == 1 else "two tokens"
        _LOG.info("TRAX_MCP_TOKEN_FILE was read again, and holds %s.", count)
