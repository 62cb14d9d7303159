"""Who takes part, and how each is installed and started, as its own README says. Only data.

`{home}` is the entrant's environment, `{node}` the node of the tools, `{contract}` the document,
`{upstream}` the sandbox, `{port}` a free port of loopback, `{key}` the key for the sandbox.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final


class Kind(Enum):
    """What an entrant is made of, and so how it is installed."""

    OURS = "ours"
    PYTHON = "Python"
    NODE = "node"


@dataclass(frozen=True, slots=True)
class Entrant:
    """One server. `requirement` is what its package manager is asked for."""

    name: str
    requirement: str
    kind: Kind
    stdio: tuple[str, ...]
    http: tuple[str, ...] | None = None
    """None where it has no such transport."""
    endpoint: str = "/mcp"
    answers_on_stream: bool = False
    """Whether tool calls over HTTP are answered on the session's GET stream."""
    environment: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    """What it needs from an HTTP client."""

    @property
    def package(self) -> str:
        """The name without the version."""
        at = "==" if self.kind is Kind.PYTHON else "@"
        return self.requirement.rpartition(at)[0] or self.requirement


_TRAX: Final = "{home}/bin/trax-mcp"
_FASTMCP: Final = ("{home}/bin/python", "{peers}/fastmcp_server.py", "{contract}", "{upstream}")
_AWSLABS: Final = (
    "{home}/bin/awslabs.openapi-mcp-server",
    *("--api-url", "{upstream}", "--spec-path", "{contract}", "--auth-type", "bearer"),
    # Its defaults refuse what is not https and not public.
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
# Whether there is a newer version is asked over the network, and nothing here may be.
_NO_UPDATE_CHECK: Final = {"FASTMCP_CHECK_FOR_UPDATES": "off"}

ENTRANTS: Final = (
    Entrant(
        OURS,
        "trax-mcp",
        Kind.OURS,
        stdio=(_TRAX,),
        http=(_TRAX, "http", "--port", "{port}"),
        environment={"TRAX_API_KEY": "{key}", "TRAX_BASE_URL": "{upstream}"},
        headers={"X-API-Key": "{key}"},
    ),
    Entrant(
        FASTMCP,
        "fastmcp==4.2.3",
        Kind.PYTHON,
        stdio=_FASTMCP,
        http=(*_FASTMCP, "{port}"),
        environment=_KEY | _NO_UPDATE_CHECK,
    ),
    Entrant(
        AWSLABS,
        "awslabs.openapi-mcp-server==1.1.6",
        Kind.PYTHON,
        stdio=_AWSLABS,
        environment={"AUTH_TOKEN": "{key}"} | _NO_UPDATE_CHECK,
    ),
    Entrant(
        MCPIFY,
        "mcpify-openapi==1.19.0",
        Kind.PYTHON,
        stdio=_MCPIFY,
        http=(*_MCPIFY, "--http", "{port}"),
        endpoint="/",
        environment=_KEY,
    ),
    Entrant(
        GATEWAY,
        "openapi-mcp-gateway==0.8.0",
        Kind.PYTHON,
        stdio=(*_GATEWAY, "stdio"),
        http=(*_GATEWAY, "streamable-http", "--host", "127.0.0.1", "--port", "{port}"),
        endpoint="/race/mcp",
        environment=_KEY,
    ),
    Entrant(
        IVOTOBY,
        "@ivotoby/openapi-mcp-server@1.16.1",
        Kind.NODE,
        stdio=_IVOTOBY,
        http=(*_IVOTOBY, "--transport", "http", "--port", "{port}"),
        answers_on_stream=True,
        environment={"API_HEADERS": "Authorization:Bearer {key}"},
    ),
)
