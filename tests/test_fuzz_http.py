"""Raw HTTP on a real socket: whatever a client sends, the next good request is answered.

One process serves all examples. After each it lives, has answered what it could, with no status of
its own fault, has said nothing of the input on stderr, and nothing has reached TRaX that was not a
whole good call.
"""

from __future__ import annotations

import json
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import given, note
from hypothesis import strategies as st

from tests.fuzz.http import Caller, Line, Response, chunked, head, length
from tests.fuzz.requests import frames, harmless, spoilt
from tests.fuzz.servers import GROWS_MIB, LongLived, Server, serving
from tests.fuzz.wire import (
    CANARY,
    INTERNAL,
    Fate,
    Said,
    alike,
    cancel,
    cancels,
    numbers,
    utterances,
    waiting_for_chat,
)
from tests.jsonrpc import LEGACY, request, tool_call
from tests.processes import PATIENCE_SECONDS
from tests.profiles import unshrunk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from tests.fuzz.requests import Change, Frame
    from tests.jsonrpc import Message
    from trax_mcp.sandbox import Sandbox

pytestmark = pytest.mark.fuzz

LIMIT: Final = 4 << 20
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
    Fate.ANSWERED: {200, 400, 404},
    Fate.REFUSED: {400},
    Fate.SILENT: {202, 400},
    Fate.EITHER: {200, 202, 400, 404},
}
"""What an utterance may be answered with."""


@contextmanager
def calling(trax: Sandbox, era: str) -> Iterator[tuple[Server, Caller]]:
    """A server, and a client of this era."""
    with serving(trax, "http", "--port", "0") as server:
        yield server, Caller(server.address(), era)


def judge(said: Said, reply: Response | None) -> None:
    """See to it that an utterance got what it is owed."""
    assert reply is not None
    assert reply.status in STATUSES[said.fate]
    ids = [json.dumps(it["id"]) for it in reply.messages]
    codes = {it["error"]["code"] for it in reply.messages if "error" in it}
    assert not codes & INTERNAL
    number = json.dumps(said.number)
    if said.fate is Fate.ANSWERED:
        assert ids == [number]
    else:
        assert ids in ([], ["null"], [number])


def creating(era: str) -> Message:
    """The call that would have an effect."""
    return tool_call(era, "create_studio", name=CANARY)


def created(caller: Caller, changes: list[Change]) -> Response | None:
    """What comes back to that call with its headers changed."""
    message = creating(caller.era)
    headers = caller.headers(message)
    for change in changes:
        headers = change(headers)
    note(repr(headers)[:2_000])
    return caller.posted(json.dumps(message).encode(), headers)


@contextmanager
def waiting(caller: Caller, number: object) -> Iterator[Line]:
    """A slow call that is under way: in the earlier era its answer has begun."""
    message = {**waiting_for_chat(caller.era, seconds=PATIENCE_SECONDS + 10), "id": number}
    body = json.dumps(message).encode()
    with Line(caller.address) as line:
        line.send([head("POST", "/mcp", [*caller.headers(message), length(body)]), body])
        if caller.era == LEGACY:
            assert line.head() == 200
        yield line


def posted_both_ways(caller: Caller, size: int) -> Iterator[Response | None]:
    """What comes back to a list request of this size, with its length told and in chunks."""
    message = request(caller.era, "prompts/list", {"x": ""})
    text = json.dumps(message).encode()
    body = text.replace(b'""', b'"%b"' % (b"x" * (size - len(text))))
    assert len(body) == size
    headers = caller.headers(message)
    yield caller.posted(body, headers)
    in_chunks = [*headers, (b"transfer-encoding", b"chunked")]
    yield caller.exchange([head("POST", "/mcp", in_chunks), *chunked(body, 1 << 16)])


def test_whatever_is_posted_the_next_request_is_answered(served: Sandbox, era: str) -> None:
    """Hundreds of hostile bodies, and a client that goes on as if nothing had been."""
    with LongLived(partial(calling, served, era)) as long_lived:

        @unshrunk(100)
        @given(st.lists(utterances(era) | cancels(era), min_size=1, max_size=3))
        def hears(said: list[Said]) -> None:
            with long_lived.example() as (server, caller):
                for it in said:
                    headers = caller.headers(it.message or request(era, "tools/list"))
                    judge(it, caller.posted(it.text, headers))
                caller.is_answered()
                assert not served.requests
                server.is_well()

        hears()
        with long_lived.example() as (server, _):
            server.ends_well()
            assert server.lines() == []


def test_a_spoilt_head_lets_nothing_in(served: Sandbox, era: str) -> None:
    """A call that would create a studio, with something wrong in its head: refused, and not run."""
    with LongLived(partial(calling, served, era)) as long_lived:

        @unshrunk(100)
        @given(spoilt(era))
        def hears(changes: list[Change]) -> None:
            with long_lived.example() as (server, caller):
                reply = created(caller, changes)
                # It may cut the line of whoever is refused with something still to send.
                assert reply is None or 400 <= reply.status < 500
                caller.is_answered()
                assert not served.requests
                server.is_well()

        hears()
        with long_lived.example() as (server, _):
            server.ends_well()


