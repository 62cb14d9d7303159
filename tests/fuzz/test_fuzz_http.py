"""Raw HTTP on a real socket: after any input, the next correct request is answered.

One process serves all tests. After each example it still runs, has not answered with a server
error, has logged none of the input, and has sent TRaX complete valid calls only.
"""

from __future__ import annotations

import io
import json
import signal
from http.client import HTTPResponse
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.processes import SharedProcess, shared_process
from tests.fuzz.raw_messages import CANARY, SERVER_ERRORS, Expected, raw_messages
from tests.support.http_clients import plain_http
from tests.support.hypothesis_profiles import unshrunk
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.raw_connections import connected
from tests.world.wire import LEGACY, MODERN, HttpWire, request, tool_call

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.fuzz.raw_messages import RawMessage
    from tests.world.wire import Message

    Header = tuple[bytes, bytes]
    Change = Callable[[list[Header]], list[Header]]
    """Takes the headers of a valid request and returns others."""

pytestmark = pytest.mark.fuzz

STATUSES: Final = {
    Expected.ANSWERED: {200, 400, 404},
    Expected.REFUSED: {400, 413},
    Expected.SILENT: {202, 400},
    Expected.EITHER: {200, 202, 400, 404, 413},
}
"""The statuses with which a message may be answered."""


@pytest.fixture(scope="module")
def shared() -> Iterator[SharedProcess]:
    """The process that all tests share; it ends with exit code 0, and writes nothing to stdout."""
    with shared_process("http", "--port", "0") as shared:
        yield shared
        assert shared.portal.call(shared.process.stop, signal.SIGTERM) == 0
        shared.check_stderr()
        assert shared.process.stdout.all == []


class RawClient:
    """A client of one era, whose bytes go out as they are, each request on a new connection."""

    def __init__(self, shared: SharedProcess, era: str) -> None:
        self.address = shared.portal.call(shared.process.address)
        self._wire = HttpWire(plain_http(self.address), era, x_api_key=SANDBOX_KEY)
        shared.run(self._open)

    async def _open(self) -> None:
        async with self._wire.http:
            await self._wire.open()

    async def check_answered(self) -> None:
        """Check that a correct request is answered."""
        async with plain_http(self.address) as self._wire.http:
            assert (await self._wire.ask("prompts/list"))["result"]["prompts"]

    def headers(self, message: Message) -> list[Header]:
        """The correct headers for a message, as far as headers can hold its values."""
        named = self._wire.all_headers(message if isinstance(message.get("method"), str) else None)
        named |= {"host": "127.0.0.1", "content-type": "application/json"}
        plain = (
            it if it.isascii() and it.isprintable() else "x" for it in map(str, named.values())
        )
        return [(name.encode(), it.encode()) for name, it in zip(named, plain, strict=True)]

    async def post(self, body: bytes, headers: list[Header]) -> tuple[int, list[Message]] | None:
        """Post a body; returns the status and the messages of the response, None if it was cut."""
        length = b"content-length", str(len(body)).encode()
        lines = [name + b": " + it for name, it in (*headers, length, (b"connection", b"close"))]
        head = b"\r\n".join([b"POST /mcp HTTP/1.1", *lines, b"", b""])
        async with connected(self.address) as connection:
            connection.send(head + body)
            received = await connection.response()
        return read(received) if received else None


def read(received: bytes) -> tuple[int, list[Message]]:
    """The status, and the JSON-RPC messages of the body, plain or as server-sent events."""

    class Socket:
        def makefile(self, _mode: str) -> io.BytesIO:
            return io.BytesIO(received)

    response = HTTPResponse(Socket())  # type: ignore[arg-type]  # it only reads
    response.begin()
    body = response.read()
    lines = [body] if body.startswith(b"{") else body.replace(b"\r\n", b"\n").split(b"\n")
    texts = [it.removeprefix(b"data: ") for it in lines]
    return response.status, [json.loads(it) for it in texts if it.startswith(b"{")]


def check_response(message: RawMessage, response: tuple[int, list[Message]] | None) -> None:
    """Check that a message got the reply that it must get."""
    assert response is not None
    status, messages = response
    assert status in STATUSES[message.expected]
    assert not {it["error"]["code"] for it in messages if "error" in it} & SERVER_ERRORS
    ids, number = [json.dumps(it["id"]) for it in messages], json.dumps(message.number)
    assert ids in (
        [[number]] if message.expected is Expected.ANSWERED else [[], ["null"], [number]]
    )


@pytest.mark.parametrize("era", [LEGACY, MODERN])
def test_after_any_posted_body_the_next_request_is_answered(
    shared: SharedProcess, era: str
) -> None:
    """Hostile bodies, each followed by a correct request."""
    client = RawClient(shared, era)

    async def check(messages: Sequence[RawMessage]) -> None:
        for it in messages:
            headers = client.headers(it.message or request(era, "tools/list"))
            check_response(it, await client.post(it.text, headers))
        await client.check_answered()
        assert not shared.calls

    @unshrunk(100)
    @given(st.lists(raw_messages(era), min_size=1, max_size=3))
    def property_(messages: list[RawMessage]) -> None:
        shared.run(check, messages)

    property_()


