"""Raw JSON-RPC on stdio: after any input, the next correct request is answered.

One process serves all tests of an era. After each example it still runs, has answered each request
once, has written only protocol messages to stdout and none of the input to stderr, and TRaX got no
request.
"""

from __future__ import annotations

import json
from collections import Counter
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Final, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.fuzzing.raw_messages import (
    CANARY,
    SERVER_ERRORS,
    Expected,
    raw_messages,
)
from tests.support.fuzzing.server_processes import (
    MAX_GROWTH_MIB,
    LongLived,
    ServerProcess,
    running_server,
    unlimited_sandbox,
)
from tests.support.hypothesis_profiles import unshrunk
from tests.world.wire import ERAS, LEGACY, MODERN, Message, opening, request, tool_call

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Iterable, Iterator, Sequence

    from tests.support.fuzzing.raw_messages import RawMessage
    from tests.support.product.sandbox import Sandbox

pytestmark = pytest.mark.fuzz

HUGE_BYTES: Final = 4 << 20
HUGE_LINES: Final = 18


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


def check_responses(messages: Sequence[RawMessage], answers: Sequence[Message]) -> None:
    """Check that each message got the reply that it must get, and nothing else was sent."""
    must, may = Counter[str](), Counter[str]()
    for it in messages:
        counted = must if it.expected is Expected.ANSWERED else may
        counted[json.dumps(it.number)] += it.expected is not Expected.SILENT
    received = Counter(json.dumps(answer["id"]) for answer in answers)
    refused = sum(it.expected in {Expected.REFUSED, Expected.EITHER} for it in messages)
    assert must <= received
    assert received - must - may <= Counter({"null": refused})
    assert len(answers) <= sum(it.expected is not Expected.SILENT for it in messages)
    assert not error_codes(answers) & SERVER_ERRORS


def certain_answers(messages: Iterable[RawMessage]) -> int:
    """How many messages must be answered."""
    return sum(it.expected in {Expected.ANSWERED, Expected.REFUSED} for it in messages)


def error_codes(answers: Iterable[Message]) -> set[int]:
    """The error codes among these responses."""
    return {answer["error"]["code"] for answer in answers if "error" in answer}


@st.composite
def raw_inputs(draw: st.DrawFn, era: str) -> tuple[list[RawMessage], list[bytes]]:
    """Any messages, with any line ends, and the pieces in which they are written."""
    messages = draw(st.lists(raw_messages(era), min_size=1, max_size=6))
    ends = st.sampled_from([b"\n", b"\r\n", b"\n\n", b"\n \t\n"])
    text = b"".join(it.text + draw(ends) for it in messages)
    cut = draw(st.integers(0, min(len(text), 99)))
    return messages, [text[:cut], text[cut:]]


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
def sandbox_of_module() -> Iterator[Sandbox]:
    """The TRaX behind all these servers."""
    with unlimited_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def trax(sandbox_of_module: Sandbox) -> Sandbox:
    """The same, before anything was sent to it."""
    cast("deque[object]", sandbox_of_module.requests).clear()
    return sandbox_of_module


Shared = LongLived[StdioClient]


@pytest.fixture(scope="module")
def processes(sandbox_of_module: Sandbox) -> Iterator[dict[str, Shared]]:
    """A process for each era, which all tests share; it ends with exit code 0."""
    with ExitStack() as stack:
        starts = {era: partial(stdio_client, sandbox_of_module, era) for era in ERAS}
        shared = {era: stack.enter_context(LongLived(start)) for era, start in starts.items()}
        yield shared
        for long_lived in shared.values():
            with long_lived.example() as client:
                client.server.check_hang_up()


@pytest.fixture
def shared(processes: dict[str, Shared], era: str) -> Shared:
    """The process of this era."""
    return processes[era]


def test_after_any_input_the_next_request_is_answered(
    shared: Shared, trax: Sandbox, era: str
) -> None:
    """Hostile lines, each followed by a correct request."""

    @unshrunk(150)
    @given(raw_inputs(era))
    def check(raw_input: tuple[list[RawMessage], list[bytes]]) -> None:
        messages, pieces = raw_input
        with shared.example() as client:
            client.server.write(pieces)
            check_responses(messages, client.collect(certain_answers(messages)))
            assert not trax.requests
            client.server.check_running()

    check()


def test_lines_around_four_mebibytes_do_not_leak_memory(
    processes: dict[str, Shared], trax: Sandbox
) -> None:
    """Each is answered, and the process does not grow."""
    with processes[MODERN].example() as client:
        before = client.server.resident_mib()
        for line in huge_lines(MODERN):
            client.server.write([line + b"\n"])
            (answer,) = client.collect(1)
            assert not error_codes([answer]) & SERVER_ERRORS
        assert client.server.resident_mib() - before < MAX_GROWTH_MIB
        assert not trax.requests
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
