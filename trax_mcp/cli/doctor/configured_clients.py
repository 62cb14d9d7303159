"""The entry for this installation in the configuration of each client, as doctor reports it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from trax_mcp.cli.install.client_configuration import (
    SANDBOX,
    SANDBOX_SWITCH,
    Configuration,
    starts_this_installation,
)
from trax_mcp.cli.install.clients import FILE_CLIENTS, FileClient
from trax_mcp.cli.install.file_replacement import InstallError


class ConfigState(Enum):
    """Whether a client's configuration has an entry for this installation."""

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
    def variables(self) -> Mapping[str, str]:
        """The variables that the client gives to the server that it starts."""
        env = self.entry.get("env")
        values = {name: str(it) for name, it in env.items()} if isinstance(env, dict) else {}
        is_here = self.state is ConfigState.HERE
        is_on_sandbox = is_here and SANDBOX_SWITCH in self.entry.get("args", ())
        return {**values, SANDBOX: "1"} if is_on_sandbox else values


def read_clients() -> Sequence[ConfiguredClient]:
    """The clients that have a configuration."""
    return [read_client(it) for it in FILE_CLIENTS.values() if it.path().exists()]


def read_client(client: FileClient) -> ConfiguredClient:
    """A client, with the entry that applies in every project."""
    path = client.path()
    try:
        entry = Configuration.read(client).entry
    except InstallError:
        return ConfiguredClient(client, path, ConfigState.BROKEN)
    if not entry:
        return ConfiguredClient(client, path, ConfigState.WITHOUT)
    is_here = starts_this_installation(entry)
    return ConfiguredClient(
        client, path, ConfigState.HERE if is_here else ConfigState.ELSEWHERE, entry
    )
