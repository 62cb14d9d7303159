"""Raw HTTP on a real socket: after any input, the next correct request is answered.

One process serves all tests. After each example it still runs, has not answered with a server
error, has logged none of the input, and has sent TRaX complete valid calls only.
"""

from __future__ import annotations

import json
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, cast

import pytest
from hypothesis import given, note
from hypothesis import strategies as st

from tests.support.fuzzing.faulty_requests import frames, harmless_heads, invalid_heads
from tests.support.fuzzing.raw_http import (
    Connection,
    RawHttpClient,
    Response,
    chunked,
    content_length,
    request_head,
)
from tests.support.fuzzing.raw_messages import (
    CANARY,
    SERVER_ERRORS,
    Expected,
    RawMessage,
    cancellation,
    cancellations,
    comparable_id,
    raw_messages,
    request_ids,
    slow_call,
)
from tests.support.fuzzing.server_processes import (
    MAX_GROWTH_MIB,
    LongLived,
    ServerProcess,
    running_server,
    unlimited_sandbox,
)
from tests.support.hypothesis_profiles import unshrunk
from tests.support.jsonrpc import ERAS, LEGACY, MODERN, request, tool_call
from tests.support.server_process import PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Iterator
    from random import Random

    from tests.support.fuzzing.faulty_requests import Change, Frame
    from tests.support.jsonrpc import Message
    from tests.support.product.sandbox import Sandbox

pytestmark = pytest.mark.fuzz

BODY_LIMIT: Final = 256 << 10
VERBS: Final = ("HEAD", "OPTIONS", "PUT", "PATCH", "TRACE", "CONNECT", "x", "post", "POST ")
PATHS: Final = (
    *(
        "/",
        "*",
        "mcp",
        "/MCP",
        "//mcp",
        "/mcp/",
        "/mcp//",
        "/mcp;x",
        "/mcp%00",
        "/mcp%2f",
        "/mcp#x",
    ),
    *("/mcp/../mcp", "/healthz", "/healthz/../mcp", "/mcp\xe9", "http://evil.example.com/mcp"),
)
STATUSES: Final = {
    Expected.ANSWERED: {200, 400, 404},
    Expected.REFUSED: {400, 413},
    Expected.SILENT: {202, 400},
    Expected.EITHER: {200, 202, 400, 404, 413},
}
"""The statuses with which a message may be answered."""


@dataclass
class Served:
    """A server process, the TRaX behind it, and a client of each era."""

    trax: Sandbox
    server: ServerProcess
    clients: dict[str, RawHttpClient]

    def check_running(self, client: RawHttpClient, *, sent: int = 0) -> None:
        """Check that the next request is answered, and how many calls TRaX got."""
        client.check_answered()
        assert len(self.trax.requests) == sent
        self.server.check_running()


Shared = LongLived[Served]


@contextmanager
def http_server(trax: Sandbox) -> Iterator[Served]:
    """A server, and a client of each era."""
    with running_server(trax, "http", "--port", "0") as server:
        address = server.address()
        yield Served(trax, server, {era: RawHttpClient(address, era) for era in ERAS})


@pytest.fixture(scope="module")
def process() -> Iterator[Shared]:
    """The process that all tests share; it ends with exit code 0."""
    with unlimited_sandbox() as trax, LongLived(partial(http_server, trax)) as long_lived:
        yield long_lived
        with long_lived.example() as served:
            served.server.check_exit()
            assert served.server.unread_lines() == []


@pytest.fixture
def shared(process: Shared) -> Shared:
    """The same, before anything was sent to TRaX."""
    with process.example() as served:
        cast("deque[object]", served.trax.requests).clear()
    return process


def check_response(message: RawMessage, response: Response | None) -> None:
    """Check that a message got the reply that it must get."""
    assert response is not None
    assert response.status in STATUSES[message.expected]
    ids = [json.dumps(it["id"]) for it in response.messages]
    codes = {it["error"]["code"] for it in response.messages if "error" in it}
    assert not codes & SERVER_ERRORS
    number = json.dumps(message.number)
    if message.expected is Expected.ANSWERED:
        assert ids == [number]
    else:
        assert ids in ([], ["null"], [number])


def create_studio_call(era: str) -> Message:
    """The call that would have an effect."""
    return tool_call(era, "create_studio", name=CANARY)


def post_with_changes(client: RawHttpClient, changes: list[Change]) -> Response | None:
    """Post that call with changed headers."""
    message = create_studio_call(client.era)
    headers = client.headers(message)
    for change in changes:
        headers = change(headers)
    note(repr(headers)[:2_000])
    return client.post_body(json.dumps(message).encode(), headers)


@contextmanager
def open_slow_call(client: RawHttpClient, number: object) -> Iterator[Connection]:
    """A slow call in progress; in the earlier era its response has begun."""
    message = {**slow_call(client.era, seconds=PATIENCE_SECONDS + 10), "id": number}
    body = json.dumps(message).encode()
    with Connection(client.address) as connection:
        connection.send(
            [request_head("POST", "/mcp", [*client.headers(message), content_length(body)]), body]
        )
        if client.era == LEGACY:
            assert connection.read_status() == 200
        yield connection


def post_sized_both_framings(client: RawHttpClient, size: int) -> Iterator[Response | None]:
    """Post a list request of this size, with Content-Length and in chunks."""
    message = request(client.era, "prompts/list", {"x": ""})
    text = json.dumps(message).encode()
    body = text.replace(b'""', b'"%b"' % (b"x" * (size - len(text))))
    assert len(body) == size
    headers = client.headers(message)
    yield client.post_body(body, headers)
    in_chunks = [*headers, (b"transfer-encoding", b"chunked")]
    yield client.exchange([request_head("POST", "/mcp", in_chunks), *chunked(body, 1 << 16)])


