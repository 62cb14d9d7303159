"""Neither the log nor the answers contain a secret: not under DEBUG, not after errors, in no era.

Each run puts secrets in every place where one may be.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from typing import TYPE_CHECKING, Any

import mcp_types as types
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError

from tests.conftest import OWNER
from tests.support.faults import Fault
from tests.support.jsonrpc import LEGACY, HttpCaller, opening, read_answer, request, tool_call
from tests.support.local_servers import upstream
from tests.support.sandbox_accounts import READONLY_KEY
from tests.support.served_app import plain_http
from tests.support.server_process import PATIENCE_SECONDS, running
from trax_mcp.sandbox import SANDBOX_KEY
from trax_mcp.server.app import build_server

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.support.jsonrpc import Message
    from tests.support.recorded_sandbox import Sandbox
    from trax_mcp.api.client import Client as TraxClient

TOKEN = "canary-token-of-this-server"
STREAM_KEY = "canary-stream-key"
SIGNATURE = "canary-signature"
CONFIRMATION = "canary-confirmation"
SECRET = "canary-in-an-exception"

WITH_A_BUG = """
from trax_mcp.cli import main
from trax_mcp.consent.guard import ConsentGuard

run = ConsentGuard.run

async def run_with_bug(guard, call):
    if call.operation.tool_name == "get_health":
        raise RuntimeError("a deliberate bug")
    return await run(guard, call)

