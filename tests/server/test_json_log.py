"""`TRAX_LOG_FORMAT=json`: each line is an object, and each call of a tool has one.

One process over HTTP, and on stdio one for each state that it is in.
"""

from __future__ import annotations

import asyncio
import json
import re
import signal
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests import ROOT
from tests.support.http_clients import plain_http
from tests.support.loopback_ports import closed_port
from tests.support.product.server import fingerprint
from tests.support.server_process import running
from tests.world.wire import FORMS, LEGACY, MODERN, HttpWire, opening, request, tool_call
from tests.world.world import MINE, Over, open_world

if TYPE_CHECKING:
    from tests.support.server_process import Running

JSON: Final = {"TRAX_LOG_FORMAT": "json"}
CALLS: Final = "trax_mcp.observe.messages"
TRACE: Final = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT: Final = f"00-{TRACE}-00f067aa0ba902b7-01"
CANARY: Final = "c4n4ry, what a person calls it"
STUDIO: Final[dict[str, Any]] = {"studioId": "studio_42"}
KEY: Final = "sk_live_in_the_place_of_an_id"
NEW_ID: Final = re.compile(r"[0-9a-f]{32}")

Line = dict[str, Any]


def objects(server: Running) -> list[Line]:
    """All lines of stderr. Each must be an object of visible ASCII."""
    assert all(it.isascii() and it.rstrip("\n").isprintable() for it in server.stderr.all)
    return [json.loads(it) for it in server.stderr.all]


def calls(lines: list[Line]) -> list[Line]:
    """The lines about calls."""
    return [it for it in lines if it["logger"] == CALLS]


@pytest.fixture(scope="module")
def log() -> list[Line]:
    """The lines of a server over HTTP on the sandbox."""
    return asyncio.run(_log())


async def _log() -> list[Line]:
    async with running("http", "--sandbox", "--port", "0", settings=JSON) as server:
        async with plain_http(await server.address()) as http:
            await say_what_the_page_shows(HttpWire(http, MODERN))
            await say_all_outcomes(HttpWire(http, MODERN))
            await say_many_at_once(HttpWire(http, LEGACY, x_request_id="the-handshake"))
        assert await server.stop(signal.SIGTERM) == 0
    return objects(server)


async def say_what_the_page_shows(caller: HttpWire) -> None:
    """Find a studio, with an id of the request and traces in a header and in `_meta`."""
    message = tool_call(MODERN, "find_studio", query=CANARY)
    await caller.post(message, x_request_id="from-my-proxy-1", traceparent=PARENT)
    message["params"]["_meta"]["traceparent"] = PARENT
    await caller.post(message, traceparent=PARENT.replace(TRACE, "1" * 32))
    await caller.post(message, traceparent=f"00-{'0' * 32}-00f067aa0ba902b7-01")


async def say_all_outcomes(caller: HttpWire) -> None:
    """Make calls that end in different ways, and ask for a list."""
    params = {"name": "go_live", "arguments": STUDIO}
    for message in (
        tool_call(MODERN, "go_live", **STUDIO),
        request(MODERN, "tools/call", params, capabilities=FORMS),
        tool_call(MODERN, "get_studio", studioId="studio_0"),
        tool_call(MODERN, "get_studio", studio=CANARY),
        tool_call(MODERN, CANARY),
        request(MODERN, "tools/list"),
    ):
        await caller.post(message, traceparent=PARENT, x_request_id="an-outcome")


async def say_many_at_once(session: HttpWire) -> None:
    """Call four times in one session, and for a wrong host."""
    await session.open()
    messages = [tool_call(LEGACY, "go_live", number=number, **STUDIO) for number in range(4)]
    await asyncio.gather(*(session.post(it, x_request_id=f"request-{it['id']}") for it in messages))
    await session.post(messages[0], host="evil.example", x_request_id="request-4")


def test_a_call_over_http_is_the_line_that_the_page_shows(log: list[Line]) -> None:
    """The trace is that of the header, or of `_meta`, which counts first."""
    page = (ROOT / "docs/http.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```json\n(\{\"time\".*\})\n```", page)
    first, *others = [dict(it) for it in calls(log) if it.get("tool") == "find_studio"]
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
        "enduser.pseudo.id": fingerprint(MINE),
    }
    assert [it["trace_id"] for it in others] == [TRACE, TRACE]
    assert "c4n4ry" not in str(log)


def test_the_outcome_says_what_came_of_a_call(log: list[Line]) -> None:
    """A name that is no tool could be any text, and is left out. Other methods are for DEBUG."""
    lines = [it for it in calls(log) if it.get("request_id") == "an-outcome"]
    assert [(it.get("tool"), it["outcome"]) for it in lines] == [
        ("go_live", "confirmation_required"),
        ("go_live", "input_required"),
        ("get_studio", "not_found"),
        ("get_studio", "invalid_arguments"),
        (None, "-32602"),
    ]


