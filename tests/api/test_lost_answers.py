"""Errors on the connection to TRaX: no connection, or an incomplete answer. On real sockets."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.conftest import OWNER, call
from tests.support.raw_upstream import answering, closed_port
from tests.support.single_faults import CHECK_FIRST, READ, WRITE, failure_in
from trax_mcp.api.client import Client
from trax_mcp.server.app import build_server

if TYPE_CHECKING:
    from tests.support.raw_upstream import After
    from tests.support.recorded_sandbox import Sandbox


@pytest.mark.parametrize(("tool", "arguments"), [READ, WRITE])
async def test_a_refused_connection_is_tried_three_times(
    sandbox: Sandbox, tool: str, arguments: dict[str, Any]
) -> None:
    """Nothing is sent, so even a write can be retried."""
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    trax = Client(base_url=f"http://127.0.0.1:{closed_port()}", timeout_seconds=5, sleep=pause)
    result = await call(build_server(trax, own=OWNER), tool, arguments)
    await trax.aclose()
    error = failure_in(result, sandbox)
    assert re.fullmatch(r"mcp_[0-9a-f]{32}", str(error.pop("requestId")))
    assert error == {
        "code": "unreachable",
        "message": "TRaX could not be reached, so nothing was sent."
        " Check the network and TRAX_BASE_URL, then call again.",
        "retryable": True,
        "outcome": "not_applied",
    }
    assert len(pauses) == 2


HEAD: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n"
DONE: Final = (
    "it has taken effect, so do not call again. Look with list_chat_messages before anything else."
)
LOST: Final = "The connection to TRaX broke before it answered"


@pytest.mark.parametrize(
    ("sent", "after", "code", "happened", "outcome"),
    [
        (b"", "close", "unreachable", LOST, "unknown"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "close", "unreachable", LOST, "unknown"),
        (HEAD[:40], "close", "unreachable", LOST, "unknown"),
        (
            HEAD,
            "close",
            "bad_answer",
            "TRaX accepted send_chat_message, but its answer broke off",
            "applied",
        ),
        (
            HEAD + b'{"encoder',
            "close",
            "bad_answer",
            "TRaX accepted send_chat_message, but its answer broke off",
            "applied",
        ),
        (
            HEAD.replace(b"200 OK", b"500 Oh") + b'{"error": {"code',
            "close",
            "bad_answer",
            "TRaX has trouble (HTTP 500)",
            "unknown",
        ),
        (b"", "wait", "timeout", "TRaX did not answer within 0.2 s", "unknown"),
        (
            HEAD + b'{"encoder',
            "wait",
            "timeout",
            "TRaX accepted send_chat_message, but its answer was not complete within 0.2 s",
            "applied",
        ),
        (
            HEAD.replace(b"99", b"9999"),
            "drip",
            "timeout",
            "TRaX accepted send_chat_message, but its answer was not complete within 0.2 s",
            "applied",
        ),
        (
            HEAD.replace(b"200 OK", b"502 Oh"),
            "wait",
            "bad_answer",
            "TRaX has trouble (HTTP 502)",
            "unknown",
        ),
    ],
)
async def test_a_write_with_an_incomplete_answer_is_sent_once(
    *, sent: bytes, after: After, code: str, happened: str, outcome: str
) -> None:
    """A complete head with a success status means that the write is applied."""
    async with answering(sent, after=after) as upstream:
        trax = Client(base_url=upstream.url, timeout_seconds=0.2)
        result = await call(build_server(trax, own=OWNER), *WRITE)
        await trax.aclose()
    error = (result.structured_content or {})["error"]
    next_step = DONE if outcome == "applied" else CHECK_FIRST
    assert (error["code"], error["outcome"], error["retryable"]) == (code, outcome, False)
    assert error["message"] == f"{happened}; {next_step}"
    assert upstream.requests == 1
