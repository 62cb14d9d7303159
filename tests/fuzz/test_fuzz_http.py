"""Raw HTTP on a real socket: after any input, the next correct request is answered.

One process serves all examples. After each it still runs, has not answered with a server error, has
logged none of the input, and has sent TRaX complete valid calls only.
"""

from __future__ import annotations

import json
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

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
)
from tests.support.hypothesis_profiles import unshrunk
from tests.support.jsonrpc import LEGACY, request, tool_call
from tests.support.server_process import PATIENCE_SECONDS

if TYPE_CHECKING:
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


@contextmanager
def http_server(trax: Sandbox, era: str) -> Iterator[tuple[ServerProcess, RawHttpClient]]:
    """A server, and a client of this era."""
    with running_server(trax, "http", "--port", "0") as server:
        yield server, RawHttpClient(server.address(), era)


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


def test_after_any_posted_body_the_next_request_is_answered(served: Sandbox, era: str) -> None:
    """Hundreds of hostile bodies, each followed by a correct request."""
    with LongLived(partial(http_server, served, era)) as long_lived:

        @unshrunk(50)
        @given(st.lists(raw_messages(era) | cancellations(era), min_size=1, max_size=3))
        def check(messages: list[RawMessage]) -> None:
            with long_lived.example() as (server, client):
                for it in messages:
                    headers = client.headers(it.message or request(era, "tools/list"))
                    check_response(it, client.post_body(it.text, headers))
                client.check_answered()
                assert not served.requests
                server.check_running()

        check()
        with long_lived.example() as (server, _):
            server.check_exit()
            assert server.unread_lines() == []


def test_a_call_with_an_invalid_head_is_refused(served: Sandbox, era: str) -> None:
    """A call that would create a studio is refused and does not run."""
    with LongLived(partial(http_server, served, era)) as long_lived:

        @unshrunk(50)
        @given(invalid_heads(era))
        def check(changes: list[Change]) -> None:
            with long_lived.example() as (server, client):
                response = post_with_changes(client, changes)
                # The server may cut the connection of a refused client that is still sending.
                assert response is None or 400 <= response.status < 500
                client.check_answered()
                assert not served.requests
                server.check_running()

        check()
        with long_lived.example() as (server, _):
            server.check_exit()


def test_a_call_with_an_unusual_but_valid_head_runs_once(served: Sandbox, era: str) -> None:
    """Shows that the test above does not refuse everything."""
    with LongLived(partial(http_server, served, era)) as long_lived:

        @unshrunk(20)
        @given(harmless_heads())
        def check(changes: list[Change]) -> None:
            before = len(served.requests)
            with long_lived.example() as (server, client):
                response = post_with_changes(client, changes)
                assert response is not None
                assert response.messages[0]["result"]["structuredContent"]["name"] == CANARY
                assert len(served.requests) == before + 1
                server.check_running()

        check()


def test_no_other_verb_or_path_is_served(served: Sandbox, era: str) -> None:
    """Similar paths, and the right path with another verb, are refused."""
    with http_server(served, era) as (server, client):
        headers = client.headers(create_studio_call(era))
        for verb, path in [
            *((verb, "/mcp") for verb in VERBS),
            *(("POST", it) for it in PATHS),
        ]:
            response = client.exchange([request_head(verb, path, headers)], verb)
            assert response is not None, (verb, path)
            assert 300 <= response.status < 500, (verb, path)
        client.check_answered()
        assert not served.requests
        server.check_exit()


STATUSES_BY_CALLS: Final = {1: {200}, 0: {400, 404, 413, 421}}
"""By how often the call runs."""


def test_only_a_complete_body_is_processed(served: Sandbox, era: str) -> None:
    """False lengths, broken chunks, slow bodies and cut connections."""
    with LongLived(partial(http_server, served, era)) as long_lived:

        @unshrunk(50)
        @given(frames())
        def check(frame: Frame) -> None:
            before = len(served.requests)
            with long_lived.example() as (server, client):
                body = json.dumps(create_studio_call(era)).encode()
                pieces = frame.pieces(client.headers(create_studio_call(era)), body)
                with Connection(client.address) as connection:
                    connection.send(pieces)
                    response = None if frame.is_incomplete else connection.read_response()
                client.check_answered()
                assert response or not frame.calls
                assert not response or response.status in STATUSES_BY_CALLS[frame.calls]
                assert len(served.requests) == before + frame.calls
                server.check_running()

        check()
        with long_lived.example() as (server, _):
            server.check_exit()


def test_bodies_around_four_mebibytes_do_not_leak_memory(served: Sandbox, era: str) -> None:
    """Just under, at and above the limit, with Content-Length and in chunks, several times."""
    with http_server(served, era) as (server, client):
        before = server.resident_mib()
        for size in (BODY_LIMIT - 1, BODY_LIMIT, BODY_LIMIT + 1) * 4:
            for response in post_sized_both_framings(client, size):
                # The server may cut the connection while the client sends a body that is too large.
                assert response or size > BODY_LIMIT
                assert not response or response.status == (413 if size > BODY_LIMIT else 200)
        assert server.resident_mib() - before < MAX_GROWTH_MIB
        client.check_answered()
        assert not served.requests
        server.check_exit()


def test_cancelling_or_disconnecting_affects_no_other_request(served: Sandbox, era: str) -> None:
    """Slow calls are cancelled in any order, or their connections are closed.

    In the earlier era a cancelled call is answered long before its wait would end; in the later era
    the client cancels by closing the connection.
    """
    with LongLived(partial(http_server, served, era)) as long_lived:

        @unshrunk(20)
        @given(
            st.lists(request_ids, min_size=1, max_size=3, unique_by=comparable_id),
            st.randoms(),
            st.booleans(),
        )
        def check(ids: list[object], order: Random, cancelling: bool) -> None:  # noqa: FBT001
            with long_lived.example() as (server, client), ExitStack() as connections:
                calls = [(it, connections.enter_context(open_slow_call(client, it))) for it in ids]
                order.shuffle(calls)
                for number, connection in calls if era == LEGACY and cancelling else ():
                    assert client.post_message(cancellation(era, [number])).status == 202
                    assert client.post_message(cancellation(era, number)).status == 202
                    check_response(
                        RawMessage(b"", Expected.ANSWERED, number), connection.read_rest()
                    )
                client.check_answered()
                server.check_running()

        check()
        with long_lived.example() as (server, _):
            server.check_exit()


def test_a_resumed_stream_repeats_no_event(served: Sandbox) -> None:
    """The server stores no events, so it repeats none."""
    with http_server(served, LEGACY) as (server, client), Connection(client.address) as connection:
        headers = client.headers(create_studio_call(LEGACY))
        connection.send([request_head("GET", "/mcp", [*headers, (b"last-event-id", b"7")])])
        assert connection.read_status("GET") == 200
        client.check_answered()
        server.check_running()
