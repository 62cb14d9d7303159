"""An entrant that is installed and ready to be started against one sandbox, on stdio or HTTP.

It fills the templates of `entrants`, and greets what it has started. It knows no measurement.
"""

import json
import select
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.processes import PATIENCE_SECONDS, ROOT, BenchError
from proof.race.children import Child
from proof.race.entrants import Entrant
from proof.race.streams import StreamWire
from proof.race.wires import HttpWire, StdioWire
from trax_mcp.sandbox import SANDBOX_KEY

_PEERS: Final = Path(__file__).parent / "peers"
_CONTRACT: Final = ROOT / "trax_mcp" / "api" / "openapi.json"


@dataclass(frozen=True, slots=True)
class Runner:
    """An entrant, and all that its templates need."""

    entrant: Entrant
    home: Path
    node: str
    folder: Path
    upstream: str

    @contextmanager
    def on_stdio(self) -> Iterator[tuple[Child, StdioWire]]:
        """A process of its own, greeted."""
        with self._started(self.entrant.stdio) as child:
            yield child, StdioWire(child)

    @contextmanager
    def on_http(self) -> Iterator[HttpWire]:
        """A process of its own on a free port, greeted.

        Raises:
            BenchError: it never listens.
        """
        port = _free_port()
        with ExitStack() as stack:
            child = stack.enter_context(self._started(self.entrant.http or (), port=port))
            _await_port(port, child)
            headers = {name: self._filled(it) for name, it in self.entrant.headers.items()}
            wire = StreamWire if self.entrant.answers_on_stream else HttpWire
            yield stack.enter_context(closing(wire(port, self.entrant.endpoint, headers)))

    def _started(self, template: tuple[str, ...], *, port: int = 0) -> Child:
        environment = {it: self._filled(value) for it, value in self.entrant.environment.items()}
        command = [self._filled(part, port=port) for part in template]
        return Child(command, environment=environment, folder=self.folder, on_stdio=not port)

    def _filled(self, template: str, *, port: int = 0) -> str:
        return template.format(
            home=self.home,
            node=self.node,
            peers=_PEERS,
            folder=self.folder,
            contract=self.folder / "contract.json",
            upstream=self.upstream,
            port=port,
            key=SANDBOX_KEY,
        )


def write_contract(folder: Path, upstream: str) -> None:
    """The contract as it is, but for its server, which is the sandbox."""
    document = json.loads(_CONTRACT.read_text(encoding="utf-8"))
    document["servers"] = [{"url": upstream}]
    (folder / "contract.json").write_text(json.dumps(document), encoding="utf-8")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _await_port(port: int, child: Child) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and not child.has_ended():
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        select.select([], [], [], 0.02)
    raise BenchError("it never listened on its port")
