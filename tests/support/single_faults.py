"""A read and a write for tests of single faults, and the failure in a result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tests.support.guarded_calls import STUDIO

if TYPE_CHECKING:
    from tests.support.product.sandbox import Sandbox

READ: Final = ("get_stream_status", STUDIO)
WRITE: Final = ("send_chat_message", {**STUDIO, "text": "Hello"})
"""Needs no confirmation, so that it meets the fault itself."""

CHECK_FIRST: Final = (
    "whether it took effect is not known. Look with list_chat_messages before anything else."
)


def failure_in(result: Any, sandbox: Sandbox) -> dict[str, object]:  # noqa: ANN401  the SDK's result
    """The failure in a result; the id of the last request in it becomes "ours"."""
    error = dict(result.structured_content["error"])
    assert result.is_error
    assert [block.text for block in result.content] == [error["message"]]
    if sandbox.requests and error.get("requestId") == sandbox.requests[-1].request_id:
        error["requestId"] = "ours"
    return error
