"""Raw JSON-RPC on stdio: after any input, the next correct request is answered.

One process serves all tests of an era. After each example it still runs, has answered each request
once, has written only protocol messages to stdout and none of the input to stderr, and TRaX got no
request.
"""

from __future__ import annotations

import json
from collections import Counter
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count, cycle
from typing import TYPE_CHECKING, Final, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from tests.support.jsonrpc import ERAS, LEGACY, MODERN, Message, opening, request, tool_call

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Iterable, Iterator, Sequence

    from hypothesis.strategies import SearchStrategy

    from tests.support.product.sandbox import Sandbox

pytestmark = pytest.mark.fuzz

HUGE_BYTES: Final = 4 << 20
HUGE_LINES: Final = 18

CHAT: Final = "/v1/studios/studio_60/chat/messages"


class StdioClient:
    """One client's connection to the server."""

    def __init__(self, server: ServerProcess, era: str) -> None:
        self.server = server
        self._era = era
        self._numbers = (f"plain-{number}" for number in count())
        self._baseline: Message = {}
        self._received: list[Message] = []
        self.write(*opening(era))
        if era == LEGACY:
            assert "result" in json.loads(self.server.read_line())
        self._baseline = self.ask(request(era, "prompts/list"))
        assert self._baseline["result"]["prompts"]

    def write(self, *messages: Message) -> None:
        """Write messages correctly."""
        self.server.write([json.dumps(message).encode() + b"\n" for message in messages])

    def ask(self, message: Message) -> Message:
        """Send a request and return its response; keep all other messages."""
        number = next(self._numbers)
        self.write({**message, "id": number})
        while (answer := self._next()).get("id") != number:
            self._received.append(answer)
        return {**answer, "id": None}

    def collect(self, wanted: int) -> list[Message]:
        """Return the messages since the last call: at least `wanted`, then a correct request's."""
        assert self.ask(request(self._era, "prompts/list")) == self._baseline
        while len(self._received) < wanted:
            self._received.append(self._next())
        received, self._received = self._received, []
        return received

    def _next(self) -> Message:
        message: Message = json.loads(self.server.read_line())
        assert message["jsonrpc"] == "2.0"
        assert "method" not in message
        return message


def json_id(number: object) -> str:
    """An id as JSON, which distinguishes 7, "7" and true."""
    return json.dumps(number)


def check_responses(messages: Sequence[RawMessage], answers: Iterable[Message]) -> None:
    """Check that each message got the reply that it must get, and nothing else was sent."""
    cancelled = cancelled_ids(messages)
    must, may = Counter[str](), Counter[str]()
    for it in messages:
        required = it.expected is Expected.ANSWERED and comparable_id(it.number) not in cancelled
        (must if required else may)[json_id(it.number)] += it.expected is not Expected.SILENT
    received = Counter(json_id(answer["id"]) for answer in answers)
    refused = sum(it.expected in {Expected.REFUSED, Expected.EITHER} for it in messages)
    assert must <= received
    assert received - must - may <= Counter({json_id(None): refused})
    minimum, maximum = response_bounds(messages)
    assert minimum <= received.total() <= maximum


def cancelled_ids(messages: Iterable[RawMessage]) -> set[object]:
    """The ids of cancelled requests."""
    return {comparable_id(it.cancelled_id) for it in messages if it.cancelled_id is not None}


def response_bounds(messages: Sequence[RawMessage]) -> tuple[int, int]:
    """The minimum and maximum number of responses."""
    cancelled = cancelled_ids(messages)
    answered = [it for it in messages if it.expected in {Expected.ANSWERED, Expected.REFUSED}]
    certain = [it for it in answered if comparable_id(it.number) not in cancelled]
    return len(certain), sum(it.expected is not Expected.SILENT for it in messages)


def error_codes(answers: Iterable[Message]) -> set[int]:
    """The error codes among these responses."""
    return {answer["error"]["code"] for answer in answers if "error" in answer}


@dataclass(frozen=True)
class RawInput:
    """Messages with their line ends, and the sizes of the pieces to write."""

    messages: list[RawMessage]
    ends: list[bytes]
    sizes: list[int]

    @property
    def pieces(self) -> Iterator[bytes]:
        """The pieces to write, in order."""
        ends = cycle(self.ends)
        text = b"".join(it.text + next(ends) for it in self.messages)
        for size in self.sizes:
            yield text[:size]
            text = text[size:]
        yield text


def raw_inputs(era: str) -> SearchStrategy[RawInput]:
    """Any messages, with any line ends, in any pieces."""
    return st.builds(
        RawInput,
        st.lists(raw_messages(era) | cancellations(era), min_size=1, max_size=6),
        st.lists(st.sampled_from([b"\n", b"\r\n", b"\n\n", b"\n \t\n"]), min_size=1, max_size=3),
        st.lists(st.integers(1, 99), max_size=9),
    )


@st.composite
def cancelled_waits(draw: st.DrawFn, era: str) -> list[Message]:
    """Slow calls that are all cancelled, in any order, among other requests."""
    ids = draw(st.lists(request_ids, min_size=1, max_size=3, unique_by=comparable_id))
    call = slow_call(era, seconds=2)
    calls = [{**call, "id": number} for number in ids]
    cancelling = [cancellation(era, draw(id_spellings(number))) for number in ids]
    others = [cancellation(era, f"{CANARY}-{at}") for at in range(draw(st.integers(0, 2)))]
    quick = [{**request(era, "prompts/list"), "id": f"quick-{at}"} for at in range(3)]
    before = draw(st.lists(st.sampled_from(cancelling), max_size=1))
    return [*before, *calls, *draw(st.permutations([*cancelling, *others, *quick]))]


