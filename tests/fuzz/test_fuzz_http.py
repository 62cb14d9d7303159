"""Raw HTTP on a real socket: after any input, the next correct request is answered.

One process serves all tests. After each example it still runs, has not answered with a server
error, has logged none of the input, and has sent TRaX complete valid calls only.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, cast

import pytest
from hypothesis import given, note
from hypothesis import strategies as st

from tests.support.fuzzing.faulty_heads import harmless_heads, invalid_heads
from tests.support.fuzzing.raw_http import (
    RawHttpClient,
    chunked,
    content_length,
    exchange,
    request_head,
    send_and_hang_up,
)
from tests.support.fuzzing.raw_messages import CANARY, SERVER_ERRORS, Expected, raw_messages
from tests.support.fuzzing.server_processes import (
    MAX_GROWTH_MIB,
    LongLived,
    ServerProcess,
    running_server,
    unlimited_sandbox,
)
from tests.support.hypothesis_profiles import unshrunk
from tests.support.jsonrpc import ERAS, MODERN, request, tool_call

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Iterator

    from tests.support.fuzzing.faulty_heads import Change
    from tests.support.fuzzing.raw_http import Response
    from tests.support.fuzzing.raw_messages import RawMessage
    from tests.support.product.sandbox import Sandbox

pytestmark = pytest.mark.fuzz

BODY_LIMIT: Final = 256 << 10
VERBS: Final = ("HEAD", "OPTIONS", "PUT", "TRACE", "CONNECT", "post", "POST ")
PATHS: Final = (
    *("/", "*", "mcp", "/MCP", "//mcp", "/mcp/", "/mcp;x", "/mcp%00", "/mcp%2f", "/mcp#x"),
    *("/mcp/../mcp", "/healthz", "/mcp\xe9", "http://evil.example.com/mcp"),
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


def post_with_changes(client: RawHttpClient, changes: list[Change]) -> Response | None:
    """Post the call that would have an effect, with changed headers."""
    message = tool_call(client.era, "create_studio", name=CANARY)
    headers = client.headers(message)
    for change in changes:
        headers = change(headers)
    note(repr(headers)[:2_000])
    return client.post_body(json.dumps(message).encode(), headers)


def post_sized_both_framings(client: RawHttpClient, size: int) -> Iterator[Response | None]:
    """Post a list request of this size, with Content-Length and in chunks."""
    message = request(client.era, "prompts/list", {"x": ""})
    text = json.dumps(message).encode()
    body = text.replace(b'""', b'"%b"' % (b"x" * (size - len(text))))
    assert len(body) == size
    headers = client.headers(message)
    yield client.post_body(body, headers)
    in_chunks = [*headers, (b"transfer-encoding", b"chunked")]
    yield exchange(
        client.address, [request_head("POST", "/mcp", in_chunks), *chunked(body, 1 << 16)]
    )


def test_after_any_posted_body_the_next_request_is_answered(shared: Shared, era: str) -> None:
    """Hostile bodies, each followed by a correct request."""

    @unshrunk(100)
    @given(st.lists(raw_messages(era), min_size=1, max_size=3))
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
        headers = client.headers(tool_call(MODERN, "create_studio", name=CANARY))
        for verb, path in [*((verb, "/mcp") for verb in VERBS), *(("POST", it) for it in PATHS)]:
            response = exchange(client.address, [request_head(verb, path, headers)], verb)
            assert response is not None, (verb, path)
            assert 300 <= response.status < 500, (verb, path)
        served.check_running(client)


def test_only_a_complete_body_is_processed(shared: Shared) -> None:
    """A call whose length is wrong, or whose client hangs up, does not run."""
    with shared.example() as served:
        client = served.clients[MODERN]
        message = tool_call(MODERN, "create_studio", name=CANARY)
        body, headers = json.dumps(message).encode(), client.headers(message)
        for length in (b"7", b"x", b"-1", b"9" * 40, b"1, 2"):
            head = request_head("POST", "/mcp", [*headers, (b"content-length", length)])
            response = exchange(client.address, [head, body])
            assert response is None or response.status in {400, 413}, length
        in_chunks = request_head("POST", "/mcp", [*headers, (b"transfer-encoding", b"chunked")])
        unfinished = [
            [request_head("POST", "/mcp", [*headers, content_length(body + b"x")]), body],
            [request_head("POST", "/mcp", [*headers, content_length(body)]), body[:-9]],
            [in_chunks, *chunked(body, 50)[:-1]],
            [in_chunks[:99]],
        ]
        for pieces in unfinished:
            send_and_hang_up(client.address, pieces)
        served.check_running(client)


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
