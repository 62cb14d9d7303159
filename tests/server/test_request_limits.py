"""Requests that never become complete, over real sockets: they end, and shut nobody out."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import anyio
import pytest

from tests.support.jsonrpc import ERAS, LEGACY, MODERN, HttpCaller, read_answer, request, tool_call
from tests.support.product.local_servers import Held, listening, upstream
from tests.support.product.sandbox_accounts import READONLY_KEY
from tests.support.served_app import plain_http, serving
from tests.support.server_process import PATIENCE_SECONDS, SIGNALS, running
from trax_mcp.api.accepted_keys import AcceptedKeys
from trax_mcp.api.caller import ANONYMOUS
from trax_mcp.sandbox import SANDBOX_KEY
from trax_mcp.server.http import http_protocol, request_limits
from trax_mcp.server.http.auth_middleware import CALLER
from trax_mcp.server.http.request_limits import RequestLimit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager

    import httpx
    from starlette.types import Message, Receive, Scope, Send

pytestmark = pytest.mark.slow

SHORT_SECONDS: Final = 0.1
DRIP_SECONDS: Final = 0.01
BEGINNING: Final = b"POST /mcp HTTP/1.1\r\nHost: localhost\r\n"
HEAD: Final = (
    b"POST /mcp HTTP/1.1\r\nHost: %b\r\n%bContent-Type: application/json\r\n"
    b"Accept: application/json, text/event-stream\r\nContent-Length: 1000\r\n\r\n"
)
GET: Final = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
PIECE: Final = 1 << 20
MUCH: Final = b"x" * (32 * PIECE)
FEW_FILES: Final = 512


class RawConnection:
    """A connection to the server that sends any bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def send(self, data: bytes) -> None:
        """Send some bytes."""
        self._writer.write(data)

    async def response(self, *, pause_seconds: float = 0) -> bytes:
        """Everything until the server closes the connection, read with pauses."""
        received = bytearray()
        never = asyncio.Event()
        with suppress(ConnectionError):
            async with asyncio.timeout(PATIENCE_SECONDS):
                while data := await self._reader.read(PIECE):
                    received += data
                    with suppress(TimeoutError):
                        await asyncio.wait_for(never.wait(), pause_seconds)
        return bytes(received)

    async def status(self) -> int:
        """The status of the next response."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            return int((await self._reader.readuntil(b"\r\n\r\n")).split()[1])

    async def closed_despite(self, drip: bytes) -> bool:
        """Whether the server closes the connection while these bytes come one by one."""
        closed = asyncio.create_task(self.response())
        for byte in drip:
            self._writer.write(bytes([byte]))
            await asyncio.wait({closed}, timeout=DRIP_SECONDS)
            if closed.done():
                return True
        closed.cancel()
        return False


@asynccontextmanager
async def connected(address: str) -> AsyncIterator[RawConnection]:
    """A raw connection to a server at an address."""
    host, port = address.removeprefix("http://").split(":")
    async with asyncio.timeout(PATIENCE_SECONDS):
        reader, writer = await asyncio.open_connection(host, int(port), limit=PIECE)
    try:
        yield RawConnection(reader, writer)
    finally:
        writer.close()


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests have a short time to arrive."""
    monkeypatch.setattr(http_protocol, "REQUEST_SECONDS", SHORT_SECONDS)
    monkeypatch.setattr(request_limits, "REQUEST_SECONDS", SHORT_SECONDS)


def test_a_request_has_ten_seconds_to_arrive() -> None:
    """The other tests make it shorter."""
    assert http_protocol.REQUEST_SECONDS == 10


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        (b"evil.example.com", b"", HTTPStatus.MISDIRECTED_REQUEST),
        (b"localhost", b"Origin: https://evil.example.com\r\n", HTTPStatus.FORBIDDEN),
    ],
    ids=["host", "origin"],
)
async def test_host_and_origin_are_checked_before_the_body_arrives(
    host: bytes, origin: bytes, status: int
) -> None:
    """The refusal comes although no byte of the body does."""
    async with serving() as front, connected(front.address) as connection:
        connection.send(HEAD % (host, origin))
        assert await connection.status() == status