def test_all_lines_of_a_request_have_its_id(log: list[Line]) -> None:
    """In the earlier era too, whose sessions answer in a task that the first request began."""
    lines = [it for it in log if it.get("request_id", "").startswith("request-")]
    assert sorted((it["request_id"], it["message"].partition(":")[0]) for it in lines) == [
        *((f"request-{it}", text) for it in range(4) for text in ("decided", "tools/call go_live")),
        ("request-4", "Refused a request for another host"),
    ]
    decided = [it["audit"] for it in lines if it["message"] == "decided"]
    assert {it["caller"] for it in decided} == {fingerprint(MINE)}
    assert "the-handshake" not in str(log)


async def test_on_stdio_a_call_has_a_line_and_stdout_has_none() -> None:
    """No request has an id of HTTP there. A method is shown without a key and not whole."""
    settings = {**JSON, "TRAX_LOG_LEVEL": "DEBUG"}
    async with running("--sandbox", settings=settings) as server:
        await server.tell(*opening(LEGACY))
        for number in (1, 2):
            await server.ask(tool_call(LEGACY, "get_studio", number=number, **STUDIO))
        await server.ask(request(LEGACY, f"{KEY}/canary", number=3))
        await server.ask(request(LEGACY, "long/" * 1000, number=4))
        assert await server.hang_up() == 0
    assert all(json.loads(it)["jsonrpc"] == "2.0" for it in server.stdout.all)
    first, _, invented, long = [it for it in calls(objects(server)) if it["method"] != "initialize"]
    assert (first["transport"], first["tool"], first["outcome"]) == ("stdio", "get_studio", "ok")
    assert "request_id" not in first
    assert invented["method"] == "[key]"
    assert len(long["method"]) < 1024
    assert KEY not in server.stderr.text


@pytest.mark.parametrize(("level", "count"), [("DEBUG", 1), ("INFO", 0)])
async def test_as_text_a_call_has_a_line_for_debug_alone(level: str, count: int) -> None:
    async with running("--sandbox", settings={"TRAX_LOG_LEVEL": level}) as server:
        await server.ask(tool_call(MODERN, "get_studio", **STUDIO))
        assert await server.hang_up() == 0
    assert server.stderr.text.count(f"INFO {CALLS}: tools/call get_studio: ok") == count


async def test_a_usable_request_id_comes_back_and_another_gives_way_to_a_new_one() -> None:
    """With each answer, a refusal and a health check too."""
    app = "https://app.example"
    async with open_world(over=Over.HTTP, TRAX_ALLOWED_ORIGINS=app) as it:
        caller, message = await it.wire(), tool_call(MODERN, "get_studio", **STUDIO)
        for good in ("a", "x" * 128, 'my_"own"_{id};_7/8'):
            answer = await caller.post(message, x_request_id=good)
            assert answer.headers.get_list("x-request-id") == [good]
        news = set()
        for bad in ("", "two words", "x" * 129, "\u00e9", KEY, f"id-{KEY}"):
            raw = {**caller.all_headers(message), "x-request-id": bad}.items()
            headers = [(name.encode(), value.encode()) for name, value in raw]
            answer = await it.http.post("/mcp", json=message, headers=headers)
            assert answer.status_code == 200
            assert NEW_ID.fullmatch(answer.headers["x-request-id"])
            news.add(answer.headers["x-request-id"])
        assert len(news) == 6
        nowhere = await it.http.get("/nowhere", headers={"X-Request-Id": "mine"})
        assert nowhere.headers["x-request-id"] == "mine"
        refused = await caller.post(message, host="evil.example", x_request_id="mine")
        assert (refused.status_code, refused.headers["x-request-id"]) == (421, "mine")
        shown = await caller.post(message, origin=app)
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
    lines = objects(server)
    assert [
        (it["message"], it["code"], "trace_id" in it) for it in lines if it["level"] == "WARNING"
    ] == [("TRaX fails (unreachable).", "unreachable", False)]
    assert [(it["outcome"], it["trace_id"]) for it in calls(lines)] == [("unreachable", TRACE)] * 2
    assert KEY not in server.stderr.text


FAILING: Final = f"""
import runpy, sys, uuid

uuid4 = uuid.uuid4

def failing_uuid4():
    if sys._getframe(1).f_globals["__name__"] == "trax_mcp.api.client":
        raise RuntimeError("one line\\nanother, with {KEY}")
    return uuid4()

uuid.uuid4 = failing_uuid4
runpy.run_module("trax_mcp", run_name="__main__", alter_sys=True)
"""
"""The command, in which each request to TRaX fails."""


async def test_a_traceback_is_in_the_object_of_its_line() -> None:
    """Without the key in it. The line of the call says that it failed here."""
    async with running("--sandbox", settings=JSON, program=("-c", FAILING)) as server:
        await server.ask(tool_call(MODERN, "get_studio", **STUDIO))
        assert await server.hang_up() == 0
    failed, call = objects(server)
    assert (failed["level"], failed["message"]) == ("ERROR", "tools/call failed")
    assert failed["exception"].startswith("Traceback (most recent call last):\n")
    assert failed["exception"].endswith("RuntimeError: one line\nanother, with [key]")
    assert call["outcome"] == "-32603"
