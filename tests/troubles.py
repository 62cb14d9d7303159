"""A read and a write for single troubles to meet, and what is told of them.

All that can go wrong, and what comes of it, is the table's in `tests.faults`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tests.calls import STUDIO

if TYPE_CHECKING:
    from trax_mcp.sandbox import Sandbox

READ: Final = ("get_stream_status", STUDIO)
WRITE: Final = ("send_chat_message", {**STUDIO, "text": "Hello"})
"""Public at once and never guarded, so that it meets its trouble by itself."""

LOOK: Final = (
    "whether it took effect is not known. Look with list_chat_messages before anything else."
)


def told(result: Any, sandbox: Sandbox) -> dict[str, object]:  # noqa: ANN401  the SDK's result
    """The failure in a result, the request id replaced by "ours" if it is that of the last one."""
    error = dict(result.structured_content["error"])
    assert result.is_error
    assert [block.text for block in result.content] == [error["message"]]
    if sandbox.requests and error.get("requestId") == sandbox.requests[-1].request_id:
        error["requestId"] = "ours"
    return error