@pytest.mark.usefixtures("short")
async def test_a_request_whose_body_does_not_arrive_is_refused() -> None:
    """With 408, and the connection is closed."""
    async with serving() as front, connected(front.address) as connection:
        connection.send(HEAD % (b"localhost", b"") + b'{"jsonrpc"')
        head, _, body = (await connection.response()).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 408 ")
        assert "not complete" in json.loads(body)["error"]["message"]


async def test_a_request_that_announces_over_256_kib_is_refused_before_they_arrive() -> None:
    """Its connection would be taken for ten seconds."""
    announced = HEAD.replace(b"1000", b"%d" % (request_limits.LARGEST_REQUEST_BYTES + 1))
    async with serving() as front, connected(front.address) as connection:
        connection.send(announced % (b"localhost", b""))
        assert await connection.status() == HTTPStatus.REQUEST_ENTITY_TOO_LARGE


@pytest.mark.parametrize("era", ERAS)
async def test_a_request_over_256_kib_is_refused(era: str) -> None:
    """To read one of 4 MiB took up to 17 seconds, in which no stop was sent."""
    async with serving() as front:
        caller = await front.opened(era)
        message = tool_call(era, "get_health", x="")
        missing = 256 * 1024 - len(json.dumps(message, separators=(",", ":")))
        for size, status in ((missing, HTTPStatus.OK), (missing + 1, 413)):
            message = tool_call(era, "get_health", x="x" * size)
            assert (await caller.post(message)).status_code == status


async def test_a_request_that_ends_late_leaves_the_newer_ones_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It had to make room, and finished what it could not leave undone."""
    monkeypatch.setattr(request_limits, "MAX_OTHER_REQUESTS", 2)
    monkeypatch.setattr(request_limits, "OTHER_WAIT_SECONDS", 0)
    ends = {name: anyio.Event() for name in ("shielded", "early", "newer")}
    running: list[str] = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        running.append(scope["path"])
        try:
            with anyio.CancelScope(shield=scope["path"] == "shielded"):
                await ends[scope["path"]].wait()
        finally:
            running.remove(scope["path"])

    limit = RequestLimit(app, AcceptedKeys())

    async def begin(*names: str) -> None:
        for name in names:
            scope = {"type": "http", "path": name, CALLER: ANONYMOUS}
            tasks.start_soon(limit, scope, receive_nothing, send_nothing)
            await anyio.wait_all_tasks_blocked()

    async def end(name: str) -> None:
        ends[name].set()
        await anyio.wait_all_tasks_blocked()

    async with anyio.create_task_group() as tasks:
        await begin("shielded", "early", "early")
        await end("early")
        await begin("newer", "newer")
        await end("shielded")
        await begin("newer", "newer")
        assert running == ["newer", "newer"]
        tasks.cancel_scope.cancel()


async def receive_nothing() -> Message:
    """The rest of a request that is complete."""
    return {"type": "http.disconnect"}


async def send_nothing(_message: Message) -> None:
    """Send to nobody."""


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize(
    "sent", [b"", BEGINNING, GET, GET + BEGINNING], ids=["no byte", "head", "idle", "second head"]
)
async def test_a_connection_without_a_complete_request_is_closed(sent: bytes) -> None:
    """Before the first request and after a response."""
    async with serving() as front, connected(front.address) as connection:
        connection.send(sent)
        assert (await connection.response()).count(b"HTTP/1.1") == sent.count(GET)


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("sent", [b"", GET], ids=["first request", "second request"])
async def test_a_head_that_arrives_byte_by_byte_is_cut(sent: bytes) -> None:
    """Its bytes do not restart the time."""
    async with serving() as front, connected(front.address) as connection:
        connection.send(sent)
        assert await connection.closed_despite(BEGINNING + b"X-Header: %b" % (b"x" * 1000))


@pytest.mark.usefixtures("short")
async def test_a_slow_body_is_cut_after_its_response_too() -> None:
    """A refused client that sends on keeps no connection."""
    async with serving() as front, connected(front.address) as connection:
        connection.send(HEAD % (b"evil.example.com", b""))
        assert await connection.closed_despite(b"x" * 999)


async def answer_much(_scope: Scope, _receive: Receive, send: Send) -> None:
    """An app whose response does not fit into the buffers of a connection."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": MUCH})