# Heads


def _set(name: bytes, *values: bytes) -> Change:
    """Replace all headers of this name with these values."""

    def change(headers: list[Header]) -> list[Header]:
        return [it for it in headers if it[0].lower() != name] + [(name, it) for it in values]

    return change


_ODD: Final = (b"", b"x", b"\xe9\xff", b"\x1b[31mred\x9b", b"=?base64?!!?=", b"a" * 9_000, b"a, b")
_HOSTS: Final = (b"127.0.0.1", b"evil.example.com")
_INVALID: Final[dict[bytes, tuple[bytes, ...]]] = {
    b"accept": (b"", b"text/html", b"application/json", b"\xff"),
    b"content-type": (b"", b"text/plain", b"\xffapplication/json"),
    b"host": (b"", b"evil.example.com", b"\x1b[31m.example.com"),
    b"origin": (b"null", b"https://evil.example.com", b"\x9b31m"),
    b"x-api-key": (b"two words", b"sk_\xc3\xa9", b"x" * 513, b"a\tb"),
    b"authorization": (b"Bearer sk_live_x", b"sk_live_\xff"),
    b"bad name": (b"x",),
}
"""Values of headers that make a call invalid in both eras."""
_INVALID_IN: Final[dict[str, dict[bytes, tuple[bytes, ...]]]] = {
    LEGACY: {b"mcp-session-id": _ODD, b"mcp-protocol-version": (b"2099-01-01", *_ODD)},
    MODERN: {
        b"mcp-protocol-version": (b"2099-01-01", b"2025-11-25", *_ODD),
        b"mcp-method": (b"tools/list", *_ODD),
        b"mcp-name": (b"list_studios", *_ODD),
    },
}
_NEEDED: Final = (b"accept", b"content-type", b"host")
_MISSING_OR_TWICE: Final = {
    LEGACY: [*map(_set, (*_NEEDED, b"mcp-session-id")), _set(b"host", *_HOSTS)],
    MODERN: [
        *map(_set, (*_NEEDED, *_INVALID_IN[MODERN])),
        _set(b"host", *_HOSTS),
        _set(b"mcp-protocol-version", MODERN.encode(), b"2025-11-25"),
        _set(b"mcp-method", b"tools/call", b"tools/call"),
        _set(b"mcp-name", b"create_studio", b"list_studios"),
    ],
}
HARMLESS: Final = st.lists(
    st.sampled_from(
        [
            _set(b"x-odd", *_ODD),
            _set(b"x-many", *[b"x"] * 200),
            _set(b"last-event-id", b"7"),
            _set(b"accept", b"text/event-stream;q=0.1 , application/json;q=1"),
            _set(b"content-type", b"application/json; charset=utf-8"),
            _set(b"expect", b"100-continue"),
            _set(b"cookie", b"\xff"),
            lambda headers: [(name.upper(), value) for name, value in headers],
        ]
    ),
    max_size=2,
)


def invalid_heads(era: str) -> st.SearchStrategy[list[Change]]:
    """Changes of headers, at least one of which makes the request invalid."""
    values = (_INVALID | _INVALID_IN[era]).items()
    wrong = [_set(name, it) for name, odd in values for it in odd]
    invalid = st.sampled_from([*wrong, *_MISSING_OR_TWICE[era]])
    return st.tuples(HARMLESS, st.lists(invalid, min_size=1, max_size=2)).map(
        lambda drawn: [*drawn[0], *drawn[1]]
    )


async def post_with_changes(
    client: RawClient, era: str, changes: list[Change]
) -> tuple[int, list[Message]] | None:
    """Post the call that would have an effect, with changed headers."""
    message = tool_call(era, "create_studio", name=CANARY)
    headers = client.headers(message)
    for change in changes:
        headers = change(headers)
    response = await client.post(json.dumps(message).encode(), headers)
    await client.check_answered()
    return response


@pytest.mark.parametrize("era", [LEGACY, MODERN])
def test_a_call_with_an_invalid_head_is_refused(shared: SharedProcess, era: str) -> None:
    """A call that would create a studio is refused and does not run."""
    client = RawClient(shared, era)

    @unshrunk(200)
    @given(invalid_heads(era))
    def property_(changes: list[Change]) -> None:
        response = shared.run(post_with_changes, client, era, changes)
        # The server may cut the connection of a refused client that is still sending.
        assert response is None or 400 <= response[0] < 500
        assert not shared.calls

    property_()


def test_a_call_with_an_unusual_but_valid_head_runs_once(shared: SharedProcess) -> None:
    """Shows that the test above does not refuse everything."""
    client = RawClient(shared, MODERN)

    @unshrunk(50)
    @given(HARMLESS)
    def property_(changes: list[Change]) -> None:
        response = shared.run(post_with_changes, client, MODERN, changes)
        assert response is not None
        (answer,) = response[1]
        assert answer["result"]["structuredContent"]["name"] == CANARY
        assert len(shared.calls) == 1

    property_()
