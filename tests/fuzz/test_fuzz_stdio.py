"""Raw JSON-RPC on stdio: after any input, the next correct request is answered.

One process serves all tests of an era. After each example it still runs, has answered each request
once, has written only protocol messages to stdout and none of the input to stderr, and TRaX got no
request.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.processes import SharedProcess, shared_process
from tests.fuzz.raw_messages import CANARY, SERVER_ERRORS, Expected, raw_messages
from tests.support.hypothesis_profiles import unshrunk
from tests.world.wire import ERAS, LEGACY, MODERN, Message, opening, request, tool_call

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tests.fuzz.raw_messages import RawMessage

pytestmark = pytest.mark.fuzz

HUGE_BYTES: Final = 4 << 20
HUGE_LINES: Final = 18
_BROKEN_AT: Final = 5
"""This one of six is no message."""
MAX_GROWTH_MIB: Final = 64
"""How much the process may grow; leaking 4 MiB bodies exceeds it."""


class StdioClient:
    """One client's connection to the server."""

    def __init__(self, shared: SharedProcess, era: str) -> None:
        self.shared, self.era = shared, era
        self._numbers = (f"plain-{number}" for number in count())
        self._received: list[Message] = []
        self._lines_read = int(era == LEGACY)
        shared.run(shared.process.tell, *opening(era))
        shared.run(self.exchange, [], 0)

    async def ask(self, message: Message) -> Message:
        """Send a request and return its response; keep all other messages."""
        number = next(self._numbers)
        await self.shared.process.tell({**message, "id": number})
        while (answer := await self._next()).get("id") != number:
            self._received.append(answer)
        return answer

    async def exchange(self, pieces: Iterable[bytes], wanted: int) -> list[Message]:
        """Write these bytes; returns at least `wanted` messages, then a correct request's."""
        for piece in pieces:
            await self.shared.process.write(piece)
        assert (await self.ask(request(self.era, "prompts/list")))["result"]["prompts"]
        while len(self._received) < wanted:
            self._received.append(await self._next())
        received, self._received = self._received, []
        return received

    async def _next(self) -> Message:
        message: Message = json.loads(await self.shared.process.stdout.line(self._lines_read))
        self._lines_read += 1
        assert message["jsonrpc"] == "2.0"
        assert "method" not in message
        return message


@pytest.fixture(scope="module", params=ERAS)
def client(request: pytest.FixtureRequest) -> Iterator[StdioClient]:
    """A client of this era for all tests; its process ends with exit code 0."""
    with shared_process() as shared:
        yield StdioClient(shared, request.param)
        assert shared.portal.call(shared.process.hang_up) == 0
        shared.check_stderr()


def check_responses(messages: Sequence[RawMessage], answers: Sequence[Message]) -> None:
    """Check that each message got the reply that it must get, and nothing else was sent.

    The SDK leaves a line that is no message without an answer.
    """
    must, may = Counter[str](), Counter[str]()
    for it in messages:
        if it.expected is Expected.ANSWERED:
            must[json.dumps(it.number)] += 1
        elif it.expected is not Expected.SILENT:
            may[json.dumps(it.number)] += 1
    received = Counter(json.dumps(answer["id"]) for answer in answers)
    assert must <= received <= must + may
    assert not error_codes(answers) & SERVER_ERRORS


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


def test_after_any_input_the_next_request_is_answered(client: StdioClient) -> None:
    """Hostile lines, each followed by a correct request."""

    @unshrunk(150)
    @given(raw_inputs(client.era))
    def property_(raw_input: tuple[list[RawMessage], list[bytes]]) -> None:
        messages, pieces = raw_input
        wanted = sum(it.expected is Expected.ANSWERED for it in messages)
        check_responses(messages, client.shared.run(client.exchange, pieces, wanted))
        assert not client.shared.trax.requests

    property_()


def huge_lines(era: str) -> Iterator[bytes]:
    """Just under 4 MiB, at it and above: valid, broken, and with an id of that size."""
    for at in range(HUGE_LINES):
        size = HUGE_BYTES + at % 3 - 1
        message = request(era, "prompts/list", {"x": ""})
        if at % 6 == 4:
            message["id"] = ""
        text = json.dumps(message).encode()
        valid = text.replace(b'""', b'"%s"' % (b"x" * (size - len(text))), 1)
        yield valid[:-1] if at % 6 == _BROKEN_AT else valid


@pytest.mark.parametrize("client", [MODERN], indirect=True)
def test_lines_around_four_mebibytes_do_not_leak_memory(client: StdioClient) -> None:
    """Each message is answered, and the process does not grow."""
    before = resident_mib(client.shared)
    for at, line in enumerate(huge_lines(client.era)):
        wanted = int(at % 6 != _BROKEN_AT)
        answers = client.shared.run(client.exchange, [line + b"\n"], wanted)
        assert not error_codes(answers) & SERVER_ERRORS
        assert not client.shared.trax.requests
    assert resident_mib(client.shared) - before < MAX_GROWTH_MIB


def resident_mib(shared: SharedProcess) -> float:
    """The resident memory of the process, in MiB."""
    status = Path(f"/proc/{shared.process.process.pid}/status").read_text(encoding="utf-8")
    found = re.search(r"VmRSS:\s+(\d+)", status)
    return int(found[1]) / 1024 if found else 0.0


def test_a_correct_call_after_invalid_lines_reaches_trax_once(client: StdioClient) -> None:
    """Shows that the tests above would notice a call."""

    async def check() -> None:
        assert await client.exchange([b"{\n[]\n\xff\n"], 0) == []
        created = await client.ask(tool_call(client.era, "create_studio", name=CANARY))
        assert created["result"]["structuredContent"]["name"] == CANARY

    client.shared.run(check)
    assert [it.method for it in client.shared.trax.requests] == ["POST"]