ConsentGuard.run = run_with_bug
main()
"""
"""The command, with an unexpected exception in one call."""

DESTINATION = {
    "studioId": "studio_42",
    "name": "Side stage",
    "platform": "kick",
    "rtmpUrl": f"rtmps://kick.example/app/{STREAM_KEY}",
    "streamKey": STREAM_KEY,
}
NEW_KEY = {"studioId": "studio_42", "destId": "dest_3", "streamKey": STREAM_KEY}
UPLOAD = {"filename": "a.png", "contentType": "image/png", "byteSize": 1}


def all_calls(era: str) -> list[Message]:
    """Calls with secrets in their arguments or results, and calls that fail."""
    calls: list[tuple[str, dict[str, Any]]] = [
        ("create_destination", DESTINATION),
        ("create_destination", {**DESTINATION, "platform": 7}),
        ("create_destination", {**DESTINATION, STREAM_KEY: STREAM_KEY}),
        ("update_destination", NEW_KEY),
        ("update_destination", {**NEW_KEY, "confirm": True, "confirmation": CONFIRMATION}),
        ("create_media_upload", UPLOAD),
        ("list_studios", {}),
        ("list_sources", {"studioId": "studio_42"}),
        ("list_connections", {}),
        ("get_studio", {"studioId": "studio_42"}),
        ("get_health", {}),
    ]
    messages = [
        tool_call(era, tool, number=n, **arguments) for n, (tool, arguments) in enumerate(calls, 1)
    ]
    invalid = request(era, "tools/call", {"name": "go_live", "arguments": STREAM_KEY}, number=98)
    return [*messages, invalid, request(era, f"no/such/{STREAM_KEY}", number=99)]


def script_faults(trax: Sandbox) -> None:
    """Answers with secrets in unexpected places, and no answers."""
    presigned = f"https://bucket.example/a.png?X-Signature={SIGNATURE}"
    redirect = Fault.status(302, headers={"Location": presigned, "Set-Cookie": SIGNATURE})
    trax.faults.add(redirect, path="/v1/studios")
    page = f"<html>{SANDBOX_KEY} {presigned}</html>"
    trax.faults.add(Fault.status(500, page, content_type="text/html"), path="/v1/*/sources")
    trax.faults.add(Fault.dropped(), times=None, path="/v1/connections")


def secrets_in(answers: Iterable[Message]) -> list[str]:
    """All strings that must not be in the log, including those from answers."""
    results = [answer.get("result", {}).get("structuredContent", {}) for answer in answers]
    (url,) = (it["uploadUrl"] for it in results if "uploadUrl" in it)
    first, second = (it["confirmation"] for it in results if "confirmation" in it)
    fixed = [SANDBOX_KEY, READONLY_KEY, STREAM_KEY, SIGNATURE, TOKEN, CONFIRMATION]
    return [*fixed, url, url.rsplit("/")[-1], first, second]


def internal_errors(answers: Iterable[Message]) -> list[Message]:
    """The internal errors among the answers."""
    errors = [answer["error"] for answer in answers if "error" in answer]
    return [error for error in errors if error["code"] == types.INTERNAL_ERROR]


def assert_clean(log: str, canaries: Iterable[str]) -> None:
    """The log has no secret, the decision of the guard, and the traceback of the bug once."""
    assert [it for it in canaries if it in log] == []
    assert log.count("a deliberate bug") == 1
    assert log.count("Traceback") == 1
    assert log.count("tools/call failed") == 1
    assert '"operation": "update_destination"' in log
    assert "DEBUG" in log


async def test_no_secret_is_logged_over_stdio(era: str) -> None:
    """Also for lines that are no valid messages."""
    async with upstream() as trax:
        script_faults(trax)
        settings = {
            "TRAX_LOG_LEVEL": "DEBUG",
            "TRAX_API_KEY": SANDBOX_KEY,
            "TRAX_BASE_URL": trax.base_url,
        }
        async with running(settings=settings, program=("-c", WITH_A_BUG)) as server:
            await server.write(f"{STREAM_KEY} is no message\n")
            await server.tell({"jsonrpc": "2.0", "method": STREAM_KEY, "params": {"a": STREAM_KEY}})
            await server.tell(*opening(era))
            answers = [await server.ask(message) for message in all_calls(era)]
            assert await server.hang_up() == 0
    assert [error["message"] for error in internal_errors(answers)] == ["Internal error"]
    assert_clean(server.stderr.text, secrets_in(answers))


async def test_no_secret_is_logged_over_http(era: str) -> None:
    """Neither the token nor the session id, also for requests with a wrong key."""
    async with upstream() as trax:
        script_faults(trax)
        settings = {
            "TRAX_LOG_LEVEL": "DEBUG",
            "TRAX_MCP_TOKEN": TOKEN,
            "TRAX_BASE_URL": trax.base_url,
        }
        async with (
            running("http", "--port", "0", settings=settings, program=("-c", WITH_A_BUG)) as server,
            plain_http(await server.address()) as http,
        ):
            caller = HttpCaller(http, era, x_api_key=SANDBOX_KEY, authorization=f"Bearer {TOKEN}")
            await caller.open()
            answers = [read_answer(await caller.post(message)) for message in all_calls(era)]
            for wrong in (
                {"x_api_key": READONLY_KEY},
                {"x_api_key": f"{SANDBOX_KEY} and more"},
                {"authorization": f"Bearer {SANDBOX_KEY}"},
                {"authorization": f"Bearer {TOKEN}-not"},
                {"host": "evil.example"},
            ):
                await caller.post(tool_call(era, "list_media"), **wrong)
            await http.post("/mcp", content=STREAM_KEY, headers=caller.all_headers())
            assert await server.stop(signal.SIGTERM) == 0
    assert [error["message"] for error in internal_errors(answers)] == ["Internal error"]
    canaries = [*secrets_in(answers), *filter(None, [caller.session])]
    assert_clean(server.stderr.text, canaries)
    if era == LEGACY:
        assert "Rejecting request for session ...:" in server.stderr.text


async def test_the_id_of_an_interrupted_session_is_not_logged() -> None:
    """With open streams, a client that disconnects, a deleted session and a stop."""
    settings = {"TRAX_LOG_LEVEL": "DEBUG"}
    async with (
        running("http", "--sandbox", "--port", "0", settings=settings) as server,
        plain_http(await server.address()) as http,
    ):
        dropped, deleted, open_session = (HttpCaller(http, LEGACY) for _ in range(3))
        for caller in (dropped, deleted, open_session):
            await caller.open()
        async with http.stream("GET", "/mcp", headers=dropped.all_headers()):
            pass
        await http.delete("/mcp", headers=deleted.all_headers())
        await deleted.post(tool_call(LEGACY, "list_studios"))
        async with http.stream("GET", "/mcp", headers=open_session.all_headers()) as stream:
            async with http.stream("GET", "/mcp", headers=open_session.all_headers()) as second:
                assert second.status_code == 409
            assert await server.stop(signal.SIGINT) == 0
            await stream.aread()
    sessions = [caller.session for caller in (dropped, deleted, open_session)]
    assert all(sessions)
    assert [it for it in sessions if it is not None and it in server.stderr.text] == []


async def test_the_text_of_an_exception_is_logged_but_not_sent(
    trax: TraxClient,
    *,
    era: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The log has it once."""

    async def fail(*_: object, **__: object) -> None:
        raise RuntimeError(SECRET)

    monkeypatch.setattr(trax, "send", fail)
    async with (
        asyncio.timeout(PATIENCE_SECONDS),
        Client(build_server(trax, own=OWNER), mode=era, cache=None) as client,
    ):
        with pytest.raises(MCPError) as caught:
            await client.call_tool("list_studios", {})
    assert (caught.value.code, str(caught.value)) == (types.INTERNAL_ERROR, "Internal error")
    assert caught.value.data is None
    (logged,) = [it for it in caplog.records if it.levelno >= logging.ERROR]
    assert logged.exc_info is not None
    assert SECRET in str(logged.exc_info[1])
