"""The compared servers: how each is installed and started, as its own README says.

In the templates, `{home}` is the server's environment, `{node}` the node of the tools, `{contract}`
the document, `{upstream}` the sandbox, `{port}` a free loopback port, `{key}` the sandbox's key.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Final

from bench.harness.mcp_clients import Era, HttpClient, StdioClient
from bench.harness.process import ROOT, Process, free_port
from trax_mcp.sandbox import SANDBOX_KEY

CONTRACT: Final = ROOT / "trax_mcp" / "api" / "openapi.json"
_PROGRAM: Final = Path(__file__).with_name("fastmcp_server.py")


class Kind(Enum):
    """The package manager of a server."""

    OURS = "ours"
    PYTHON = "Python"
    NODE = "node"


@dataclass(frozen=True, slots=True)
class ComparedServer:
    """One server. `requirement` is the argument of its package manager."""

    name: str
    requirement: str
    kind: Kind
    stdio: tuple[str, ...]
    http: tuple[str, ...] | None = None
    """None if it does not have this transport."""
    endpoint: str = "/mcp"
    answers_on_stream: bool = False
    """Whether responses to tool calls over HTTP are on the session's GET stream."""
    environment: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    """The headers that it needs over HTTP."""

    @property
    def package(self) -> str:
        """The name without the version."""
        at = "==" if self.kind is Kind.PYTHON else "@"
        return self.requirement.rpartition(at)[0] or self.requirement


_TRAX: Final = "{home}/bin/trax-mcp"
_FASTMCP: Final = ("{home}/bin/python", "{program}", "{contract}", "{upstream}")
_AWSLABS: Final = (
    "{home}/bin/awslabs.openapi-mcp-server",
    *("--api-url", "{upstream}", "--spec-path", "{contract}", "--auth-type", "bearer"),
    # Its defaults refuse plain HTTP and private addresses.
    *("--allow-insecure-http", "--allow-private-networks", "--allowed-spec-dirs", "{folder}"),
)
_MCPIFY: Final = ("{home}/bin/mcpify", "serve", "{contract}", "--auth-env", "API_KEY")
_GATEWAY: Final = (
    *("{home}/bin/openapi-mcp-gateway", "--spec", "{contract}", "--name", "race"),
    *("--auth-type", "bearer", "--auth-token", "${{API_KEY}}", "--transport"),
)
_IVOTOBY: Final = (
    "{node}",
    "{home}/node_modules/@ivotoby/openapi-mcp-server/bin/mcp-server.js",
    *("--api-base-url", "{upstream}", "--openapi-spec", "{contract}"),
)

OURS: Final = "trax-mcp"
FASTMCP: Final = "fastmcp"
AWSLABS: Final = "awslabs"
MCPIFY: Final = "mcpify"
GATEWAY: Final = "gateway"
IVOTOBY: Final = "ivotoby"

_KEY: Final = {"API_KEY": "{key}"}
# The check for updates uses the network.
_NO_UPDATE_CHECK: Final = {"FASTMCP_CHECK_FOR_UPDATES": "off"}

COMPARED_SERVERS: Final = (
    ComparedServer(
        OURS,
        "trax-mcp",
        Kind.OURS,
        stdio=(_TRAX,),
        http=(_TRAX, "http", "--port", "{port}"),
        environment={"TRAX_API_KEY": "{key}", "TRAX_BASE_URL": "{upstream}"},
        headers={"X-API-Key": "{key}"},
    ),
    ComparedServer(
        FASTMCP,
        "fastmcp==4.2.3",
        Kind.PYTHON,
        stdio=_FASTMCP,
        http=(*_FASTMCP, "{port}"),
        environment=_KEY | _NO_UPDATE_CHECK,
    ),
    ComparedServer(
        AWSLABS,
        "awslabs.openapi-mcp-server==1.1.6",
        Kind.PYTHON,
        stdio=_AWSLABS,
        environment={"AUTH_TOKEN": "{key}"} | _NO_UPDATE_CHECK,
    ),
    ComparedServer(
        MCPIFY,
        "mcpify-openapi==1.19.0",
        Kind.PYTHON,
        stdio=_MCPIFY,
        http=(*_MCPIFY, "--http", "{port}"),
        endpoint="/",
        environment=_KEY,
    ),
    ComparedServer(
        GATEWAY,
        "openapi-mcp-gateway==0.8.0",
        Kind.PYTHON,
        stdio=(*_GATEWAY, "stdio"),
        http=(*_GATEWAY, "streamable-http", "--host", "127.0.0.1", "--port", "{port}"),
        endpoint="/race/mcp",
        environment=_KEY,
    ),
    ComparedServer(
        IVOTOBY,
        "@ivotoby/openapi-mcp-server@1.16.1",
        Kind.NODE,
        stdio=_IVOTOBY,
        http=(*_IVOTOBY, "--transport", "http", "--port", "{port}"),
        answers_on_stream=True,
        environment={"API_HEADERS": "Authorization:Bearer {key}"},
    ),
)


@dataclass(frozen=True, slots=True)
class Launcher:
    """An installed server, and the values for its templates."""

    server: ComparedServer
    home: Path
    node: str
    folder: Path
    upstream: str

    @contextmanager
    def on_stdio(self) -> Iterator[tuple[Process, StdioClient]]:
        """Start a process, and initialize a client."""
        with self._start(self.server.stdio) as process:
            yield process, StdioClient(process, Era.LEGACY)

    @contextmanager
    def on_http(self) -> Iterator[HttpClient]:
        """Start a process on a free port, and initialize a client."""
        port = free_port()
        with self._start(self.server.http or (), port=port) as process:
            process.wait_for_port(port)
            headers = {name: self._fill(it) for name, it in self.server.headers.items()}
            client = HttpClient(
                f"http://127.0.0.1:{port}{self.server.endpoint}",
                Era.LEGACY,
                headers=headers,
                answers_on_stream=self.server.answers_on_stream,
            )
            with closing(client):
                yield client

    def _start(self, template: tuple[str, ...], *, port: int = 0) -> Process:
        environment = {it: self._fill(value) for it, value in self.server.environment.items()}
        return Process(
            *(self._fill(part, port=port) for part in template),
            settings={"HOME": str(self.folder), **environment},
            folder=self.folder,
            reads_stdout=not port,
        )

    def _fill(self, template: str, *, port: int = 0) -> str:
        return template.format(
            home=self.home,
            node=self.node,
            program=_PROGRAM,
            folder=self.folder,
            contract=self.folder / "contract.json",
            upstream=self.upstream,
            port=port,
            key=SANDBOX_KEY,
        )


def write_contract(folder: Path, upstream: str) -> None:
    """Write the contract, with the sandbox as its server."""
    document = json.loads(CONTRACT.read_text(encoding="utf-8"))
    document["servers"] = [{"url": upstream}]
    (folder / "contract.json").write_text(json.dumps(document), encoding="utf-8")
