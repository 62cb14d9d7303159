"""The soak: `python -m proof.soak`. It ends with 1 if anything grew, and says what.

Shows are played on three servers with fast clocks, for clients that follow them and leave in every
way. After each show and a night, when nothing is kept any more, a server must hold as many open
files and tasks as before, and no more memory.
"""

import argparse
import signal
import socket
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from bench.harness.controlled_sandbox import SandboxControl
from bench.harness.mcp_clients import Era, StdioClient
from bench.harness.process import HarnessError, Process, python_module
from proof.soak.fast_process import LINK, ResourceCount
from proof.soak.growth import find_growth, memory_slopes
from proof.soak.show import ShowRunner
from tests.support.media_samples import MP4
from trax_mcp.sandbox import SANDBOX_KEY

_SHOWS: Final = 45
"""Half an hour of shows: each takes about 40 seconds in fast time."""

_MAX_LINES: Final = 20
_EXPIRY_SECONDS: Final = 31 * 60.0
"""The SDK keeps an idle session for half an hour; nothing is kept longer.

Source: `mcp.server.streamable_http_manager.DEFAULT_SESSION_IDLE_TIMEOUT`.
"""
_IDLE_CONNECTION_SECONDS: Final = 60.0
"""After this time no idle connection to TRaX is reused."""

_REST_SECONDS: Final = 5.0
_PAUSE_SECONDS: Final = 0.05
_TRAX_SECONDS: Final = "60"
"""In fast time: long, so that a slow machine causes no time-outs."""


@dataclass(frozen=True, slots=True)
class FastServer:
    """A process on fast time."""

    process: Process
    link: socket.socket

    def count(self, *, skip: float = 0) -> ResourceCount:
        """Its resources, after moving its clock ahead."""
        self.link.sendall(f"{skip:g}".encode())
        with self.link.makefile("rb") as answers:
            return ResourceCount.from_json(answers.readline())

    def count_at_rest(self, expected: ResourceCount | None) -> ResourceCount:
        """Its resources when they are as expected, or else after some seconds."""
        deadline = time.monotonic() + _REST_SECONDS
        while True:
            time.sleep(_PAUSE_SECONDS)
            now = self.count()
            if time.monotonic() > deadline or (expected and now.handles == expected.handles):
                return now

    def failures(self) -> list[str]:
        """The lines of its stderr that report errors."""
        lines = self.process.stderr_text().splitlines()
        return [f"it said: {it}" for it in lines if it.startswith(("ERROR", "CRITICAL", "Trace"))]


def main() -> None:
    """Play the shows, print the table and the verdict, and exit."""
    parser = argparse.ArgumentParser(prog="python -m proof.soak", description=__doc__)
    parser.add_argument("--shows", type=int, default=_SHOWS, help=f"how many ({_SHOWS})")
    shows = parser.parse_args().shows
    started_at = time.monotonic()
    with TemporaryDirectory(prefix="trax-soak-") as folder, ExitStack() as stack:
        upstream = stack.enter_context(_start("bench.harness.controlled_sandbox"))
        servers = dict(_start_servers(stack, upstream.process.address(), Path(folder)))
        counts = _play(shows, upstream, servers, Path(folder))
        problems = {
            name: [*find_growth(counts[name]), *servers[name].failures()] for name in servers
        }
        codes = [
            it.process.stop(signal.SIGTERM if name == "HTTP" else None)
            for name, it in servers.items()
        ]
    print(f"{shows} shows in {(time.monotonic() - started_at) / 60:.1f} minutes.")
    for name, taken in counts.items():
        blocks, kib = memory_slopes(taken)
        print(f"{name}: {blocks:+.1f} blocks and {kib:+.1f} KiB a show in the second half.")
    grown = [f"{name}: {it}" for name, found in problems.items() for it in found]
    grown += [f"it ended with {code}" for code in codes if code]
    print("\n".join(["NOT FLAT. What grew:", *grown] if grown else ["FLAT."]))
    sys.exit(bool(grown))


def _play(
    shows: int,
    upstream: FastServer,
    servers: Mapping[str, FastServer],
    folder: Path,
) -> Mapping[str, Sequence[ResourceCount]]:
    """Play a warm-up and the shows; returns the counts of each server."""
    clip = folder / "clip.mp4"
    clip.write_bytes(MP4)
    sandbox = SandboxControl(upstream.process.address())
    clients = {era: StdioClient(servers[f"stdio {era[:4]}"].process, era) for era in Era}
    runner = ShowRunner(servers["HTTP"].process.address(), sandbox, clients, str(clip))
    counts: dict[str, list[ResourceCount]] = {name: [] for name in servers}
    print("shows" + "".join(f"{name:>22}" for name in servers))
    print(" " * 5 + f"{'files':>8}{'tasks':>6}{'MiB':>8}" * len(servers), flush=True)
    for show in range(shows + 1):
        runner.play()
        sandbox.reset()
        for seconds, then in (
            (_EXPIRY_SECONDS, runner.remove_expired_state),
            (_IDLE_CONNECTION_SECONDS, runner.close_expired_connections),
        ):
            for it in (upstream, *servers.values()):
                it.count(skip=seconds)
            then()
        for name, server in servers.items():
            counts[name].append(server.count_at_rest(counts[name][-1] if show else None))
        if show % -(-shows // _MAX_LINES) == 0:
            print(f"{show:>5}" + "".join(str(it[-1]) for it in counts.values()), flush=True)
    return counts


def _start_servers(
    stack: ExitStack, upstream: str, folder: Path
) -> Iterator[tuple[str, FastServer]]:
    settings = {
        "TRAX_BASE_URL": upstream,
        "TRAX_AUDIT_LOG": str(folder / "audit.jsonl"),
        "TRAX_TIMEOUT_SECONDS": _TRAX_SECONDS,
        "TRAX_LOG_LEVEL": "WARNING",
    }
    yield "HTTP", stack.enter_context(_start("trax_mcp", "http", "--port", "0", **settings))
    own = settings | {"TRAX_API_KEY": SANDBOX_KEY, "TRAX_MEDIA_DIRS": str(folder)}
    for era in Era:
        yield f"stdio {era[:4]}", stack.enter_context(_start("trax_mcp", **own))


@contextmanager
def _start(*module: str, **settings: str) -> Iterator[FastServer]:
    link, child_link = socket.socketpair()
    link.settimeout(30)
    with link:
        process = python_module(
            "proof.soak.fast_process",
            *module,
            settings={**settings, LINK: str(child_link.fileno())},
            pass_fds=[child_link.fileno()],
        )
        child_link.close()
        with process:
            yield FastServer(process, link)


if __name__ == "__main__":
    try:
        main()
    except (HarnessError, TimeoutError) as error:
        sys.exit("\n".join([f"soak: {error}", *getattr(error, "__notes__", ())]))
