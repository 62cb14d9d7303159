"""A collector of OpenTelemetry and a Prometheus, as operators run them, on free ports of loopback.

Neither is ours: the collector is Rotel, of its Python package, and Prometheus is the system's.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import sysconfig
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import httpx

from tests import ROOT
from tests.support.guarded_calls import STUDIO
from tests.support.http_clients import plain_http
from tests.support.loopback_ports import held_port
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.server_process import PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
    from pathlib import Path

DEPLOY: Final = ROOT / "deploy"
TEXT: Final = "canary text"
SECRETS: Final = (SANDBOX_KEY, *STUDIO.values(), "Friday Night Show", TEXT)
"""What none of them may learn: a key, the id and the name of a studio, and a text."""
_PAUSE_SECONDS: Final = 0.05
_SPAN: Final = re.compile(
    r"""
    ^Span\ \#\d+\n
    \s+Trace\ ID\s+:\ (?P<trace>\w+)\n
    \s+Parent\ ID\s+:\ (?P<parent>\w*)\n
    \s+ID\s+:\ (?P<id>\w+)\n
    \s+Name\s+:\ (?P<name>.+)\n
    """,
    re.MULTILINE | re.VERBOSE,
)
"""A span as the collector prints it."""


class Span(NamedTuple):
    """A span. Ids are in hexadecimal; `parent` is empty for the first of a trace."""

    trace: str
    parent: str
    id: str
    name: str


@dataclass(frozen=True)
class Collector:
    """A collector that prints what it gets. `address` takes OTLP over HTTP."""

    address: str
    output: Path

    def received(self) -> str:
        """All that it has printed."""
        return self.output.read_text(encoding="utf-8", errors="replace")

    async def has(self, *texts: str) -> bool:
        """Whether it has printed all of these."""
        return all(it in self.received() for it in texts)

    def spans(self) -> list[Span]:
        """All spans that it has received."""
        return [Span(**it.groupdict()) for it in _SPAN.finditer(self.received())]


@dataclass(frozen=True)
class Prometheus:
    """A Prometheus. `http` reaches its API."""

    http: httpx.AsyncClient

    async def ask(self, query: str) -> list[dict[str, Any]]:
        """The series that answer a query now."""
        found: list[dict[str, Any]] = (await self.get("query", query=query))["result"]
        return found

    async def get(self, path: str, **parameters: str) -> Any:  # noqa: ANN401  JSON
        """What its API answers."""
        response = await self.http.get(f"/api/v1/{path}", params=parameters)
        assert response.status_code == httpx.codes.OK, f"{parameters}: {response.text}"
        return response.json()["data"]


async def until(is_so: Callable[[], Awaitable[object]]) -> None:
    """Wait until it is so, as another process decides."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await is_so():  # noqa: ASYNC110  it can only be asked
            await asyncio.sleep(_PAUSE_SECONDS)


@asynccontextmanager
async def collector(folder: Path) -> AsyncIterator[Collector]:
    """A collector that takes whatever is sent, until the block ends."""
    program, output = str(files("rotel") / "rotel-agent"), folder / "collector.txt"
    with held_port() as port, held_port() as grpc:
        address = f"127.0.0.1:{port}"
        options = {
            "otlp-http-endpoint": address,
            "otlp-grpc-endpoint": f"127.0.0.1:{grpc}",
            "debug-log-verbosity": "detailed",
            "exporter": "blackhole",
        }
        words = [f"--{name}={it}" for name, it in options.items()]
        words += ["--debug-log=traces", "--debug-log=metrics"]
        # It is linked to the library of this Python, which need not be where the system looks.
        libraries = {"LD_LIBRARY_PATH": sysconfig.get_config_var("LIBDIR")}
        async with _running(output, program, "start", *words, environment=libraries):
            found = Collector(f"http://{address}", output)
            async with plain_http(found.address) as http:
                await until(lambda: _answers(http, "/"))
            yield found


@asynccontextmanager
async def prometheus(folder: Path, metrics: str) -> AsyncIterator[Prometheus]:
    """A Prometheus with the files of `deploy/`, that reads the metrics at this address each second.

    Only the address and how often it looks are changed.
    """
    configuration = (DEPLOY / "prometheus.yml").read_text(encoding="utf-8")
    for shipped, here in (("127.0.0.1:9464", metrics), ("interval: 15s", "interval: 1s")):
        assert shipped in configuration
        configuration = configuration.replace(shipped, here)
    (folder / "prometheus.yml").write_text(configuration, encoding="utf-8")
    shutil.copy(DEPLOY / "alerts.yaml", folder)
    with held_port() as port:
        address = f"127.0.0.1:{port}"
        options = {
            "config.file": folder / "prometheus.yml",
            "storage.tsdb.path": folder / "data",
            "web.listen-address": address,
            "log.level": "warn",
        }
        words = [f"--{name}={it}" for name, it in options.items()]
        async with (
            _running(folder / "prometheus.txt", "prometheus", *words),
            plain_http(f"http://{address}") as http,
        ):
            await until(lambda: _answers(http, "/-/ready"))
            yield Prometheus(http)


@asynccontextmanager
async def _running(
    output: Path, *words: str, environment: Mapping[str, str] | None = None
) -> AsyncIterator[None]:
    with output.open("wb") as file:
        process = await asyncio.create_subprocess_exec(
            *words, stdout=file, stderr=asyncio.subprocess.STDOUT, env=environment
        )
    try:
        yield
    finally:
        process.kill()
        await process.wait()


async def _answers(http: httpx.AsyncClient, path: str) -> bool:
    try:
        return (await http.get(path)).status_code < httpx.codes.INTERNAL_SERVER_ERROR
    except httpx.TransportError:
        return False