def id_spellings(number: object) -> SearchStrategy[object]:
    """An id as a client may write it in a cancellation."""
    as_text = [str(number)] if isinstance(number, int) else []
    return st.sampled_from([number, *as_text])


def huge_lines(era: str) -> Iterator[bytes]:
    """Just under 4 MiB, at it and above: valid, broken, and with an id of that size."""
    for at in range(HUGE_LINES):
        size = HUGE_BYTES + at % 3 - 1
        message = request(era, "prompts/list", {"x": ""})
        if at % 6 == 4:
            message["id"] = ""
        text = json.dumps(message).encode()
        valid = text.replace(b'""', b'"%s"' % (b"x" * (size - len(text))), 1)
        yield valid[:-1] if at % 6 == 5 else valid


@contextmanager
def stdio_client(trax: Sandbox, era: str) -> Iterator[StdioClient]:
    """A connected client of this era."""
    with running_server(trax) as server:
        yield StdioClient(server, era)


@pytest.fixture(scope="module")
def trax() -> Iterator[Sandbox]:
    """The TRaX behind all these servers."""
    with unlimited_sandbox() as sandbox:
        yield sandbox


Shared = LongLived[StdioClient]


@pytest.fixture(scope="module")
def processes(trax: Sandbox) -> Iterator[dict[str, Shared]]:
    """A process for each era, which all tests share; it ends with exit code 0."""
    with ExitStack() as stack:
        shared = {
            era: stack.enter_context(LongLived(partial(stdio_client, trax, era))) for era in ERAS
        }
        yield shared
        for long_lived in shared.values():
            with long_lived.example() as client:
                client.server.check_exit()


@pytest.fixture
def shared(processes: dict[str, Shared], trax: Sandbox, era: str) -> Shared:
    """The process of this era, before anything was sent to TRaX."""
    cast("deque[object]", trax.requests).clear()
    return processes[era]


def test_after_any_input_the_next_request_is_answered(
    shared: Shared, trax: Sandbox, era: str
) -> None:
    """Hostile lines, each followed by a correct request."""

    @unshrunk(150)
    @given(raw_inputs(era))
    def check(raw_input: RawInput) -> None:
        with shared.example() as client:
            client.server.write(raw_input.pieces)
            answers = client.collect(response_bounds(raw_input.messages)[0])
            check_responses(raw_input.messages, answers)
            assert not error_codes(answers) & SERVER_ERRORS
            assert not trax.requests
            client.server.check_running()

    check()


def test_lines_around_four_mebibytes_do_not_leak_memory(
    processes: dict[str, Shared], trax: Sandbox
) -> None:
    """Each is answered, and the process does not grow."""
    cast("deque[object]", trax.requests).clear()
    with processes[MODERN].example() as client:
        before = client.server.resident_mib()
        for line in huge_lines(MODERN):
            client.server.write([line + b"\n"])
            (answer,) = client.collect(1)
            assert not error_codes([answer]) & SERVER_ERRORS
        assert client.server.resident_mib() - before < MAX_GROWTH_MIB
        assert not trax.requests
        client.server.check_running()


def test_a_cancellation_stops_only_the_request_with_that_id(
    shared: Shared, trax: Sandbox, era: str
) -> None:
    """Slow calls are cancelled before, during and twice; other requests are unaffected.

    A call that was not cancelled would answer within two seconds, and appear at the end.
    """

    @unshrunk(50)
    @given(cancelled_waits(era))
    def check(messages: list[Message]) -> None:
        with shared.example() as client:
            client.write(*messages)
            quick = [it["id"] for it in messages if it["method"] == "prompts/list"]
            received = [answer["id"] for answer in client.collect(len(quick))]
            assert Counter(map(json_id, received)) == Counter(map(json_id, quick))
            client.server.check_running()

    check()
    with shared.example() as client:
        waited = client.ask(slow_call(era, seconds=3))
        assert waited["result"]["structuredContent"]["messages"] == []
        assert client.collect(0) == []
        assert {(it.method, it.path) for it in trax.requests} == {("GET", CHAT)}
        client.server.check_running()


def test_a_correct_call_after_invalid_lines_reaches_trax_once(
    shared: Shared, trax: Sandbox, era: str
) -> None:
    """Shows that the tests above would notice a call."""
    with shared.example() as client:
        client.server.write([b"{\n[]\n\xff\n"])
        created = client.ask(tool_call(era, "create_studio", name=CANARY))
        assert created["result"]["structuredContent"]["name"] == CANARY
        assert error_codes(client.collect(3)) == {-32700, -32600}
        assert [it.method for it in trax.requests] == ["POST"]


def test_input_that_ends_within_a_line_ends_the_server_normally(trax: Sandbox) -> None:
    """A client that disconnects in the middle of a line leaves exit code 0."""
    cast("deque[object]", trax.requests).clear()
    with stdio_client(trax, LEGACY) as client:
        call = tool_call(LEGACY, "create_studio", name=f"{CANARY} \u20ac")
        client.server.write([json.dumps(call, ensure_ascii=False).encode().partition(b"\xac")[0]])
        client.server.check_exit()
        assert all(json.loads(line)["jsonrpc"] == "2.0" for line in client.server.unread_lines())
    assert not trax.requests
