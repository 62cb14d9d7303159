"""The entry `trax` in a client's configuration: creates, changes and reads it.

Pure, except for `read_configurations`.
"""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, Final, Self

from trax_mcp.cli.clients import CLIENTS, Client, Computer
from trax_mcp.cli.jsonc import Document, InvalidJson

NAME: Final = "trax"
KEY: Final = "TRAX_API_KEY"
KEY_FILE: Final = "TRAX_API_KEY_FILE"
_SANDBOX_SETTING: Final = "TRAX_SANDBOX"
_SANDBOX: Final = "--sandbox"
_BASE_URL: Final = "TRAX_BASE_URL"
_OVERWRITTEN: Final = frozenset({"command", "args", "env", KEY, KEY_FILE, _SANDBOX_SETTING})
"""The fields and settings that are always overwritten."""
_EMPTY_DOCUMENT: Final = "{}\n"


@dataclass(frozen=True, slots=True)
class Installation:
    """One installation of trax-mcp and its commands; the first one goes into a configuration."""

    commands: tuple[tuple[str, ...], ...]

    @classmethod
    def this(cls) -> Self:
        """The running installation, by its absolute path."""
        python = sys.executable
        script = Path(python).with_name("trax-mcp.exe" if sys.platform == "win32" else "trax-mcp")
        # -P: the folder in which a client starts this must not shadow its modules.
        modules = ((python, "-P", "-m", "trax_mcp"), (python, "-m", "trax_mcp"))
        return cls(((str(script),), *modules) if script.is_file() else modules)

    def is_started_by(self, entry: Mapping[str, object]) -> bool:
        """Whether this entry starts this installation, on the sandbox or not."""
        arguments = entry.get("args", [])
        if not isinstance(arguments, list):
            return False
        command = [entry.get("command"), *(it for it in arguments if it != _SANDBOX)]
        if not all(isinstance(it, str) for it in command):
            return False
        return _normalise(command) in [_normalise(it) for it in self.commands]


def _normalise(command: Sequence[object]) -> list[str]:
    program, *arguments = map(str, command)
    return [os.path.normcase(program), *arguments]


@dataclass(frozen=True, slots=True)
class Entry:
    """The entry `trax`. If `key_file` is None, the key's settings do not change."""

    installation: Installation
    sandbox: bool = False
    key_file: Path | None = None

    def to_json(self, client: Client) -> dict[str, object]:
        """The complete entry in this client's format."""
        environment = self._settings({})
        return {
            **client.fixed_fields,
            **self._command(),
            **({"env": environment} if environment else {}),
        }

    def snippet(self, client: Client) -> dict[str, object]:
        """A configuration with this entry only."""
        return {client.servers: {NAME: self.to_json(client)}}

    def add_to(self, document: Document, client: Client) -> Document:
        """Add it to a configuration, or correct the entry that is there.

        Raises:
            InvalidJson: there is an entry of this name with a URL, or the parent is no object.
        """
        path = (client.servers, NAME)
        if document.get(client.servers) is None:
            return document.put(client.servers, value={NAME: self.to_json(client)})
        if document.get(*path) is None:
            return document.put(*path, value=self.to_json(client))
        if document.get(*path, "url") is not None:
            raise InvalidJson(f'has a server "{NAME}" already, which is reached by a url')
        for name, value in {**client.fixed_fields, **self._command()}.items():
            document = document.put(*path, name, value=value)
        for name, setting in self._settings(environment_in(document, client)).items():
            document = document.put(*path, "env", name, value=setting)
        return document

    def _command(self) -> dict[str, object]:
        program, *arguments = self.installation.commands[0]
        return {"command": program, "args": [*arguments, *[_SANDBOX] * self.sandbox]}

    def _settings(self, own: Mapping[str, str]) -> dict[str, str]:
        """The settings to add to the entry's `own` ones.

        Settings that must not apply are set to "", because a client may pass its own environment:
        a setting that is absent here would be taken from there.
        """
        file = own.get(KEY_FILE) if self.key_file is None else str(self.key_file)
        settings = {KEY_FILE: file, KEY: ""} if file else {KEY_FILE: ""} if own.get(KEY) else {}
        if not self.sandbox and (settings or own.get(_SANDBOX_SETTING)):
            settings[_SANDBOX_SETTING] = ""
        return settings


