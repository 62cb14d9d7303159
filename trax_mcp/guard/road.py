"""The one road from a tool to TRaX. Every call walks it, guarded or not.

It asks the policy, and only then the client. It knows nothing of MCP or of how a person is asked:
a call that may not run comes back as `NotRun`, and whoever asked decides what to show.
"""

from dataclasses import dataclass

from trax_mcp.api.caller import Caller
from trax_mcp.api.client import Client
from trax_mcp.api.operation import Answer_co, Operation
from trax_mcp.api.replies import Answer
from trax_mcp.guard.policy import Evidence, Preview, Proceed, judge
from trax_mcp.guard.preview import Outlook, preview


@dataclass(frozen=True, slots=True)
class NotRun:
    """Nothing was sent: consent is missing. `outlook` is what consent is needed for."""

    outlook: Outlook


class Road:
    """The way of a call: verdict, then send."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def walk(
        self, operation: Operation[Answer_co], caller: Caller, evidence: Evidence
    ) -> Answer[Answer_co] | NotRun:
        """Run an operation if it may run.

        Raises:
            TraxError: the call was sent, or tried, and has failed; see `errors`.
        """
        match judge(operation, evidence):
            case Proceed():
                return await self._client.send(operation, caller)
            case Preview():
                return NotRun(preview(operation))
