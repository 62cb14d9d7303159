"""JSON-RPC of a guarded call by a client with forms, and of the question that comes back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.support.guarded_calls import DELETE_DESTINATION as OPERATION
from tests.support.jsonrpc import FORMS, request

if TYPE_CHECKING:
    from tests.support.server_process import Running

Message = dict[str, Any]


def calling(era: str, *, number: int, **more: object) -> Message:
    """A call by a client that supports forms. `more` is added beside its arguments."""
    given = {"name": OPERATION.tool, "arguments": OPERATION.arguments, **more}
    message = request(era, "tools/call", given, capabilities=FORMS)
    return {**message, "id": f"call {number}"}  # differs from the ids of the server's requests


async def question(server: Running, number: int) -> Message:
    """The `number`-th question of the server, in the earlier era."""
    seen = 0

    def numbered(line: str) -> Message | None:
        nonlocal seen
        message: Message = json.loads(line)
        seen += message.get("method") == "elicitation/create"
        return message if seen == number else None

    return await server.stdout.find(numbered)
