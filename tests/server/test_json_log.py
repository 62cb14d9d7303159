"""`TRAX_LOG_FORMAT=json`: each line is an object, and each call of a tool has one."""

from __future__ import annotations

import asyncio
import json
import re
import signal
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests import ROOT
from tests.support.loopback_ports import closed_port
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.product.server import fingerprint
from tests.support.served_app import plain_http, serving
from tests.support.server_process import Running, running
from tests.world.wire import ERAS, LEGACY, MODERN, HttpWire, opening, request, tool_call

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

JSON: Final = {"TRAX_LOG_FORMAT": "json"}
CALLS: Final = "trax_mcp.server.call_log"
TRACE: Final = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT: Final = f"00-{TRACE}-00f067aa0ba902b7-01"
CANARY: Final = "c4n4ry, what a person calls it"
STUDIO: Final[dict[str, Any]] = {"studioId": "studio_42"}
KEY: Final = "sk_live_in_the_place_of_an_id"
NEW_ID: Final = re.compile(r"[0-9a-f]{32}")


def objects(server: Running) -> list[dict[str, Any]]:
    """All lines of stderr. Each must be an object of visible ASCII."""
    assert all(it.isascii() and it.rstrip("\n").isprintable() for it in server.stderr.all)
    return [json.loads(it) for it in server.stderr.all]


def calls(server: Running) -> list[dict[str, Any]]:
    """The lines about calls."""
    return [it for it in objects(server) if it["logger"] == CALLS]


@asynccontextmanager
async def served(**settings: str) -> AsyncIterator[tuple[Running, HttpWire]]:
    """A server process over HTTP, on the sandbox, that has ended when the block has."""
    async with running("http", "--sandbox", "--port", "0", settings={**JSON, **settings}) as server:
        async with plain_http(await server.address()) as http:
            yield server, HttpWire(http, MODERN)
        assert await server.stop(signal.SIGTERM) == 0


async def test_a_call_over_http_is_the_line_that_the_page_shows() -> None:
    """The trace is that of the header, or of `_meta`, which counts first."""
    page = (ROOT / "docs/http.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```json\n(\{\"time\".*\})\n```", page)
    async with served() as (server, caller):
        message = tool_call(MODERN, "find_studio", query=CANARY)
        await caller.post(message, x_request_id="from-my-proxy-1", traceparent=PARENT)
        message["params"]["_meta"]["traceparent"] = PARENT
        await caller.post(message, traceparent=PARENT.replace(TRACE, "1" * 32))
        await caller.post(message, traceparent=f"00-{'0' * 32}-00f067aa0ba902b7-01")
    first, *others = calls(server)
    assert list(first) == list(json.loads(shown))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", first.pop("time"))
    assert 0 < first["milliseconds"] < 60_000
    assert first.pop("message") == f"tools/call find_studio: ok in {first.pop('milliseconds')} ms"
    assert first.pop("trax_request_id").startswith("mcp_")
    assert first == {
        "level": "INFO",
        "logger": CALLS,
        "request_id": "from-my-proxy-1",
        "trace_id": TRACE,
        "method": "tools/call",
        "tool": "find_studio",
        "outcome": "ok",
        "transport": "http",
        "enduser.pseudo.id": fingerprint(SANDBOX_KEY),
    }
    assert [it["trace_id"] for it in others] == [TRACE, TRACE]
    assert "c4n4ry" not in server.stderr.text


async def test_the_outcome_says_what_came_of_a_call() -> None:
    """A name that is no tool could be any text, and is left out. Other methods are for DEBUG."""
    form = request(
        MODERN,
        "tools/call",
        {"name": "go_live", "arguments": STUDIO},
        capabilities={"elicitation": {"form": {}}},
    )
    async with served() as (server, caller):
        for message in (
            tool_call(MODERN, "go_live", **STUDIO),
            form,
            tool_call(MODERN, "get_studio", studioId="studio_0"),
            tool_call(MODERN, "get_studio", studio=CANARY),
            tool_call(MODERN, CANARY),
            request(MODERN, "tools/list"),
        ):
            await caller.post(message, traceparent=PARENT)
    assert [(it.get("tool"), it["outcome"]) for it in calls(server)] == [
        ("go_live", "confirmation_required"),
        ("go_live", "input_required"),
        ("get_studio", "not_found"),
        ("get_studio", "invalid_arguments"),
        (None, "-32602"),
    ]
    assert "c4n4ry" not in server.stderr.text


async def test_a_method_that_a_client_invents_is_shown_without_a_key_and_not_whole() -> None:
    """It is there for DEBUG alone."""
    async with served(TRAX_LOG_LEVEL="DEBUG") as (server, caller):
        await caller.post(request(MODERN, f"{KEY}/canary"))
        await caller.post(request(MODERN, "long/" * 1000))
    first, second = (it["method"] for it in calls(server))
    assert first == "[key]"
    assert len(second) < 1024
    assert KEY not in server.stderr.text


