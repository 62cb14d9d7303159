"""Raw JSON-RPC on stdio: whatever a client writes, the next good request is answered.

One process hears all examples. After each it lives, has answered what it owed, once, has said
nothing but the protocol on stdout and nothing of the input on stderr, and nothing has reached TRaX.
"""

from __future__ import annotations

import json
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count, cycle
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from tests.jsonrpc import LEGACY, Message, opening, request, tool_call
from tests.profiles import unshrunk

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from hypothesis.strategies import SearchStrategy

    from trax_mcp.sandbox import Sandbox

pytestmark = pytest.mark.fuzz

HUGE_BYTES: Final = 4 << 20
HUGE_LINES: Final = 18

CHAT: Final = "/v1/studios/studio_60/chat/messages"

ENDS: Final = (
    json.dumps({**tool_call(LEGACY, "create_studio"), "id": CANARY}).encode(),
    json.dumps(tool_call(LEGACY, "create_studio", name=CANARY)).encode()[:-9],
    b'{"x": "\xe2\x82',
    b" \t",
)


class Session:
    """One client's connection. `asked` counts what it owes an answer, by id."""

    def __init__(self, server: Server, era: str) -> None:
        self.server = server
        self._era = era
        self._numbers = (f"plain-{number}" for number in count())
        self._plain: Message = {}
        self._heard: list[Message] = []
        self.write(*opening(era))
        if era == LEGACY:
            assert "result" in json.loads(self.server.line())
        self._plain = self.ask(request(era, "prompts/list"))
        assert self._plain["result"]["prompts"]

    def write(self, *messages: Message) -> None:
        """Write messages as they should be written."""
        self.server.write([json.dumps(message).encode() + b"\n" for message in messages])

    def ask(self, message: Message) -> Message:
        """Ask, and return the answer; what else comes until then is kept."""
        number = next(self._numbers)
        self.write({**message, "id": number})
        while (answer := self._next()).get("id") != number:
            self._heard.append(answer)
        return {**answer, "id": None}

    def answers(self, wanted: int) -> list[Message]:
        """What has come since the last time: at least so many answers, and a plain one after."""
        assert self.ask(request(self._era, "prompts/list")) == self._plain
        while len(self._heard) < wanted:
            self._heard.append(self._next())
        heard, self._heard = self._heard, []
        return heard

    def _next(self) -> Message:
        message: Message = json.loads(self.server.line())
        assert message["jsonrpc"] == "2.0"
        assert "method" not in message
        return message


def key(number: object) -> str:
    """An id as JSON, which tells 7 from "7" and from true."""
    return json.dumps(number)


def judge(said: Sequence[Said], answers: Iterable[Message]) -> None:
    """See to it that everything got what it was owed, and nothing else was said."""
    called_off = cancelled(said)
    must, may = Counter[str](), Counter[str]()
    for it in said:
        owed = it.fate is Fate.ANSWERED and alike(it.number) not in called_off
        (must if owed else may)[key(it.number)] += it.fate is not Fate.SILENT
    heard = Counter(key(answer["id"]) for answer in answers)
    refused = sum(it.fate in {Fate.REFUSED, Fate.EITHER} for it in said)
    assert must <= heard
    assert heard - must - may <= Counter({key(None): refused})
    least, most = bounds(said)
    assert least <= heard.total() <= most


def cancelled(said: Iterable[Said]) -> set[object]:
    """The ids that are called off."""
    return {alike(it.cancels) for it in said if it.cancels is not None}


def bounds(said: Sequence[Said]) -> tuple[int, int]:
    """How many answers there must be at least, and may be at most."""
    called_off = cancelled(said)
    owed = [it for it in said if it.fate in {Fate.ANSWERED, Fate.REFUSED}]
    sure = [it for it in owed if alike(it.number) not in called_off]
    return len(sure), sum(it.fate is not Fate.SILENT for it in said)


def codes(answers: Iterable[Message]) -> set[int]:
    """The codes of those answers that are errors."""
    return {answer["error"]["code"] for answer in answers if "error" in answer}


@dataclass(frozen=True)
class Spoken:
    """Some utterances, and how they are written: with which ends of line, in which pieces."""

    said: list[Said]
    ends: list[bytes]
    sizes: list[int]

    @property
    def pieces(self) -> Iterator[bytes]:
        """What is written at once, one after the other."""
        ends = cycle(self.ends)
        text = b"".join(it.text + next(ends) for it in self.said)
        for size in self.sizes:
            yield text[:size]
            text = text[size:]
        yield text


def spoken(era: str) -> SearchStrategy[Spoken]:
    """Anything at all, written in any way."""
    return st.builds(
        Spoken,
        st.lists(utterances(era) | cancels(era), min_size=1, max_size=6),
        st.lists(st.sampled_from([b"\n", b"\r\n", b"\n\n", b"\n \t\n"]), min_size=1, max_size=3),
        st.lists(st.integers(1, 99), max_size=9),
    )


