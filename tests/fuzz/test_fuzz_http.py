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
from tests.support.fuzzing.raw_http import RawHttpClient
from tests.support.fuzzing.raw_messages import CANARY, SERVER_ERRORS, Expected, raw_messages
from tests.support.fuzzing.server_processes import (
    LongLived,
    ServerProcess,
    running_server,
    unlimited_sandbox,
)
from tests.support.hypothesis_profiles import unshrunk
from tests.world.wire import ERAS, MODERN, request, tool_call

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Iterator

    from tests.support.fuzzing.faulty_heads import Change
    from tests.support.fuzzing.raw_http import Response
    from tests.support.fuzzing.raw_messages import RawMessage
    from tests.support.product.sandbox import Sandbox

pytestmark = pytest.mark.fuzz

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
            served.server.check_stop()
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