async def test_a_response_that_is_read_slowly_is_not_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """While its client reads on, even if that takes several times as long."""
    monkeypatch.setattr(http_protocol, "REQUEST_SECONDS", 4 * SHORT_SECONDS)
    async with listening(answer_much) as address, connected(address) as connection:
        connection.send(GET)
        assert len(await connection.response(pause_seconds=SHORT_SECONDS / 2)) > len(MUCH)


@pytest.mark.usefixtures("short")
async def test_a_response_that_is_not_read_is_cut() -> None:
    """It keeps no connection. What was sent before can be read."""
    async with listening(answer_much) as address, connected(address) as connection:
        connection.send(GET)
        async with connected(address) as other:  # closed after the short time
            assert await other.response() == b""
        async with connected(address) as other:
            assert await other.response() == b""
        assert len(await connection.response()) < len(MUCH)


@pytest.mark.usefixtures("short")
async def test_streams_and_slow_calls_are_not_cut() -> None:
    """A stream of each era, and a call that TRaX does not answer yet."""
    held = Held()
    async with serving() as front, AsyncExitStack() as stack:
        front.trax.faults.add(held.fault)
        legacy = await front.opened(LEGACY, x_api_key=SANDBOX_KEY)
        stream = front.http.stream("GET", "/mcp", headers=legacy.all_headers())
        listen_stream = listen(front.caller(MODERN, x_api_key=SANDBOX_KEY))
        streams = [await stack.enter_async_context(it) for it in (stream, listen_stream)]
        slow = front.caller(MODERN, x_api_key=SANDBOX_KEY)
        calling = asyncio.create_task(slow.post(tool_call(MODERN, "list_studios")))
        await held.arrived()
        for _ in range(3):  # each is closed after the short time
            async with connected(front.address) as connection:
                assert await connection.response() == b""
        assert [it.status_code for it in streams] == [200, 200]
        reads = [asyncio.create_task(ended(it)) for it in streams]
        await asyncio.wait(reads, timeout=DRIP_SECONDS)
        assert not any(it.done() for it in (*reads, calling))
        held.release()
        assert "result" in read_answer(await calling)
        for it in reads:
            it.cancel()


def listen(caller: HttpCaller) -> AbstractAsyncContextManager[httpx.Response]:
    """Open a stream of the later era, with no subscription in it."""
    message = request(MODERN, "subscriptions/listen", {"notifications": {}})
    headers = caller.all_headers(message)
    return caller.http.stream("POST", "/mcp", json=message, headers=headers)


async def ended(stream: httpx.Response) -> bool:
    """Wait for the end of a stream. Whether it is complete."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        await stream.aread()
    return True


async def test_the_oldest_stream_without_an_accepted_key_ends_at_the_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The oldest ends, and those of an accepted key neither count nor end."""
    monkeypatch.setattr(request_limits, "MAX_OTHER_REQUESTS", 3)
    async with serving() as front, AsyncExitStack() as stack:
        customer = front.caller(MODERN, x_api_key=SANDBOX_KEY)
        await customer.call("list_studios")
        customers = [await stack.enter_async_context(listen(customer)) for _ in range(4)]
        others = [await stack.enter_async_context(listen(front.caller(MODERN))) for _ in range(4)]
        assert await ended(others[0])
        reads = [asyncio.create_task(ended(it)) for it in (*others[1:], *customers)]
        await asyncio.wait(reads, timeout=DRIP_SECONDS)
        assert not any(it.done() for it in reads)
        for it in reads:
            it.cancel()