def test_an_odd_head_keeps_nothing_out(served: Sandbox, era: str) -> None:
    """What is only odd is let in, once: without this the test above would say nothing."""
    with LongLived(partial(calling, served, era)) as long_lived:

        @unshrunk(20)
        @given(harmless())
        def hears(changes: list[Change]) -> None:
            before = len(served.requests)
            with long_lived.example() as (server, caller):
                reply = created(caller, changes)
                assert reply is not None
                assert reply.messages[0]["result"]["structuredContent"]["name"] == CANARY
                assert len(served.requests) == before + 1
                server.is_well()

        hears()


def test_no_other_verb_or_path_gets_through(served: Sandbox, era: str) -> None:
    """Near the right path, and with the right path and another verb: refused, and not run."""
    with calling(served, era) as (server, caller):
        headers = caller.headers(creating(era))
        for verb, path in [
            *((verb, "/mcp") for verb in VERBS),
            *(("POST", it) for it in PATHS),
        ]:
            reply = caller.exchange([head(verb, path, headers)], verb)
            assert reply is not None, (verb, path)
            assert 300 <= reply.status < 500, (verb, path)
        caller.is_answered()
        assert not served.requests
        server.ends_well()


STATUSES_OF: Final = {1: {200}, 0: {400, 404, 413}}
"""By how often the call is made."""


def test_only_a_whole_body_is_heard(served: Sandbox, era: str) -> None:
    """Lengths that lie, chunks that break, bodies that drip, and lines that are cut."""
    with LongLived(partial(calling, served, era)) as long_lived:

        @unshrunk(100)
        @given(frames())
        def hears(frame: Frame) -> None:
            before = len(served.requests)
            with long_lived.example() as (server, caller):
                body = json.dumps(creating(era)).encode()
                pieces = frame.written(caller.headers(creating(era)), body)
                with Line(caller.address) as line:
                    line.send(pieces)
                    reply = None if frame.is_cut else line.reply()
                caller.is_answered()
                assert reply or not frame.calls
                assert not reply or reply.status in STATUSES_OF[frame.calls]
                assert len(served.requests) == before + frame.calls
                server.is_well()

        hears()
        with long_lived.example() as (server, _):
            server.ends_well()


def test_bodies_of_four_mebibytes_leave_nothing_behind(served: Sandbox, era: str) -> None:
    """Just under, at and above the limit, with their length told or in chunks; then all again."""
    with calling(served, era) as (server, caller):
        before = server.resident_mib()
        for size in (LIMIT - 1, LIMIT, LIMIT + 1) * 4:
            for reply in posted_both_ways(caller, size):
                # The line may be cut under whoever goes on sending what is too large.
                assert reply or size > LIMIT
                assert not reply or reply.status == (413 if size > LIMIT else 200)
        assert server.resident_mib() - before < GROWS_MIB
        caller.is_answered()
        assert not served.requests
        server.ends_well()


def test_who_calls_off_or_hangs_up_disturbs_nobody(served: Sandbox, era: str) -> None:
    """Slow calls are begun on lines of their own, and called off in any order, or just dropped.

    In the earlier era whoever calls off is answered, long before the wait would have ended; in the
    later one hanging up is how to call off.
    """
    with LongLived(partial(calling, served, era)) as long_lived:

        @unshrunk(20)
        @given(
            st.lists(numbers, min_size=1, max_size=3, unique_by=alike),
            st.randoms(),
            st.booleans(),
        )
        def hears(ids: list[object], order: Random, called: bool) -> None:  # noqa: FBT001
            with long_lived.example() as (server, caller), ExitStack() as lines:
                begun = [(it, lines.enter_context(waiting(caller, it))) for it in ids]
                order.shuffle(begun)
                for number, line in begun if era == LEGACY and called else ():
                    assert caller.told(cancel(era, [number])).status == 202
                    assert caller.told(cancel(era, number)).status == 202
                    judge(Said(b"", Fate.ANSWERED, number), line.rest())
                caller.is_answered()
                server.is_well()

        hears()
        with long_lived.example() as (server, _):
            server.ends_well()


def test_a_stream_that_is_resumed_is_a_new_one(served: Sandbox) -> None:
    """Of a server that keeps no events: it says so by not repeating any."""
    with calling(served, LEGACY) as (server, caller), Line(caller.address) as line:
        headers = caller.headers(creating(LEGACY))
        line.send([head("GET", "/mcp", [*headers, (b"last-event-id", b"7")])])
        assert line.head("GET") == 200
        caller.is_answered()
        server.is_well()