@st.composite
def calling_off(draw: st.DrawFn, era: str) -> list[Message]:
    """Waits that are all called off, in this order or that, among requests that are not."""
    waiting = draw(st.lists(numbers, min_size=1, max_size=3, unique_by=alike))
    call = waiting_for_chat(era, seconds=2)
    begun = [{**call, "id": number} for number in waiting]
    offs = [cancel(era, draw(spelt(number))) for number in waiting]
    others = [cancel(era, f"{CANARY}-{at}") for at in range(draw(st.integers(0, 2)))]
    quick = [{**request(era, "prompts/list"), "id": f"quick-{at}"} for at in range(3)]
    before = draw(st.lists(st.sampled_from(offs), max_size=1))
    return [*before, *begun, *draw(st.permutations([*offs, *others, *quick]))]


def spelt(number: object) -> SearchStrategy[object]:
    """An id as a client may write it when it calls it off."""
    as_text = [str(number)] if isinstance(number, int) else []
    return st.sampled_from([number, *as_text])


def huge_lines(era: str) -> Iterator[bytes]:
    """Just under 4 MiB, at it and above, in turn: whole, broken, and with an id of that size."""
    for at in range(HUGE_LINES):
        size = HUGE_BYTES + at % 3 - 1
        message = request(era, "prompts/list", {"x": ""})
        if at % 6 == 4:
            message["id"] = ""
        text = json.dumps(message).encode()
        whole = text.replace(b'""', b'"%s"' % (b"x" * (size - len(text))), 1)
        yield whole[:-1] if at % 6 == 5 else whole


@contextmanager
def speaking(trax: Sandbox, era: str) -> Iterator[Session]:
    """A client of this era, connected."""
    with serving(trax) as server:
        yield Session(server, era)


def test_whatever_is_written_the_next_request_is_answered(served: Sandbox, era: str) -> None:
    """Hundreds of hostile lines, and a client that goes on as if nothing had been."""
    with LongLived(partial(speaking, served, era)) as long_lived:

        @unshrunk(150)
        @given(spoken(era))
        def hears(spoken: Spoken) -> None:
            with long_lived.example() as session:
                session.server.write(spoken.pieces)
                answers = session.answers(bounds(spoken.said)[0])
                judge(spoken.said, answers)
                assert not codes(answers) & INTERNAL
                assert not served.requests
                session.server.is_well()

        with long_lived.example() as session:
            before = session.server.resident_mib()
        hears()
        with long_lived.example() as session:
            for line in huge_lines(era):
                session.server.write([line + b"\n"])
                (answer,) = session.answers(1)
                assert not codes([answer]) & INTERNAL
            assert session.server.resident_mib() - before < GROWS_MIB
            assert not served.requests
            session.server.is_well()
            session.server.ends_well()


def test_what_is_called_off_is_left_and_nothing_else(served: Sandbox, era: str) -> None:
    """Waits are begun, and called off before, during and again; other ids go on untouched.

    Whatever was not really called off answers within two seconds, and would be heard at the end.
    """
    with LongLived(partial(speaking, served, era)) as long_lived:

        @unshrunk(40)
        @given(calling_off(era))
        def hears(messages: list[Message]) -> None:
            with long_lived.example() as session:
                session.write(*messages)
                quick = [it["id"] for it in messages if it["method"] == "prompts/list"]
                heard = [answer["id"] for answer in session.answers(len(quick))]
                assert Counter(map(key, heard)) == Counter(map(key, quick))
                session.server.is_well()

        hears()
        with long_lived.example() as session:
            waited = session.ask(waiting_for_chat(era, seconds=3))
            assert waited["result"]["structuredContent"]["messages"] == []
            assert session.answers(0) == []
            assert {(it.method, it.path) for it in served.requests} == {("GET", CHAT)}
            session.server.is_well()


@pytest.mark.parametrize("rest", ENDS, ids=["a request", "half of one", "half a letter", "spaces"])
def test_what_is_written_without_an_end_of_line_ends_well(served: Sandbox, rest: bytes) -> None:
    """A client that leaves in the middle of a line leaves a server that ends with code 0."""
    with speaking(served, LEGACY) as session:
        session.server.write([rest])
        session.server.ends_well()
        assert all(json.loads(line)["jsonrpc"] == "2.0" for line in session.server.lines())
    assert not served.requests


def test_a_good_call_among_them_reaches_trax_once(served: Sandbox, era: str) -> None:
    """Without which nothing above would say anything."""
    with speaking(served, era) as session:
        session.server.write([b"{\n[]\n\xff\n"])
        created = session.ask(tool_call(era, "create_studio", name=CANARY))
        assert created["result"]["structuredContent"]["name"] == CANARY
        assert codes(session.answers(3)) == {-32700, -32600}
        assert [it.method for it in served.requests] == ["POST"]
