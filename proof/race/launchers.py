"""Starts an installed server with one sandbox, over stdio or HTTP, and initializes a client."""

import json
import select
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.measured_process import ROOT, TIMEOUT_SECONDS, BenchError
from proof.race.child_process import ChildProcess
from proof.race.compared_servers import ComparedServer
from proof.race.race_clients import HttpClient, StdioClient
from proof.race.stream_client import StreamClient
from trax_mcp.sandbox import SANDBOX_KEY

_PROGRAMS: Final = Path(__file__).parent / "programs"
_CONTRACT: Final = ROOT / "trax_mcp" / "api" / "openapi.json"


@dataclass(frozen=True, slots=True)
class Launcher:
    """A server, and the values for its templates."""

    server: ComparedServer
    home: Path
    node: str
    folder: Path
    upstream: str

    @contextmanager
    def on_stdio(self) -> Iterator[tuple[ChildProcess, StdioClient]]:
        """Start a process, and initialize a client."""
        with self._start(self.server.stdio) as process:
            yield process, StdioClient(process)

    @contextmanager
    def on_http(self) -> Iterator[HttpClient]:
        """Start a process on a free port, and initialize a client.

        Raises:
            BenchError: it does not listen.
        """
        port = _free_port()
        with ExitStack() as stack:
            process = stack.enter_context(self._start(self.server.http or (), port=port))
            _wait_for_port(port, process)
            headers = {name: self._fill(it) for name, it in self.server.headers.items()}
            client = StreamClient if self.server.answers_on_stream else HttpClient
            yield stack.enter_context(closing(client(port, self.server.endpoint, headers)))

    def _start(self, template: tuple[str, ...], *, port: int = 0) -> ChildProcess:
        environment = {it: self._fill(value) for it, value in self.server.environment.items()}
        command = [self._fill(part, port=port) for part in template]
        return ChildProcess(command, environment=environment, folder=self.folder, on_stdio=not port)

    def _fill(self, template: str, *, port: int = 0) -> str:
        return template.format(
            home=self.home,
            node=self.node,
            programs=_PROGRAMS,
            folder=self.folder,
            contract=self.folder / "contract.json",
            upstream=self.upstream,
            port=port,
            key=SANDBOX_KEY,
        )


def write_contract(folder: Path, upstream: str) -> None:
    """Write the contract, with the sandbox as its server."""
    document = json.loads(_CONTRACT.read_text(encoding="utf-8"))
    document["servers"] = [{"url": upstream}]
    (folder / "contract.json").write_text(json.dumps(document), encoding="utf-8")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _wait_for_port(port: int, process: ChildProcess) -> None:
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while time.monotonic() < deadline and not process.has_ended():
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        select.select([], [], [], 0.02)
    raise BenchError("it never listened on its port")
