"""The request data that tools need."""

from dataclasses import dataclass

from trax_mcp.api.caller import Caller
from trax_mcp.chat.watchers import Watchers
from trax_mcp.server.elicitation import Elicitor


@dataclass(frozen=True, slots=True)
class RequestContext:
    """The caller, a way to ask the person behind the client, and the server's watchers."""

    caller: Caller
    elicitor: Elicitor
    watchers: Watchers