async def test_one_accepted_key_cannot_take_every_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its own oldest stream ends, and those of another key do not count."""
    monkeypatch.setattr(request_limits, "MAX_REQUESTS", 3)
    async with serving() as front, AsyncExitStack() as stack:
        customers = [front.caller(MODERN, x_api_key=key) for key in (SANDBOX_KEY, READONLY_KEY)]
        for customer in customers:
            await customer.call("list_studios")
        other = await stack.enter_async_context(listen(customers[1]))
        mine = [await stack.enter_async_context(listen(customers[0])) for _ in range(4)]
        assert await ended(mine[0])
        reads = [asyncio.create_task(ended(it)) for it in (other, *mine[1:])]
        await asyncio.wait(reads, timeout=DRIP_SECONDS)
        assert not any(it.done() for it in reads)
        for it in reads:
            it.cancel()


async def test_the_oldest_unfinished_request_without_an_accepted_key_ends_at_the_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The oldest is refused, and a client that sends a whole request gets in."""
    monkeypatch.setattr(request_limits, "MAX_OTHER_REQUESTS", 3)
    async with serving() as front, AsyncExitStack() as stack:
        unfinished = [await stack.enter_async_context(connected(front.address)) for _ in range(3)]
        for it in unfinished:
            it.send(HEAD % (b"localhost", b"Expect: 100-continue\r\n"))
            assert await it.status() == HTTPStatus.CONTINUE
        assert (await front.caller(MODERN).call("get_health"))["structuredContent"]
        assert b" 503 " in await unfinished[0].response()


async def test_a_call_that_shows_its_key_is_accepted_is_not_ended_for_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """TRaX accepts its key while it runs."""
    monkeypatch.setattr(request_limits, "MAX_OTHER_REQUESTS", 2)
    async with serving() as front, AsyncExitStack() as stack:
        customer = front.caller(MODERN, x_api_key=SANDBOX_KEY)
        stream = await stack.enter_async_context(listen(customer))
        await customer.call("list_studios")
        for _ in range(2):
            await stack.enter_async_context(listen(front.caller(MODERN)))
        read = asyncio.create_task(ended(stream))
        await asyncio.wait({read}, timeout=DRIP_SECONDS)
        assert not read.done()
        read.cancel()


@pytest.mark.skipif(sys.platform == "win32", reason="files are not limited there")
async def test_new_clients_are_served_while_too_many_connections_are_idle() -> None:
    """More of them than the process may open files: the longest waiting is closed."""
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, ({FEW_FILES},) * 2)"
    program = ("-c", f"{limit}; from trax_mcp.cli import main; main()")
    async with (
        running("http", "--sandbox", "--port", "0", program=program) as server,
        AsyncExitStack() as stack,
    ):
        address = await server.address()
        streaming = HttpCaller(await stack.enter_async_context(plain_http(address)), LEGACY)
        await streaming.open()
        headers = streaming.all_headers()
        opened = streaming.http.stream("GET", "/mcp", headers=headers)
        stream = await stack.enter_async_context(opened)
        idle = [await stack.enter_async_context(connected(address)) for _ in range(2 * FEW_FILES)]
        async with plain_http(address) as http:
            result = await HttpCaller(http, MODERN).call("list_studios")
        assert result["structuredContent"]["data"]
        assert await idle[0].response() == b""
        read = asyncio.create_task(ended(stream))
        await asyncio.wait({read}, timeout=DRIP_SECONDS)
        assert not read.done()
        read.cancel()
    assert "Too many open files" not in server.stderr.text


@pytest.mark.parametrize("number", SIGNALS)
async def test_a_signal_ends_a_server_with_unfinished_requests(number: int) -> None:
    """Half a head is dropped, half a body is answered, and nothing is logged."""
    async with (
        upstream() as trax,
        running("http", "--port", "0", settings={"TRAX_BASE_URL": trax.base_url}) as server,
        connected(await server.address()) as head,
        connected(await server.address()) as body,
    ):
        head.send(BEGINNING)
        body.send(HEAD % (b"localhost", b"Expect: 100-continue\r\n"))
        assert await body.status() == HTTPStatus.CONTINUE
        assert await server.stop(number) == 0
        assert await head.response() == b""
        assert b" 503 " in await body.response()
    assert len(server.stderr.all) == 1
