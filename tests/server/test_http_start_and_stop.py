"""How `trax-mcp http` fails to start and how it stops.

Each test starts a real process and sends real signals.
"""

from __future__ import annotations

import asyncio
import signal
import socket
from typing import TYPE_CHECKING

import pytest

from tests.support import hanging_server
from tests.support.jsonrpc import ERAS, LEGACY, MODERN, HttpCaller, read_answer, tool_call
from tests.support.product.local_servers import Held, upstream
from tests.support.served_app import plain_http
from tests.support.server_process import PATIENCE_SECONDS, SIGNALS, Running, running
from trax_mcp.sandbox import SANDBOX_KEY

if TYPE_CHECKING:
    import httpx

pytestmark = pytest.mark.slow


async def wait_until_ready(server: Running, http: httpx.AsyncClient) -> None:
    """Wait until the server answers, and so handles signals."""
    assert (await http.get("/healthz")).status_code == 200


def ended_quietly(server: Running) -> bool:
    """Whether it printed only its address, and nothing on stdout."""
    return len(server.stderr.all) == 1 and server.stdout.all == []


async def test_a_port_in_use_stops_the_start_with_one_sentence() -> None:
    """Both commands that listen name the address, and print nothing else."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for command in ("http", "sandbox"):
            async with running(command, "--port", port) as server:
                assert await server.end() == 1
            assert server.stderr.text == (
                f"trax-mcp: Cannot listen on 127.0.0.1:{port}: Address already in use. Choose"
                " another with --port.\n"
            )
            assert server.stdout.all == []


async def test_an_address_of_another_machine_stops_the_start_with_one_sentence() -> None:
    """192.0.2.0/24 belongs to no machine (RFC 5737)."""
    async with running("http", "--host", "192.0.2.1", "--port", "0") as server:
        assert await server.end() == 1
    assert server.stderr.text.startswith("trax-mcp: Cannot listen on 192.0.2.1:0: ")
    assert server.stderr.text.endswith(". Choose another with --host.\n")
    assert len(server.stderr.all) == 1


@pytest.mark.parametrize("number", SIGNALS)
async def test_a_signal_ends_an_idle_server(number: int) -> None:
    """Even with a kept-alive connection."""
    async with (
        running("http", "--sandbox", "--port", "0") as server,
        plain_http(await server.address()) as http,
    ):
        await wait_until_ready(server, http)
        await HttpCaller(http, MODERN).call("list_studios")
        assert await server.stop(number) == 0
    assert ended_quietly(server)


@pytest.mark.parametrize("number", SIGNALS)
async def test_a_signal_ends_a_server_with_an_open_stream(number: int) -> None:
    """The earlier era's GET stream has no end of its own; the client gets a complete response."""
    async with (
        running("http", "--sandbox", "--port", "0") as server,
        plain_http(await server.address()) as http,
    ):
        caller = HttpCaller(http, LEGACY, x_api_key=SANDBOX_KEY)
        await caller.open()
        async with http.stream("GET", "/mcp", headers=caller.all_headers()) as stream:
            assert stream.status_code == 200
            assert await server.stop(number) == 0
            await stream.aread()
    assert ended_quietly(server)


@pytest.mark.parametrize(("number", "era"), list(zip(SIGNALS, ERAS, strict=True)))
async def test_a_signal_ends_a_server_with_a_call_in_flight(number: int, era: str) -> None:
    """The server does not wait for TRaX; the caller gets an error."""
    async with upstream() as trax:
        held = Held()
        trax.faults.add(held.fault)
        async with (
            running("http", "--port", "0", settings={"TRAX_BASE_URL": trax.base_url}) as server,
            plain_http(await server.address()) as http,
        ):
            caller = HttpCaller(http, era, x_api_key=SANDBOX_KEY)
            await caller.open()
            calling = asyncio.create_task(caller.post(tool_call(era, "list_studios")))
            await held.arrived()
            assert await server.stop(number) == 0
            async with asyncio.timeout(PATIENCE_SECONDS):
                answer = read_answer(await calling)
        held.release()
    assert "The server is shutting down" in answer["error"]["message"]
    assert ended_quietly(server)


async def test_a_name_server_that_does_not_answer_does_not_delay_the_end() -> None:
    """A thread looks the name of TRaX up, and cannot be interrupted."""
    program = ("-m", "tests.support.hanging_server", hanging_server.NAMES)
    async with (
        running("http", "--port", "0", program=program) as server,
        plain_http(await server.address()) as http,
    ):
        caller = HttpCaller(http, MODERN, x_api_key=SANDBOX_KEY)
        await caller.open()
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
        caller = HttpCaller(http, LEGACY)
        await caller.open()
        async with http.stream("GET", "/mcp", headers=caller.all_headers()) as stream:
            assert stream.status_code == 200
            assert await server.stop(signal.SIGTERM) == 0
    assert hanging_server.BEGINS in server.stderr.text
