"""Measures what sharing consent between replicas costs, on a Valkey that this starts."""

import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench.call_cost import KEY
from bench.harness.mcp_clients import Era, HttpClient
from bench.harness.process import Process, python_module

_CALLERS = 8
_TOOL = "delete_source"
_WAIT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class ReplicaCost:
    """Milliseconds of a confirmed call alone and with a store, and acts per second.

    `per_second` are those of one process alone, of one replica, and of two replicas where each yes
    is given at one and used at the other. `cpu_ms` is the replicas' CPU time for an act, and
    `engine_cpu_ms` that of the engine.
    """

    alone_ms: float
    shared_ms: float
    per_second: Sequence[float]
    cpu_ms: Sequence[float]
    engine_cpu_ms: float

    @property
    def replicas_per_engine(self) -> float:
        """How many busy replicas keep the engine's one thread busy. This is arithmetic."""
        return self.cpu_ms[-1] / self.engine_cpu_ms


def can_measure() -> bool:
    """Whether there is a Valkey here."""
    return shutil.which("valkey-server") is not None


def measure_replicas(rounds: int) -> ReplicaCost:
    """Measure it. All processes share this machine."""
    with ExitStack() as stack:
        upstream = stack.enter_context(python_module("bench.baselines.studio_upstream", "0"))
        settings = {"TRAX_BASE_URL": upstream.address(), "TRAX_LOG_LEVEL": "ERROR"}
        engine, url = stack.enter_context(_engine())
        shared = settings | {"TRAX_STORE_URL": url}
        alone, first, second = [
            stack.enter_context(python_module("trax_mcp", "http", "--port", "0", settings=it))
            for it in (settings, shared, shared)
        ]
        times: dict[Process, list[float]] = {alone: [], first: []}
        clients = {it: stack.enter_context(closing(_client(it))) for it in times}
        for _ in range(10 * rounds):
            for process, client in clients.items():
                times[process].append(_act(client, client, "studio_0"))
        topologies = ((alone, alone), (first, first), (first, second))
        measured = [_throughput(engine, *it, seconds=rounds / 2) for it in topologies]
        return ReplicaCost(
            median(times[alone]) * 1000,
            median(times[first]) * 1000,
            [it[0] for it in measured],
            [it[1] for it in measured],
            measured[-1][2],
        )


@contextmanager
def _engine() -> Iterator[tuple[Process, str]]:
    """An empty Valkey, and its URL."""
    with TemporaryDirectory() as folder:
        socket = Path(folder, "engine.sock")
        settings = ("--port", "0", "--unixsocket", str(socket), "--save", "", "--dir", folder)
        with Process("valkey-server", *settings, reads_stdout=False) as process:
            end = time.monotonic() + _WAIT_SECONDS
            while not socket.exists() and time.monotonic() < end:
                time.sleep(0.01)
            yield process, f"unix://{socket}"


def _client(process: Process) -> HttpClient:
    return HttpClient(process.address(), Era.MODERN, headers={"X-API-Key": KEY})


def _act(asked: HttpClient, pressed: HttpClient, studio: str) -> float:
    """Preview and confirm; returns the seconds of the confirmed call."""
    arguments = {"studioId": studio, "sourceId": "source_1"}
    preview = asked.ask("tools/call", name=_TOOL, arguments=arguments).refusal()
    evidence = {"confirm": True, "confirmation": preview["confirmation"]}
    answer = pressed.ask("tools/call", name=_TOOL, arguments=arguments | evidence)
    answer.success()
    return answer.seconds


def _throughput(
    engine: Process, asked: Process, pressed: Process, *, seconds: float
) -> tuple[float, float, float]:
    """Acts per second of many callers, each in a studio of its own, and the CPU ms of an act.

    The CPU time is that of the replicas, and that of the engine.
    """

    def cpu_seconds() -> tuple[float, float]:
        return sum(it.cpu_seconds() for it in {asked, pressed}), engine.cpu_seconds()

    before = cpu_seconds()
    began = time.perf_counter()
    counts = [0] * _CALLERS

    def act(number: int) -> None:
        # Half of the callers ask at one replica, and half at the other.
        ends = (asked, pressed) if number % 2 else (pressed, asked)
        with closing(_client(ends[0])) as one, closing(_client(ends[1])) as other:
            while time.perf_counter() - began < seconds:
                _act(one, other, f"studio_{number}")
                counts[number] += 1

    threads = [threading.Thread(target=act, args=(it,)) for it in range(_CALLERS)]
    for it in threads:
        it.start()
    for it in threads:
        it.join()
    acts = max(sum(counts), 1)
    ours, engines = [
        (now - then) / acts * 1000 for now, then in zip(cpu_seconds(), before, strict=True)
    ]
    return acts / (time.perf_counter() - began), ours, engines
