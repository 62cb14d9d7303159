"""The log and the answers hold no secret: not under DEBUG, not where things go wrong, in no era.

Each run carries secrets on purpose, in every place where one may be, and looks for them afterwards.
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
from tests.front import plain_http
from tests.jsonrpc import LEGACY, HttpCaller, opening, read_answer, request, tool_call
from tests.ports import upstream
from tests.processes import PATIENCE_SECONDS, running
from trax_mcp.sandbox import READONLY_KEY, SANDBOX_KEY, Fault, Sandbox
from trax_mcp.server.app import build_server

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.jsonrpc import Message
    from trax_mcp.api.client import Client as TraxClient

TOKEN = "canary-token-of-this-server"
STREAM_KEY = "canary-stream-key"
SIGNATURE = "canary-signature"
CONFIRMATION = "canary-confirmation"
SECRET = "canary-in-an-exception"

WITH_A_MISTAKE = """
from trax_mcp.cli import main
from trax_mcp.consent.guard import ConsentGuard

walk = ConsentGuard.walk

async def mistaken(road, visit):
    if visit.operation.tool_name == "get_health":
        raise RuntimeError("a mistake of ours")
    return await walk(road, visit)

ConsentGuard.walk = mistaken
main()
"""
"""The command, except that one call runs into an exception that nobody has foreseen."""

DESTINATION = {
    "studioId": "studio_42",
    "name": "Side stage",
    "platform": "kick",
    "rtmpUrl": f"rtmps://kick.example/app/{STREAM_KEY}",
    "streamKey": STREAM_KEY,
}
NEW_KEY = {"studioId": "studio_42", "destId": "dest_3", "streamKey": STREAM_KEY}
UPLOAD = {"filename": "a.png", "contentType": "image/png", "byteSize": 1}


def calls(era: str) -> list[Message]:
    """Calls that carry secrets, or are answered with some, or fail in one way or another."""
    asked: list[tuple[str, dict[str, Any]]] = [
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
    made = [tool_call(era, tool, number=n, **given) for n, (tool, given) in enumerate(asked, 1)]
    badly = request(era, "tools/call", {"name": "go_live", "arguments": STREAM_KEY}, number=98)
    return [*made, badly, request(era, f"no/such/{STREAM_KEY}", number=99)]


def script_faults(trax: Sandbox) -> None:
    """Answers that hold secrets where none should be, and no answers."""
    presigned = f"https://bucket.example/a.png?X-Signature={SIGNATURE}"
    redirect = Fault.status(302, headers={"Location": presigned, "Set-Cookie": SIGNATURE})
    trax.faults.add(redirect, path="/v1/studios")
    page = f"<html>{SANDBOX_KEY} {presigned}</html>"
    trax.faults.add(Fault.status(500, page, content_type="text/html"), path="/v1/*/sources")
    trax.faults.add(Fault.dropped(), times=None, path="/v1/connections")


def secrets(answers: Iterable[Message]) -> list[str]:
    """All that must not be in the log, among it what some of the answers hold."""
    told = [answer.get("result", {}).get("structuredContent", {}) for answer in answers]
    (url,) = (it["uploadUrl"] for it in told if "uploadUrl" in it)
    first, second = (it["confirmation"] for it in told if "confirmation" in it)
    fixed = [SANDBOX_KEY, READONLY_KEY, STREAM_KEY, SIGNATURE, TOKEN, CONFIRMATION]
    return [*fixed, url, url.rsplit("/")[-1], first, second]


def internal_errors(answers: Iterable[Message]) -> list[Message]:
    """The errors that tell nothing but that there was one."""
    errors = [answer["error"] for answer in answers if "error" in answer]
    return [error for error in errors if error["code"] == types.INTERNAL_ERROR]


def assert_clean(log: str, canaries: Iterable[str]) -> None:
    """No secret is in the log; what the guard decided is, and the one mistake, once."""
    assert [it for it in canaries if it in log] == []
    assert log.count("a mistake of ours") == 1
    assert log.count("Traceback") == 1
    assert log.count("tools/call failed") == 1
    assert '"operation": "update_destination"' in log
    assert "DEBUG" in log


async def test_on_stdio_no_secret_is_logged(era: str) -> None:
    """Neither the key nor what calls carry, even from lines that are no messages."""
    async with upstream() as trax:
        script_faults(trax)
        settings = {
            "TRAX_LOG_LEVEL": "DEBUG",
            "TRAX_API_KEY": SANDBOX_KEY,
            "TRAX_BASE_URL": trax.base_url,
        }
        async with running(settings=settings, program=("-c", WITH_A_MISTAKE)) as server:
            await server.write(f"{STREAM_KEY} is no message\n")
            await server.tell({"jsonrpc": "2.0", "method": STREAM_KEY, "params": {"a": STREAM_KEY}})
            await server.tell(*opening(era))
            answers = [await server.ask(message) for message in calls(era)]
            assert await server.hang_up() == 0
    assert [error["message"] for error in internal_errors(answers)] == ["Internal error"]
    assert_clean(server.stderr.text, secrets(answers))


async def test_on_http_no_secret_is_logged(era: str) -> None:
    """Nor the token nor the session's id, not even where a wrong key is refused with it."""
    async with upstream() as trax:
        script_faults(trax)
        settings = {
            "TRAX_LOG_LEVEL": "DEBUG",
            "TRAX_MCP_TOKEN": TOKEN,
            "TRAX_BASE_URL": trax.base_url,
        }
        async with (
            running(
                "http", "--port", "0", settings=settings, program=("-c", WITH_A_MISTAKE)
            ) as server,
            plain_http(await server.address()) as http,
        ):
            caller = HttpCaller(http, era, x_api_key=SANDBOX_KEY, authorization=f"Bearer {TOKEN}")
            await caller.open()
            answers = [read_answer(await caller.post(message)) for message in calls(era)]
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
    canaries = [*secrets(answers), *filter(None, [caller.session])]
    assert_clean(server.stderr.text, canaries)
    if era == LEGACY:
        assert "Rejecting request for session ...:" in server.stderr.text


async def test_a_session_that_ends_in_the_middle_leaves_no_trace_of_its_id() -> None:
    """Open streams, calls under way, a client that vanishes, a stop: the log stays without it."""
    settings = {"TRAX_LOG_LEVEL": "DEBUG"}
    async with (
        running("http", "--sandbox", "--port", "0", settings=settings) as server,
        plain_http(await server.address()) as http,
    ):
        gone, deleted, open_one = (HttpCaller(http, LEGACY) for _ in range(3))
        for caller in (gone, deleted, open_one):
            await caller.open()
        async with http.stream("GET", "/mcp", headers=gone.all_headers()):
            pass
        await http.delete("/mcp", headers=deleted.all_headers())
        await deleted.post(tool_call(LEGACY, "list_studios"))
        async with http.stream("GET", "/mcp", headers=open_one.all_headers()) as stream:
            async with http.stream("GET", "/mcp", headers=open_one.all_headers()) as second:
                assert second.status_code == 409
            assert await server.stop(signal.SIGINT) == 0
            await stream.aread()
    sessions = [caller.session for caller in (gone, deleted, open_one)]
    assert all(sessions)
    assert [it for it in sessions if it is not None and it in server.stderr.text] == []


async def test_what_an_exception_says_is_told_to_nobody(
    trax: TraxClient,
    *,
    era: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The client is told that there was an error, the log what it was, and once."""

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
