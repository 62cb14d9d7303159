"""How `trax-mcp http` fails to start, and how it stops: every client is answered."""

from __future__ import annotations

import asyncio
import signal
import socket
from typing import TYPE_CHECKING, Final

import pytest

from tests.support import hanging_server
from tests.support.chat_polls import QUIET, open_polled, poll_times
from tests.support.http_clients import plain_http
from tests.support.product.commands import run_command
from tests.support.product.local_servers import Held
from tests.support.product.shared_clock import settled
from tests.support.raw_connections import BEGINNING, CONTINUE, HEAD, connected
from tests.support.resource_reads import CHAT
from tests.support.server_process import PATIENCE_SECONDS, SIGNALS, running
from tests.world.wire import LEGACY, MODERN, HttpWire, read_answer, tool_call
from tests.world.world import MINE, Over, open_world

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
        f"trax-mcp: Can't listen on 127.0.0.1:{port}: Address already in use. Choose"
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
    assert ended.err.startswith(f"trax-mcp: Can't listen on {named}: ")
    assert ended.err.endswith(". Choose another with --host.\n")


# The end, with real signals


@pytest.mark.parametrize("number", SIGNALS)
async def test_a_signal_ends_a_server_and_completes_every_response(number: int) -> None:
    """Streams of both eras, a call that TRaX does not answer, idle and unfinished connections.

    A person who presses Ctrl-C does not wait for a drain either.
    """
    held, drain = Held(), "600" if number == signal.SIGINT else "0"
    async with (
        open_world(over=Over.PROCESS, TRAX_LOG_LEVEL="INFO", TRAX_DRAIN_SECONDS=drain) as it,
        connected(it.address) as head,
        connected(it.address) as body,
    ):
        server = it.replicas[0].process
        assert server is not None
        head.send(BEGINNING)
        body.send(HEAD % (b"localhost", CONTINUE))
        assert await body.status() == 100
        session, caller = await it.wire(era=LEGACY), await it.wire()
        async with session.stream() as earlier, caller.listen(CHAT) as later:
            await session.subscribe(CHAT)
            it.trax.faults.add(held.fault, path="/v1/studios")
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


@pytest.mark.parametrize("part", [hanging_server.NAMES, hanging_server.SESSIONS])
async def test_what_never_ends_does_not_delay_the_end(part: str) -> None:
    """A thread that looks the name of TRaX up, or an event loop that ends sessions."""
    program = ("-m", "tests.support.hanging_server", part)
    async with (
        running("http", "--port", "0", program=program) as server,
        plain_http(await server.address()) as http,
    ):
        if part == hanging_server.SESSIONS:
            caller = HttpWire(http, LEGACY)
            await caller.open()
            async with http.stream("GET", "/mcp", headers=caller.all_headers()) as stream:
                assert stream.status_code == 200
                assert await server.stop(signal.SIGTERM) == 0
            assert hanging_server.BEGINS in server.stderr.text
        else:
            caller = HttpWire(http, MODERN, x_api_key=MINE)
            calling = asyncio.create_task(caller.post(tool_call(MODERN, "list_studios")))
            await server.stderr.match(hanging_server.BEGINS)
            assert await server.stop(signal.SIGTERM) == 0
            async with asyncio.timeout(PATIENCE_SECONDS):
                answer = read_answer(await calling)["result"]
            assert "The server is shutting down" in str(answer)


async def test_serving_that_ends_without_a_signal_says_so_and_fails() -> None:
    """So that what runs it starts it again."""
    program = ("-m", "tests.support.hanging_server", hanging_server.LOOP)
    async with running("http", "--sandbox", "--port", "0", program=program) as server:
        assert await server.end() == 1
    assert server.stderr.all[-1] == (
        "trax-mcp: Serving has ended, and no signal had come. This should not happen: start it"
        " again, and report what the log says above.\n"
    )


async def test_serving_that_is_cancelled_fails() -> None:
    """As any Python program that is."""
    program = ("-m", "tests.support.hanging_server", hanging_server.CANCELLED)
    async with running("http", "--sandbox", "--port", "0", program=program) as server:
        assert await server.end() == 1
    assert server.stderr.all[-1] == "asyncio.exceptions.CancelledError\n"


# The streams of a server that stops, in this process


async def test_a_stopping_server_ends_a_listen_stream_with_its_result() -> None:
    """Each message has the id of the subscription, and polling stops."""
    async with open_polled() as it:
        async with (await it.wire()).listen(CHAT) as stream:
            it.trax.say("Hello")
            await it.hand_clock.pass_until(lambda: stream.updates)
            await it.product.shut_down()
            await it.hand_clock.pass_until(lambda: stream.ended)
        assert await poll_times(it, QUIET) == []
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