def entry_in(document: Document, client: Client) -> object:
    """The entry of a configuration; None if there is none.

    Raises:
        InvalidJson: its parent is no object.
    """
    return None if document.get(client.servers) is None else document.get(client.servers, NAME)


def environment_in(document: Document, client: Client) -> dict[str, str]:
    """The settings of the entry.

    Raises:
        InvalidJson: its parent is no object.
    """
    return _environment_of(entry_in(document, client))


def _environment_of(entry: object) -> dict[str, str]:
    env = entry.get("env") if isinstance(entry, dict) else None
    return {name: str(value) for name, value in env.items()} if isinstance(env, dict) else {}


@dataclass(frozen=True, slots=True)
class ReplacedEntry:
    """The command of an entry that is replaced, and the names of the fields that stay."""

    command: str
    kept_names: tuple[str, ...]

    @property
    def keeps_base_url(self) -> bool:
        """Whether the key would go to an address that was in the entry before."""
        return _BASE_URL in self.kept_names


def replaced_entry_in(
    document: Document, client: Client, installation: Installation
) -> ReplacedEntry | None:
    """The entry that will be replaced, if it starts something else. Its arguments may be secret.

    Raises:
        InvalidJson: its parent is no object.
    """
    entry = entry_in(document, client)
    if not isinstance(entry, dict) or installation.is_started_by(entry):
        return None
    overwritten = {*client.fixed_fields, *_OVERWRITTEN}
    settings = sorted(it for it, value in _environment_of(entry).items() if value)
    kept_names = (
        *(it for it in entry if it not in overwritten),
        *(it for it in settings if it not in _OVERWRITTEN),
    )
    return ReplacedEntry(str(entry.get("command")), kept_names)


def local_entries(document: Document, client: Client) -> dict[str, dict[str, Any]]:
    """The entries that apply in one project only, by its folder."""
    projects = None if client.projects is None else document.get(client.projects)
    entries = {}
    for folder, project in projects.items() if isinstance(projects, dict) else ():
        servers = project.get(client.servers) if isinstance(project, dict) else None
        entry = servers.get(NAME) if isinstance(servers, dict) else None
        if isinstance(entry, dict):
            entries[folder] = entry
    return entries


def read_configuration(text: str | None, client: Client) -> Document:
    """Parse a configuration; None if it does not exist yet.

    Raises:
        InvalidJson: it is not JSON.
    """
    return Document.read(_EMPTY_DOCUMENT if text is None else text, comments=client.comments)


class ConfigState(Enum):
    """What a client's configuration has for an installation."""

    ABSENT = "there is none"
    BROKEN = "it cannot be read"
    WITHOUT = "it has no entry for trax"
    ELSEWHERE = "its entry for trax starts something else"
    HERE = "its entry for trax starts this installation"


def config_state(client: Client, text: str | None, installation: Installation) -> ConfigState:
    """The state of a configuration's text; None if it does not exist."""
    if text is None:
        return ConfigState.ABSENT
    try:
        entry = entry_in(read_configuration(text, client), client)
    except InvalidJson:
        return ConfigState.BROKEN
    return ConfigState.WITHOUT if entry is None else _entry_state(entry, installation)


def _entry_state(entry: object, installation: Installation) -> ConfigState:
    here = isinstance(entry, dict) and installation.is_started_by(entry)
    return ConfigState.HERE if here else ConfigState.ELSEWHERE


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
        return _environment_of(self.entry)


def read_configurations(
    computer: Computer, installation: Installation
) -> tuple[ConfiguredClient, ...]:
    """Read the configuration of every supported client."""
    return tuple(
        it for client in CLIENTS.values() for it in _read_client(client, computer, installation)
    )


def _read_client(
    client: Client, computer: Computer, installation: Installation
) -> Iterator[ConfiguredClient]:
    """The client, then one item for each project that has its own entry."""
    path = client.configuration(computer)
    try:
        text = path.read_bytes().decode()
        document = read_configuration(text, client)
        entry, projects = entry_in(document, client), local_entries(document, client)
    except FileNotFoundError:
        yield ConfiguredClient(client, path, ConfigState.ABSENT)
        return
    except (OSError, UnicodeDecodeError, InvalidJson):
        yield ConfiguredClient(client, path, ConfigState.BROKEN)
        return
    fields = entry if isinstance(entry, dict) else {}
    yield ConfiguredClient(client, path, config_state(client, text, installation), entry=fields)
    for project, it in projects.items():
        yield ConfiguredClient(client, path, _entry_state(it, installation), project, it)
