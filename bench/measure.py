"""The measurements. Ours and the bare one take turns, so that a slow moment strikes both.

Nothing here knows how figures are shown or what they ought to be.
"""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Generic, TypeVar

from bench.processes import BenchError, Process
from bench.wire import Answer, Era, HttpExchange, HttpWire, StdioWire
from trax_mcp.api.operations import OPERATIONS

_OURS = "trax_mcp"
_TRIVIAL = "bench.peers.trivial"
_FORWARDING = "bench.peers.forwarding"
_UPSTREAM = "bench.peers.upstream"

_KEY = "sk_live_of_the_bench"
_NOWHERE = "http://127.0.0.1:9"
_ONLY_UPSTREAM_KNOWS = b"owner_of_the_bench"
_SEEN = ("name", "description", "inputSchema")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Effort:
    """How often: processes started; per pair of processes, turns, and calls in each; rounds."""

    starts: int
    pairs: int
    warm_up_calls: int
    turns: int
    calls: int
    rounds: int


@dataclass(frozen=True, slots=True)
class Paired(Generic[T]):
    """What was taken in turns: the n-th of ours right beside the n-th of the bare one."""

    ours: list[T]
    bare: list[T]

    def map(self, figure: Callable[[T], float]) -> "Paired[float]":
        """One figure of each."""
        return Paired([figure(it) for it in self.ours], [figure(it) for it in self.bare])


@dataclass(frozen=True, slots=True)
class Start:
    """From the birth of a process to its first `tools/list` answer."""

    seconds: float
    cpu_seconds: float
    resident_mib: float


@dataclass(frozen=True, slots=True)
class Surface:
    """What a model sees of a server: all names, descriptions and input schemas as compact JSON."""

    contract_bytes: int
    """Of the tools that are calls of TRaX."""
    beyond_bytes: int
    """Of those that are made of several."""
    tools: int
    arguments: int
    undescribed: int


Connect = Callable[[str, Era, str], AbstractContextManager[HttpExchange]]
"""Module, era, the upstream's address -> the module as a server, greeted."""


def starts(era: Era, effort: Effort) -> Paired[Start]:
    """Starts of trax-mcp and of the trivial server, over stdio."""
    for module in (_OURS, _TRIVIAL):
        _start(module, era)  # so that bytecode and disk are warm
    return _in_turns(lambda: _start(_OURS, era), lambda: _start(_TRIVIAL, era), times=effort.starts)


def resident_after_call(effort: Effort) -> Paired[float]:
    """MiB after the first call over stdio, of trax-mcp and of the forwarding server."""

    def weigh(module: str) -> float:
        with Process(module, environment=_environment(address)) as server:
            wire = StdioWire(server, Era.LEGACY)
            wire.ask("tools/list")
            _call(wire)
            return server.resident_mib()

    with Process(_UPSTREAM) as upstream:
        address = upstream.address()
        return _in_turns(lambda: weigh(_OURS), lambda: weigh(_FORWARDING), times=effort.pairs)


def calls(connect: Connect, era: Era, effort: Effort) -> Paired[float]:
    """Seconds per call, a median for each turn, of trax-mcp and of the forwarding server.

    Both are started anew several times, since one process can be lucky for all its life.
    """
    taken = [_calls_of_one_pair(connect, era, effort) for _ in range(effort.pairs)]
    return Paired(
        [seconds for pair in taken for seconds in pair.ours],
        [seconds for pair in taken for seconds in pair.bare],
    )


def surface() -> Surface:
    """What a model sees of trax-mcp, from the running server."""
    with Process(_OURS, environment=_environment(_NOWHERE)) as server:
        result = StdioWire(server, Era.LEGACY).ask("tools/list").result()
    tools = [{name: tool[name] for name in _SEEN} for tool in result["tools"]]
    arguments = [it for tool in tools for it in tool["inputSchema"]["properties"].values()]
    calls = len(OPERATIONS)
    return Surface(
        contract_bytes=_size(tools[:calls]),
        beyond_bytes=_size(tools[calls:]),
        tools=len(tools),
        arguments=len(arguments),
        undescribed=sum(not argument.get("description") for argument in arguments),
    )


def _size(tools: Sequence[object]) -> int:
    return len(json.dumps(tools, ensure_ascii=False, separators=(",", ":")).encode())


@contextmanager
def over_stdio(module: str, era: Era, upstream: str) -> Iterator[HttpExchange]:
    """A `Connect`: a server of its own on stdin and stdout."""
    with Process(module, environment=_environment(upstream)) as server:
        yield StdioWire(server, era)


@contextmanager
def over_http(module: str, era: Era, upstream: str) -> Iterator[HttpExchange]:
    """A `Connect`: a server of its own on a port of loopback."""
    port = ("--port", "0") if module == _OURS else ()
    with ExitStack() as stack:
        server = Process(module, "http", *port, environment=_environment(upstream))
        address = stack.enter_context(server).address()
        yield stack.enter_context(closing(HttpWire(address, era, key=_KEY)))


def _start(module: str, era: Era) -> Start:
    with Process(module, environment=_environment(_NOWHERE)) as server:
        answer = StdioWire(server, era).ask("tools/list")
        seconds = time.perf_counter() - server.born
        answer.result()
        resident_mib = server.resident_mib()
        return Start(seconds, server.end(), resident_mib)


def _calls_of_one_pair(connect: Connect, era: Era, effort: Effort) -> Paired[float]:
    with ExitStack() as stack:
        upstream = stack.enter_context(Process(_UPSTREAM)).address()
        ours = stack.enter_context(connect(_OURS, era, upstream))
        bare = stack.enter_context(connect(_FORWARDING, era, upstream))
        _check_that_both_do_the_same(ours, bare)
        for wire in (ours, bare):
            _calls(wire, effort.warm_up_calls)
        return _in_turns(
            lambda: _calls(ours, effort.calls),
            lambda: _calls(bare, effort.calls),
            times=effort.turns,
        )


def _check_that_both_do_the_same(ours: HttpExchange, bare: HttpExchange) -> None:
    seen = [_call(wire).result() for wire in (ours, bare)]
    if any(seen[0][part] != seen[1][part] for part in ("content", "structuredContent")):
        raise BenchError(f"the two servers answer differently: {seen}")


def _calls(wire: HttpExchange, times: int) -> float:
    return median(_call(wire).seconds for _ in range(times))


def _call(wire: HttpExchange) -> Answer:
    answer = wire.ask("tools/call", name="get_studio", arguments={"studioId": "studio_42"})
    if _ONLY_UPSTREAM_KNOWS not in answer.body:
        raise BenchError(f"the call was answered {answer.body!r}")
    return answer


def _in_turns(ours: Callable[[], T], bare: Callable[[], T], *, times: int) -> Paired[T]:
    """A B, B A, A B: neither is always the one that comes after the other."""
    taken: Paired[T] = Paired([], [])
    turns = [(ours, taken.ours), (bare, taken.bare)]
    for _ in range(times):
        for act, figures in turns:
            figures.append(act())
        turns.reverse()
    return taken


def _environment(upstream: str) -> dict[str, str]:
    return {"TRAX_API_KEY": _KEY, "TRAX_BASE_URL": upstream}
