"""What each client's configuration has for this installation, as doctor reports it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from trax_mcp.cli.client_configuration import configured, starts_this_installation
from trax_mcp.cli.clients import FILE_CLIENTS, FileClient
from trax_mcp.cli.replacement import InstallError


class ConfigState(Enum):
    """What a client's configuration has for this installation."""

    BROKEN = "it cannot be read"
    WITHOUT = "it has no entry for trax"
    ELSEWHERE = "its entry for trax starts something else"
    HERE = "its entry for trax starts this installation"


@dataclass(frozen=True, slots=True)
class ConfiguredClient:
    """A client, the path of its configuration, and its state."""

    client: FileClient
    path: Path
    state: ConfigState
    entry: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def environment(self) -> dict[str, str]:
        """The settings of the entry."""
        env = self.entry.get("env")
        return {name: str(it) for name, it in env.items()} if isinstance(env, dict) else {}


def read_clients() -> Sequence[ConfiguredClient]:
    """The clients that have a configuration."""
    return [read_client(it) for it in FILE_CLIENTS.values() if it.path().exists()]


def read_client(client: FileClient) -> ConfiguredClient:
    """A client, with the entry that applies in every project."""
    path = client.path()
    try:
        entry = configured(client)
    except InstallError:
        return ConfiguredClient(client, path, ConfigState.BROKEN)
    if not entry:
        return ConfiguredClient(client, path, ConfigState.WITHOUT)
    is_here = starts_this_installation(entry)
    return ConfiguredClient(
        client, path, ConfigState.HERE if is_here else ConfigState.ELSEWHERE, entry
    )
