"""What each client's configuration has for this installation, as doctor reports it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from trax_mcp.cli.client_configuration import Configuration, starts_this_installation
from trax_mcp.cli.clients import CLIENTS, Client
from trax_mcp.cli.replacement import InstallError


class ConfigState(Enum):
    """What a client's configuration has for this installation."""

    ABSENT = "there is none"
    BROKEN = "it cannot be read"
    WITHOUT = "it has no entry for trax"
    ELSEWHERE = "its entry for trax starts something else"
    HERE = "its entry for trax starts this installation"


@dataclass(frozen=True, slots=True)
class ConfiguredClient:
    """A client, the path of its configuration, and its state.

    `project` is the only folder in which the entry applies, if there is one.
    """

    client: Client
    path: Path
    state: ConfigState
    project: str | None = None
    entry: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def environment(self) -> dict[str, str]:
        """The settings of the entry."""
        env = self.entry.get("env")
        return {name: str(it) for name, it in env.items()} if isinstance(env, dict) else {}


def read_configurations() -> tuple[ConfiguredClient, ...]:
    """Read the configuration of every supported client."""
    return tuple(it for client in CLIENTS.values() for it in _read_client(client))


def _read_client(client: Client) -> Iterator[ConfiguredClient]:
    """The client, then one item for each project that has its own entry."""
    path = client.path()
    try:
        configuration = Configuration.read(client)
        entry = configuration.entry
    except InstallError:
        yield ConfiguredClient(client, path, ConfigState.BROKEN)
        return
    if configuration.content is None:
        yield ConfiguredClient(client, path, ConfigState.ABSENT)
        return
    yield ConfiguredClient(client, path, _state(entry), entry=entry)
    for project, it in configuration.project_entries.items():
        yield ConfiguredClient(client, path, _state(it), project, it)


def _state(entry: Mapping[str, Any]) -> ConfigState:
    if not entry:
        return ConfigState.WITHOUT
    return ConfigState.HERE if starts_this_installation(entry) else ConfigState.ELSEWHERE
