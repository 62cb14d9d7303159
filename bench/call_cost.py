"""Measures starts, memory, calls and tool lists of trax-mcp and of bare servers.

The two alternate, so that a slow moment of the machine affects both.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Generic, TypeVar

from bench.harness.mcp_clients import Answer, Era, HttpClient, JsonObject, McpClient, StdioClient
from bench.harness.process import HarnessError, python_module
from bench.harness.signed_in_server import SignedInServer, signed_in_server
from trax_mcp.api.operations import OPERATIONS

OURS = "trax_mcp"
_TRIVIAL = "bench.baselines.trivial_server"
FORWARDING = "bench.baselines.forwarding_server"
UPSTREAM = "bench.baselines.fast_upstream"

KEY = "sk_live_of_the_bench"
_UNUSED_URL = "http://127.0.0.1:9"
_UPSTREAM_MARK = b"owner_of_the_bench"
_FIELDS = ("name", "description", "inputSchema")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Effort:
    """Repetitions: starts; pairs of processes; turns per pair and calls per turn; rounds."""

    starts: int
    pairs: int
    warm_up_calls: int
    turns: int
    calls: int
    rounds: int


@dataclass(frozen=True, slots=True)
class Paired(Generic[T]):
    """Alternating measurements of trax-mcp and a bare server; those with one index are a pair."""

    ours: list[T]
    bare: list[T]

    def map(self, read: Callable[[T], float]) -> "Paired[float]":
        """One figure of each measurement."""
        return Paired([read(it) for it in self.ours], [read(it) for it in self.bare])


@dataclass(frozen=True, slots=True)
class Start:
    """From the start of a process to its first response to `tools/list`."""

    seconds: float
    cpu_seconds: float
    resident_mib: float


@dataclass(frozen=True, slots=True)
class Surface:
    """All names, descriptions and input schemas that a model sees, as compact JSON."""

    contract_bytes: int
    """Of the tools that are TRaX operations."""
    beyond_bytes: int
    """Of the composite tools."""
    tools: int
    arguments: int
    undescribed: int


Connect = Callable[[str, Era, str], AbstractContextManager[McpClient]]
"""Module, era, the upstream's address -> an initialized client of the module's server."""


def starts(era: Era, effort: Effort) -> Paired[Start]:
    """Measure starts of trax-mcp and of the trivial server, over stdio."""
    for module in (OURS, _TRIVIAL):
        _start(module, era)  # fills the bytecode and disk caches
    return _alternate(lambda: _start(OURS, era), lambda: _start(_TRIVIAL, era), times=effort.starts)


def resident_after_call(effort: Effort) -> Paired[float]:
    """Measure MiB after the first call over stdio, of trax-mcp and of the forwarding server."""

    def measure_memory(module: str) -> float:
        with python_module(module, settings=_settings(address)) as server:
            client = StdioClient(server, Era.LEGACY)
            client.ask("tools/list")
            call(client)
            return server.resident_mib()

    with python_module(UPSTREAM) as upstream:
        address = upstream.address()
        return _alternate(
            lambda: measure_memory(OURS), lambda: measure_memory(FORWARDING), times=effort.pairs
        )


def calls(connect: Connect, era: Era, effort: Effort) -> Paired[float]:
    """Measure seconds per call, a median for each turn, of trax-mcp and of the forwarding server.

    Both are restarted several times, because the speed of processes varies.
    """
    pairs = [_calls_of_one_pair(connect, era, effort) for _ in range(effort.pairs)]
    return Paired(
        [seconds for pair in pairs for seconds in pair.ours],
        [seconds for pair in pairs for seconds in pair.bare],
    )


def signed_in_calls(era: Era, effort: Effort) -> Paired[float]:
    """Measure seconds per call at one server with a token (ours) and with `X-API-Key` (bare)."""
    results: Paired[float] = Paired([], [])
    for _ in range(effort.pairs):
        with (
            python_module(UPSTREAM) as upstream,
            signed_in_server(KEY, upstream.address()) as server,
            closing(_with(server, era, Authorization=f"Bearer {server.token}")) as with_token,
            closing(_with(server, era, **{"X-API-Key": KEY})) as with_key,
        ):
            for client in (with_token, with_key):
                _calls(client, effort.warm_up_calls)
            pair = _alternate(
                partial(_calls, with_token, effort.calls),
                partial(_calls, with_key, effort.calls),
                times=effort.turns,
            )
        results.ours.extend(pair.ours)
        results.bare.extend(pair.bare)
    return results


def signed_in_memory(effort: Effort) -> Paired[float]:
    """Measure MiB after a call, of a server with a sign-in (ours) and of one without (bare)."""

    def with_token() -> float:
        with signed_in_server(KEY, address) as server:
            token = f"Bearer {server.token}"
            with closing(_with(server, Era.MODERN, Authorization=token)) as client:
                call(client)
            return server.process.resident_mib()

    def with_key() -> float:
        settings = {"TRAX_BASE_URL": address}
        with python_module(OURS, "http", "--port", "0", settings=settings) as server:
            headers = {"X-API-Key": KEY}
            with closing(HttpClient(server.address(), Era.MODERN, headers=headers)) as client:
                call(client)
            return server.resident_mib()

    with python_module(UPSTREAM) as upstream:
        address = upstream.address()
        return _alternate(with_token, with_key, times=effort.pairs)


def _with(server: SignedInServer, era: Era, **headers: str) -> HttpClient:
    return HttpClient(server.address, era, headers=headers)


def surface() -> Surface:
    """Measure the tool list of trax-mcp."""
    with python_module(OURS, settings=_settings(_UNUSED_URL)) as server:
        result = StdioClient(server, Era.LEGACY).ask("tools/list").result()
    tools = [as_seen_by_model(tool) for tool in result["tools"]]
    arguments = [it for tool in tools for it in tool["inputSchema"]["properties"].values()]
    calls = len(OPERATIONS)
    return Surface(
        contract_bytes=json_bytes(tools[:calls]),
        beyond_bytes=json_bytes(tools[calls:]),
        tools=len(tools),
        arguments=len(arguments),
        undescribed=sum(not argument.get("description") for argument in arguments),
    )


def as_seen_by_model(tool: JsonObject) -> JsonObject:
    """The fields of a listed tool that hosts give to a model."""
    return {name: tool[name] for name in _FIELDS}


def json_bytes(data: object) -> int:
    """The bytes of compact JSON."""
    return len(json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode())


@contextmanager
def connect_stdio(module: str, era: Era, upstream: str) -> Iterator[McpClient]:
    """A `Connect` over stdio."""
    with python_module(module, settings=_settings(upstream)) as server:
        yield StdioClient(server, era)


@contextmanager
def connect_http(
    module: str, era: Era, upstream: str, telemetry: Mapping[str, str] | None = None
) -> Iterator[McpClient]:
    """A `Connect` over HTTP on loopback."""
    port = ("--port", "0") if module == OURS else ()
    settings = _settings(upstream) | dict(telemetry or {})
    with python_module(module, "http", *port, settings=settings) as server:
        client = HttpClient(server.address(), era, headers={"X-API-Key": KEY})
        with closing(client):
            yield client


def connect_measured(telemetry: Mapping[str, str]) -> Connect:
    """A `Connect` to trax-mcp over HTTP: ours with this telemetry, and the bare one without.

    The upstream is the collector too, since it takes whatever is posted.
    """

    def connect(module: str, era: Era, upstream: str) -> AbstractContextManager[McpClient]:
        collector = {"OTEL_EXPORTER_OTLP_ENDPOINT": upstream}
        settings = {**collector, **telemetry} if module == OURS else None
        return connect_http(OURS, era, upstream, settings)

    return connect


def _start(module: str, era: Era) -> Start:
    with python_module(module, settings=_settings(_UNUSED_URL)) as server:
        answer = StdioClient(server, era).ask("tools/list")
        seconds = time.perf_counter() - server.started_at
        answer.result()
        return Start(seconds, server.cpu_seconds(), server.resident_mib())


def _calls_of_one_pair(connect: Connect, era: Era, effort: Effort) -> Paired[float]:
    with ExitStack() as stack:
        upstream = stack.enter_context(python_module(UPSTREAM)).address()
        ours = stack.enter_context(connect(OURS, era, upstream))
        bare = stack.enter_context(connect(FORWARDING, era, upstream))
        _check_same_result(ours, bare)
        for client in (ours, bare):
            _calls(client, effort.warm_up_calls)
        return _alternate(
            lambda: _calls(ours, effort.calls),
            lambda: _calls(bare, effort.calls),
            times=effort.turns,
        )


def _check_same_result(ours: McpClient, bare: McpClient) -> None:
    """Check that both answer with the same data, in the last line of the text and beside it."""
    results = [call(client).success() for client in (ours, bare)]
    data = [
        (it["content"][0]["text"].rpartition("\n")[2], it["structuredContent"]) for it in results
    ]
    if data[0] != data[1]:
        raise HarnessError(f"the two servers answer differently: {results}")


def _calls(client: McpClient, times: int) -> float:
    return median(call(client).seconds for _ in range(times))


def call(client: McpClient) -> Answer:
    """Call `get_studio`, and check that the answer is the upstream's."""
    answer = client.ask("tools/call", name="get_studio", arguments={"studioId": "studio_42"})
    if _UPSTREAM_MARK not in answer.body:
        raise HarnessError(f"the call was answered {answer.body!r}")
    return answer


def _alternate(ours: Callable[[], T], bare: Callable[[], T], *, times: int) -> Paired[T]:
    """A B, B A, A B: neither is always second."""
    results: Paired[T] = Paired([], [])
    turns = [(ours, results.ours), (bare, results.bare)]
    for _ in range(times):
        for measure, figures in turns:
            figures.append(measure())
        turns.reverse()
    return results


def _settings(upstream: str) -> dict[str, str]:
    return {"TRAX_API_KEY": KEY, "TRAX_BASE_URL": upstream}
