"""The names of what this server adds to `_meta`, or reads there.

MCP asks for a prefix of one's own: a domain in reverse.
"""

from typing import Final

_PREFIX: Final = "live.traxstreaming/"

ACTOR: Final = f"{_PREFIX}actor"
"""In a call of a bot: the user that it acts for."""
APPROVED_IN: Final = f"{_PREFIX}approvedIn"
"""In a result: how the call was approved."""
OPERATION: Final = f"{_PREFIX}operation"
"""In a tool: the HTTP call that it makes."""
OUTCOME: Final = f"{_PREFIX}outcome"
"""In a result: the state of the studio, as seen after the call."""
TICKET: Final = f"{_PREFIX}ticket"
"""In a result: what lets the client's panel answer for a person."""
SCOPE: Final = f"{_PREFIX}scope"
"""In a tool: the scope that its key needs."""