async def test_all_lines_of_a_request_have_its_id() -> None:
    """In the earlier era too, whose sessions answer in a task that the first request began."""
    async with served() as (server, caller):
        session = HttpWire(caller.http, LEGACY, x_request_id="the-handshake")
        await session.open()
        ids = [f"request-{number}" for number in range(4)]
        messages = [tool_call(LEGACY, "go_live", number=n, **STUDIO) for n in range(4)]
        posts = zip(messages, ids, strict=True)
        await asyncio.gather(*(session.post(it, x_request_id=of_it) for it, of_it in posts))
        await caller.post(messages[0], host="evil.example", x_request_id="request-4")
    lines = objects(server)[1:]
    assert sorted((it["request_id"], it["message"].partition(":")[0]) for it in lines) == [
        *sorted((it, text) for it in ids for text in ("decided", "tools/call go_live")),
        ("request-4", "Refused a request for another host"),
    ]
    decided = [it["audit"] for it in lines if it["message"] == "decided"]
    assert {it["caller"] for it in decided} == {fingerprint(SANDBOX_KEY)}


@pytest.mark.parametrize("era", ERAS)
async def test_a_call_on_stdio_has_a_line_and_stdout_has_none(era: str) -> None:
    """No request has an id of HTTP there."""
    async with running("--sandbox", settings=JSON) as server:
        await server.tell(*opening(era))
        for number in (1, 2):
            await server.ask(tool_call(era, "get_studio", number=number, **STUDIO))
        assert await server.hang_up() == 0
    assert all(json.loads(it)["jsonrpc"] == "2.0" for it in server.stdout.all)
    first, _ = calls(server)
    assert (first["transport"], first["tool"], first["outcome"]) == ("stdio", "get_studio", "ok")
    assert "request_id" not in first


@pytest.mark.parametrize(("level", "count"), [("DEBUG", 1), ("INFO", 0)])
async def test_as_text_a_call_has_a_line_for_debug_alone(level: str, count: int) -> None:
    async with running("--sandbox", settings={"TRAX_LOG_LEVEL": level}) as server:
        await server.ask(tool_call(MODERN, "get_studio", **STUDIO))
        assert await server.hang_up() == 0
    lines = [
        it for it in server.stderr.all if it.startswith(f"INFO {CALLS}: tools/call get_studio: ok")
    ]
    assert len(lines) == count


async def test_a_usable_request_id_comes_back_and_another_gives_way_to_a_new_one() -> None:
    """With each answer, a refusal and a health check too."""
    async with serving(TRAX_ALLOWED_ORIGINS="https://app.example") as front:
        caller = front.caller(MODERN, x_api_key=SANDBOX_KEY)
        message = tool_call(MODERN, "get_studio", **STUDIO)
        for good in ("a", "x" * 128, 'my "own" {id}; 7/8'.replace(" ", "_")):
            answer = await caller.post(message, x_request_id=good)
            assert answer.headers.get_list("x-request-id") == [good]
        news = set()
        for bad in (
            "",
            "two words",
            "x" * 129,
            "\u00e9",
            KEY,
            f"id-{KEY}",
        ):
            raw = {**caller.all_headers(message), "x-request-id": bad}.items()
            headers = [(name.encode(), value.encode()) for name, value in raw]
            answer = await front.http.post("/mcp", json=message, headers=headers)
            assert answer.status_code == 200
            assert NEW_ID.fullmatch(answer.headers["x-request-id"])
            news.add(answer.headers["x-request-id"])
        assert len(news) == 6
        for path in ("/healthz", "/readyz", "/nowhere"):
            answer = await front.http.get(path, headers={"X-Request-Id": "mine"})
            assert answer.headers["x-request-id"] == "mine"
        refused = await caller.post(message, host="evil.example", x_request_id="mine")
        assert (refused.status_code, refused.headers["x-request-id"]) == (421, "mine")
        shown = await caller.post(message, origin="https://app.example")
        assert "X-Request-Id" in shown.headers["access-control-expose-headers"].split(", ")


async def test_a_failure_of_trax_is_a_warning_with_its_code_and_no_key() -> None:
    """One, though two calls fail; each of them has its own line."""
    settings = {**JSON, "TRAX_API_KEY": KEY, "TRAX_BASE_URL": f"http://127.0.0.1:{closed_port()}"}
    async with running(settings=settings) as server:
        for number in range(2):
            message = tool_call(MODERN, "get_studio", number=number, **STUDIO)
            message["params"]["_meta"]["traceparent"] = PARENT
            await server.ask(message)
        assert await server.hang_up() == 0
    warnings = [it for it in objects(server) if it["level"] == "WARNING"]
    assert [(it["message"], it["code"], "trace_id" in it) for it in warnings] == [
        ("TRaX fails (unreachable).", "unreachable", False)
    ]
    assert [(it["outcome"], it["trace_id"]) for it in calls(server)] == [("unreachable", TRACE)] * 2
    assert KEY not in server.stderr.text


async def test_a_traceback_is_in_the_object_of_its_line() -> None:
    """Without the key in it. The line of the call says that it failed here."""
    program = f"""
import runpy, sys, uuid

uuid4 = uuid.uuid4

def failing_uuid4():
    if sys._getframe(1).f_globals["__name__"] == "trax_mcp.api.client":
        raise RuntimeError("one line\\nanother, with {KEY}")
    return uuid4()

uuid.uuid4 = failing_uuid4
runpy.run_module("trax_mcp", run_name="__main__", alter_sys=True)
"""
    async with running("--sandbox", settings=JSON, program=("-c", program)) as server:
        await server.ask(tool_call(MODERN, "get_studio", **STUDIO))
        assert await server.hang_up() == 0
    failed, call = objects(server)
    assert (failed["level"], failed["message"]) == ("ERROR", "tools/call failed")
    assert failed["exception"].startswith("Traceback (most recent call last):\n")
    assert failed["exception"].endswith("RuntimeError: one line\nanother, with [key]")
    assert call["outcome"] == "-32603"
