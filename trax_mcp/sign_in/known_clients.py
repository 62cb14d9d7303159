"""The descriptions of some clients, for when their documents cannot be read. Pure.

claude.ai turns away many hosters: their addresses get a test for browsers instead of the document,
and their users could not connect Claude at all. Read in August 2026. A document that can be read
counts instead, and so does one that was withdrawn. Source: section 7.2 of the draft.
"""

from collections.abc import Mapping
from typing import Final

from trax_mcp.sign_in.grants import OAuthClient

_HOST: Final = "claude.ai"
_CLIENTS: Final = (
    OAuthClient(
        id="https://claude.ai/oauth/mcp-oauth-client-metadata",
        name="Claude",
        redirect_uris=("https://claude.ai/api/mcp/auth_callback",),
        host=_HOST,
    ),
    OAuthClient(
        id="https://claude.ai/oauth/claude-code-client-metadata",
        name="Claude Code",
        redirect_uris=("http://localhost/callback", "http://127.0.0.1/callback"),
        host=_HOST,
    ),
)

KNOWN_CLIENTS: Final[Mapping[str, OAuthClient]] = {client.id: client for client in _CLIENTS}
"""By their ids."""
