"""How `trax-mcp http` fails to start, and how it stops: at once, and every client is answered."""

from __future__ import annotations

import asyncio
import signal
import socket
from typing import TYPE_CHECKING, Final

import pytest

from tests.support import hanging_server
from tests.support.event_streams import Session, listen_stream
from tests.support.product.commands import run_command
from tests.support.product.local_servers import Held, upstream
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.product.shared_clock import settled
from tests.support.raw_connections import BEGINNING, CONTINUE, HEAD, connected
from tests.support.served_app import plain_http
from tests.support.server_process import PATIENCE_SECONDS, SIGNALS, running
from tests.support.subscribers import CHAT, manual_clock_server, poll_times, say
from tests.world.wire import LEGACY, MODERN, HttpWire, read_answer, tool_call

if TYPE_CHECKING:
    from tests.world.wire import Message

META: Final = {"io.modelcontextprotocol/subscriptionId": 1}


@pytest.mark.parametrize("command", ["http", "sandbox"])
def test_a_port_in_use_stops_the_start_with_one_sentence(command: str) -> None:
    """It names the address and what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = run_command(command, "--port", port)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == (
        f"trax-mcp: Cannot listen on 127.0.0.1:{port}: Address already in use. Choose"
        " another with --port.\n"
    )


@pytest.mark.parametrize(
    ("host", "named"), [("192.0.2.1", "192.0.2.1:0"), ("2001:db8::1", "[2001:db8::1]:0")]
)
def test_an_address_of_another_machine_stops_the_start_with_one_sentence(
    host: str, named: str
) -> None:
    """These networks belong to no machine (RFC 5737 and RFC 3849)."""
    ended = run_command("http", "--host", host, "--port", "0")
    assert ended.code == 1
    assert ended.err.startswith(f"trax-mcp: Cannot listen on {named}: ")
    assert ended.err.endswith(". Choose another with --host.\n")


# The end, with real signals


@pytest.mark.parametrize("number", SIGNALS)
async def test_a_signal_ends_a_server_at_once_and_completes_every_response(number: int) -> None:
    """Streams of both eras, a call that TRaX does not answer, idle and unfinished connections.

    A person who presses Ctrl-C does not wait for a drain either.
    """
    held, drain = Held(), {"TRAX_DRAIN_SECONDS": "600"} if number == signal.SIGINT else {}
    async with (
        upstream() as trax,
        running(
            "http", "--port", "0", settings={"TRAX_BASE_URL": trax.base_url, **drain}
        ) as server,
        plain_http(await server.address()) as http,
        connected(await server.address()) as head,
        connected(await server.address()) as body,
    ):
        head.send(BEGINNING)
        body.send(HEAD % (b"localhost", CONTINUE))
        assert await body.status() == 100
        session = Session(HttpWire(http, LEGACY, x_api_key=SANDBOX_KEY))
        await session.caller.open()
        caller = HttpWire(http, MODERN, x_api_key=SANDBOX_KEY)
        async with session.stream() as earlier, listen_stream(caller, CHAT) as later:
            await session.subscribe(CHAT)
            trax.faults.add(held.fault, path="/v1/studios")
            calling = asyncio.create_task(caller.post(tool_call(MODERN, "list_studios")))
            await held.arrived()
            assert await server.stop(number) == 0
            async with asyncio.timeout(PATIENCE_SECONDS):
                answer = read_answer(await calling)
            await settled()
        assert await head.response() == b""
        assert b" 503 " in await body.response()
        held.release()
    assert "The server is shutting down" in answer["error"]["message"]
    assert (earlier.ended, later.ended) == (True, True)
    assert is_end(later.messages[-1])
    assert (len(server.stderr.all), server.stdout.all) == (1, [])


async def test_a_name_server_that_does_not_answer_does_not_delay_the_end() -> None:
    """A thread looks the name of TRaX up, and cannot be interrupted."""
    program = ("-m", "tests.support.hanging_server", hanging_server.NAMES)
    async with (
        running("http", "--port", "0", program=program) as server,
        plain_http(await server.address()) as http,
    ):
        caller = HttpWire(http, MODERN, x_api_key=SANDBOX_KEY)
        calling = asyncio.create_task(caller.post(tool_call(MODERN, "list_studios")))
        await server.stderr.match(hanging_server.BEGINS)
        assert await server.stop(signal.SIGTERM) == 0
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert "The server is shutting down" in read_answer(await calling)["error"]["message"]


async def test_sessions_that_end_slowly_do_not_delay_the_end() -> None:
    """The process ends although its event loop is busy."""
    program = ("-m", "tests.support.hanging_server", hanging_server.SESSIONS)
    async with (
        running("http", "--sandbox", "--port", "0", program=program) as server,
        plain_http(await server.address()) as http,
    ):
        caller = HttpWire(http, LEGACY)
        await caller.open()
        async with http.stream("GET", "/mcp", headers=caller.all_headers()) as stream:
            assert stream.status_code == 200
            assert await server.stop(signal.SIGTERM) == 0
    assert hanging_server.BEGINS in server.stderr.text


@pytest.mark.parametrize(
    ("part", "how"),
    [(hanging_server.LOOP, "has ended"), (hanging_server.CANCELLED, "was cancelled")],
)
async def test_serving_that_ends_without_a_signal_says_so_and_fails(part: str, how: str) -> None:
    """So that what runs it starts it again."""
    program = ("-m", "tests.support.hanging_server", part)
    async with running("http", "--sandbox", "--port", "0", program=program) as server:
        assert await server.end() == 1
    assert server.stderr.all[-1] == (
        f"trax-mcp: Serving {how}, and no signal had come. This should not happen: start it again,"
        " and report what the log says above.\n"
    )


# The streams of a server that stops, in this process


async def test_a_stopping_server_ends_a_listen_stream_with_its_result() -> None:
    """Each message has the id of the subscription, and polling stops."""
    async with manual_clock_server() as front:
        async with listen_stream(front.caller(MODERN, x_api_key=SANDBOX_KEY), CHAT) as stream:
            say(front, "Hello")
            await front.clock.pass_until(lambda: stream.updates)
            await front.product.shut_down()
            await front.clock.pass_until(lambda: stream.ended)
        assert await poll_times(front, 60) == []
    acknowledged, updated, result = stream.messages
    assert acknowledged == {
        "jsonrpc": "2.0",
        "method": "notifications/subscriptions/acknowledged",
        "params": {"notifications": {"resourceSubscriptions": [CHAT]}, "_meta": META},
    }
    assert updated == {
        "jsonrpc": "2.0",
        "method": "notifications/resources/updated",
        "params": {"uri": CHAT, "_meta": META},
    }
    assert is_end(result)


def is_end(message: Message) -> bool:
    """Whether it is the result of the subscription."""
    return bool(message["id"] == 1 and message["result"]["_meta"].items() >= META.items())
