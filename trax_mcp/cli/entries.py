"""The entry `trax` in a client's configuration: how it is made, changed and judged.

Pure, but for `survey`, which reads the configurations. Nothing here writes or asks.
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
_ADDRESS: Final = "TRAX_BASE_URL"
_OURS: Final = frozenset({"command", "args", "env", KEY, KEY_FILE, _SANDBOX_SETTING})
"""What is written, or emptied, whatever it was."""
_EMPTY_DOCUMENT: Final = "{}\n"


@dataclass(frozen=True, slots=True)
class Installation:
    """One installation of trax-mcp: all the ways to start it, the one to write down first."""

    commands: tuple[tuple[str, ...], ...]

    @classmethod
    def this(cls) -> Self:
        """The one that runs now, by its absolute path."""
        python = sys.executable
        script = Path(python).with_name("trax-mcp.exe" if sys.platform == "win32" else "trax-mcp")
        # A client may start us in a folder whose modules must not stand in for ours: -P.
        modules = ((python, "-P", "-m", "trax_mcp"), (python, "-m", "trax_mcp"))
        return cls(((str(script),), *modules) if script.is_file() else modules)

    def starts_by(self, entry: Mapping[str, object]) -> bool:
        """Whether this entry starts this installation, on the sandbox or not."""
        arguments = entry.get("args", [])
        if not isinstance(arguments, list):
            return False
        asked = [entry.get("command"), *(it for it in arguments if it != _SANDBOX)]
        if not all(isinstance(it, str) for it in asked):
            return False
        return _normalised(asked) in [_normalised(it) for it in self.commands]


def _normalised(command: Sequence[object]) -> list[str]:
    program, *arguments = map(str, command)
    return [os.path.normcase(program), *arguments]


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to stand under `trax`. `key_file` is None where the key is not to be touched."""

    installation: Installation
    sandbox: bool = False
    key_file: Path | None = None

    def whole(self, client: Client) -> dict[str, object]:
        """All of it, as this client wants it."""
        environment = self._settings({})
        return {**client.shape, **self._start(), **({"env": environment} if environment else {})}

    def snippet(self, client: Client) -> dict[str, object]:
        """A configuration with nothing else in it."""
        return {client.servers: {NAME: self.whole(client)}}

    def put_into(self, document: Document, client: Client) -> Document:
        """Add it to a configuration, or correct what stands there and keep all else of it.

        Raises:
            InvalidJson: there is an entry of this name that is no program, or no place for one.
        """
        at = (client.servers, NAME)
        if document.get(client.servers) is None:
            return document.put(client.servers, value={NAME: self.whole(client)})
        if document.get(*at) is None:
            return document.put(*at, value=self.whole(client))
        if document.get(*at, "url") is not None:
            raise InvalidJson(f'has a server "{NAME}" already, which is reached by a url')
        for name, value in {**client.shape, **self._start()}.items():
            document = document.put(*at, name, value=value)
        for name, setting in self._settings(environment_in(document, client)).items():
            document = document.put(*at, "env", name, value=setting)
        return document

    def _start(self) -> dict[str, object]:
        program, *arguments = self.installation.commands[0]
        return {"command": program, "args": [*arguments, *[_SANDBOX] * self.sandbox]}

    def _settings(self, own: Mapping[str, str]) -> dict[str, str]:
        """What must be set, beside its `own` settings, so that this server starts and no other.

        What must not be set is set to nothing, which is the same: a client may hand on its own
        environment, and what is left out here would count there.
        """
        file = own.get(KEY_FILE) if self.key_file is None else str(self.key_file)
        settings = {KEY_FILE: file, KEY: ""} if file else {KEY_FILE: ""} if own.get(KEY) else {}
        if not self.sandbox and (settings or own.get(_SANDBOX_SETTING)):
            settings[_SANDBOX_SETTING] = ""
        return settings


def entry_in(document: Document, client: Client) -> object:
    """The entry of a configuration; None if there is none.

    Raises:
        InvalidJson: there is no place for one.
    """
    return None if document.get(client.servers) is None else document.get(client.servers, NAME)


def environment_in(document: Document, client: Client) -> dict[str, str]:
    """The settings that stand in the entry of a configuration.

    Raises:
        InvalidJson: there is no place for one.
    """
    return _environment_of(entry_in(document, client))