def test_after_any_posted_body_the_next_request_is_answered(shared: Shared, era: str) -> None:
    """Hostile bodies, each followed by a correct request."""

    @unshrunk(100)
    @given(st.lists(raw_messages(era) | cancellations(era), min_size=1, max_size=3))
    def check(messages: list[RawMessage]) -> None:
        with shared.example() as served:
            client = served.clients[era]
            for it in messages:
                headers = client.headers(it.message or request(era, "tools/list"))
                check_response(it, client.post_body(it.text, headers))
            served.check_running(client)

    check()


def test_a_call_with_an_invalid_head_is_refused(shared: Shared, era: str) -> None:
    """A call that would create a studio is refused and does not run."""

    @unshrunk(200)
    @given(invalid_heads(era))
    def check(changes: list[Change]) -> None:
        with shared.example() as served:
            client = served.clients[era]
            response = post_with_changes(client, changes)
            # The server may cut the connection of a refused client that is still sending.
            assert response is None or 400 <= response.status < 500
            served.check_running(client)

    check()


def test_a_call_with_an_unusual_but_valid_head_runs_once(shared: Shared) -> None:
    """Shows that the test above does not refuse everything."""

    @unshrunk(50)
    @given(harmless_heads())
    def check(changes: list[Change]) -> None:
        with shared.example() as served:
            before, client = len(served.trax.requests), served.clients[MODERN]
            response = post_with_changes(client, changes)
            assert response is not None
            assert response.messages[0]["result"]["structuredContent"]["name"] == CANARY
            served.check_running(client, sent=before + 1)

    check()


def test_no_other_verb_or_path_is_served(shared: Shared) -> None:
    """Similar paths, and the right path with another verb, are refused."""
    with shared.example() as served:
        client = served.clients[MODERN]
        headers = client.headers(create_studio_call(MODERN))
        for verb, path in [*((verb, "/mcp") for verb in VERBS), *(("POST", it) for it in PATHS)]:
            response = client.exchange([request_head(verb, path, headers)], verb)
            assert response is not None, (verb, path)
            assert 300 <= response.status < 500, (verb, path)
        served.check_running(client)


STATUSES_BY_CALLS: Final = {1: {200}, 0: {400, 404, 413, 421}}
"""By how often the call runs."""


def test_only_a_complete_body_is_processed(shared: Shared) -> None:
    """False lengths, broken chunks, slow bodies and cut connections."""

    @unshrunk(250)
    @given(frames())
    def check(frame: Frame) -> None:
        with shared.example() as served:
            before, client = len(served.trax.requests), served.clients[MODERN]
            body = json.dumps(create_studio_call(MODERN)).encode()
            pieces = frame.pieces(client.headers(create_studio_call(MODERN)), body)
            with Connection(client.address) as connection:
                connection.send(pieces)
                response = None if frame.is_incomplete else connection.read_response()
            served.check_running(client, sent=before + frame.calls)
            assert response or not frame.calls
            assert not response or response.status in STATUSES_BY_CALLS[frame.calls]

    check()


def test_bodies_around_the_limit_do_not_leak_memory(shared: Shared) -> None:
    """Just under, at and above the limit, with Content-Length and in chunks, several times."""
    with shared.example() as served:
        client = served.clients[MODERN]
        before = served.server.resident_mib()
        for size in (BODY_LIMIT - 1, BODY_LIMIT, BODY_LIMIT + 1) * 4:
            for response in post_sized_both_framings(client, size):
                # The server may cut the connection while the client sends a body that is too large.
                assert response or size > BODY_LIMIT
                assert not response or response.status == (413 if size > BODY_LIMIT else 200)
        assert served.server.resident_mib() - before < MAX_GROWTH_MIB
        served.check_running(client)


def test_cancelling_or_disconnecting_affects_no_other_request(shared: Shared, era: str) -> None:
    """Slow calls are cancelled in any order, or their connections are closed.

    In the earlier era a cancelled call is answered long before its wait would end; in the later era
    the client cancels by closing the connection.
    """

    @unshrunk(50)
    @given(
        st.lists(request_ids, min_size=1, max_size=3, unique_by=comparable_id),
        st.randoms(),
        st.booleans(),
    )
    def check(ids: list[object], order: Random, cancelling: bool) -> None:  # noqa: FBT001
        with shared.example() as served, ExitStack() as connections:
            client = served.clients[era]
            calls = [(it, connections.enter_context(open_slow_call(client, it))) for it in ids]
            order.shuffle(calls)
            for number, connection in calls if era == LEGACY and cancelling else ():
                assert client.post_message(cancellation(era, [number])).status == 202
                assert client.post_message(cancellation(era, number)).status == 202
                check_response(RawMessage(b"", Expected.ANSWERED, number), connection.read_rest())
            client.check_answered()
            served.server.check_running()

    check()


def test_a_resumed_stream_repeats_no_event(shared: Shared) -> None:
    """The server stores no events, so it repeats none."""
    with shared.example() as served:
        client = served.clients[LEGACY]
        with Connection(client.address) as connection:
            headers = client.headers(create_studio_call(LEGACY))
            connection.send([request_head("GET", "/mcp", [*headers, (b"last-event-id", b"7")])])
            assert connection.read_status("GET") == 200
            served.check_running(client)
