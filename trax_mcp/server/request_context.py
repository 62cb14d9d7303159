"""Whoever calls a tool, and what is at hand for them."""

from dataclasses import dataclass

from trax_mcp.api.caller import Caller
from trax_mcp.chat.watchers import Watchers
from trax_mcp.server.elicitation import Elicitor


@dataclass(frozen=True, slots=True)
class RequestContext:
    """A caller's key, the person behind their client, and the watchers that live between calls."""

    caller: Caller
    person: Elicitor
    watchers: Watchers