def _environment_of(entry: object) -> dict[str, str]:
    found = entry.get("env") if isinstance(entry, dict) else None
    return {it: str(value) for it, value in found.items()} if isinstance(found, dict) else {}


@dataclass(frozen=True, slots=True)
class ReplacedEntry:
    """What an entry has started until now, and the names of what else stands in it and is kept."""

    command: str
    kept: tuple[str, ...]

    @property
    def gets_the_key_elsewhere(self) -> bool:
        """Whether the address that the key would go to is one that somebody else wrote there."""
        return _ADDRESS in self.kept


def replaced_entry_in(
    document: Document, client: Client, installation: Installation
) -> ReplacedEntry | None:
    """The entry whose place is taken, if it starts something else. Its arguments may be secret.

    Raises:
        InvalidJson: there is no place for one.
    """
    entry = entry_in(document, client)
    if not isinstance(entry, dict) or installation.starts_by(entry):
        return None
    ours = {*client.shape, *_OURS}
    settings = sorted(it for it, value in _environment_of(entry).items() if value)
    kept = (*(it for it in entry if it not in ours), *(it for it in settings if it not in _OURS))
    return ReplacedEntry(str(entry.get("command")), kept)


def local_entries(document: Document, client: Client) -> dict[str, dict[str, Any]]:
    """The entries that count in one project alone, by its folder: there they come first."""
    projects = None if client.projects is None else document.get(client.projects)
    found = {}
    for folder, project in projects.items() if isinstance(projects, dict) else ():
        servers = project.get(client.servers) if isinstance(project, dict) else None
        entry = servers.get(NAME) if isinstance(servers, dict) else None
        if isinstance(entry, dict):
            found[folder] = entry
    return found


def read_configuration(text: str | None, client: Client) -> Document:
    """Read a configuration; None is one that is not there yet.

    Raises:
        InvalidJson: it is not JSON.
    """
    return Document.read(_EMPTY_DOCUMENT if text is None else text, comments=client.comments)


class ConfigState(Enum):
    """How a client's configuration stands to an installation."""

    ABSENT = "there is none"
    BROKEN = "it cannot be read"
    WITHOUT = "it has no entry for trax"
    ELSEWHERE = "its entry for trax starts something else"
    HERE = "its entry for trax starts this installation"


def standing(client: Client, text: str | None, installation: Installation) -> ConfigState:
    """Judge a configuration by its text; None is one that is not there."""
    if text is None:
        return ConfigState.ABSENT
    try:
        entry = entry_in(read_configuration(text, client), client)
    except InvalidJson:
        return ConfigState.BROKEN
    return ConfigState.WITHOUT if entry is None else _standing(entry, installation)


def _standing(entry: object, installation: Installation) -> ConfigState:
    here = isinstance(entry, dict) and installation.starts_by(entry)
    return ConfigState.HERE if here else ConfigState.ELSEWHERE


@dataclass(frozen=True, slots=True)
class ConfiguredClient:
    """A client, where its configuration is or would be, and how that stands to us.

    `project` is the folder in which alone it counts; `entry` is what stands there, if anything.
    """

    client: Client
    path: Path
    standing: ConfigState
    project: str | None = None
    entry: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def environment(self) -> dict[str, str]:
        """The settings that the entry has."""
        return _environment_of(self.entry)


def survey(computer: Computer, installation: Installation) -> tuple[ConfiguredClient, ...]:
    """Look at the configuration of every client that can be set up."""
    return tuple(it for client in CLIENTS.values() for it in _look(client, computer, installation))


def _look(
    client: Client, computer: Computer, installation: Installation
) -> Iterator[ConfiguredClient]:
    """A client, then the same for each project that has an entry of its own."""
    path = client.configuration(computer)
    try:
        text = path.read_bytes().decode()
        document = read_configuration(text, client)
        entry, own = entry_in(document, client), local_entries(document, client)
    except FileNotFoundError:
        yield ConfiguredClient(client, path, ConfigState.ABSENT)
        return
    except (OSError, UnicodeDecodeError, InvalidJson):
        yield ConfiguredClient(client, path, ConfigState.BROKEN)
        return
    held = entry if isinstance(entry, dict) else {}
    yield ConfiguredClient(client, path, standing(client, text, installation), entry=held)
    for project, it in own.items():
        yield ConfiguredClient(client, path, _standing(it, installation), project, it)
