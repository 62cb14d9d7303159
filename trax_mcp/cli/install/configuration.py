"""A client's configuration: reads it, and adds, corrects or removes the entry `trax` in it.

It is written if it is plain JSON. Everything else (TOML, comments, a name twice, what is no JSON at
all) has a `problem`, and the user is shown what to paste.
"""

import json
import os
import re
import stat
import sys
import tempfile
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from trax_mcp.cli.install.clients import McpClient

NAME: Final = "trax"
IS_TOML: Final = "is TOML"
"""The problem of a configuration that `install` never writes."""
SANDBOX_SWITCH: Final = "--sandbox"
PRIVATE: Final = 0o600
_PRIVATE_FOLDER: Final = 0o700
_WRITABLE: Final = 0o222
_STRING: Final = r'"(?:[^"\\\r\n]|\\.)*"'
_COMMENT: Final = re.compile(rf"({_STRING})|//[^\r\n]*|/\*.*?\*/", re.DOTALL)
_TRAILING_COMMA: Final = re.compile(rf"({_STRING})|,(?=\s*[}}\]])")
_INDENT: Final = re.compile(r'\n([ \t]+)"')

Entry = dict[str, Any]


class InstallError(Exception):
    """A file cannot be written, or there is no key. The message is a clause."""

    @property
    def sentence(self) -> str:
        """The message with a full stop, unless it ends already."""
        text = str(self)
        return text if text.endswith((".", "?")) else f"{text}."


class WrongKey(InstallError):
    """The key is wrong, and another may be given."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """A client's configuration: its text, None if there is no file, and its data.

    `problem` says why it is not written; empty if it can be. `readable`: the data are all of it.
    """

    client: McpClient
    path: Path | None
    text: str | None = None
    document: Any = None
    problem: str = ""
    readable: bool = True

    @classmethod
    def read(cls, client: McpClient) -> Self:
        """Read a client's configuration."""
        if client.path is None:
            return cls(client, None, problem="is not a file")
        path = client.path()
        try:
            text = path.read_bytes().decode("utf-8-sig")
            if client.toml:
                return cls(client, path, text, tomllib.loads(text), IS_TOML)
        except FileNotFoundError:
            return cls(client, path, problem=IS_TOML if client.toml else "")
        except (OSError, ValueError) as error:
            return cls(client, path, problem=_unreadable(error), readable=False)
        document, problem, readable = _read_json(text)
        found = cls(client, path, text, document, problem or _find_problem(path), readable)
        return found if found.problem else cls(client, path, text, document, found._find_misfit())

    @property
    def entry(self) -> Entry:
        """The entry `trax`; empty if there is none."""
        return _members(_members(self.document, self.client.servers), NAME)

    @property
    def environment(self) -> dict[str, str]:
        """The settings of the entry."""
        return {name: str(value) for name, value in _members(self.entry, "env").items()}

    @property
    def projects_with_entry(self) -> list[str]:
        """The folders of projects in which another entry counts."""
        projects = _members(self.document, self.client.projects or "")
        return [it for it in projects if NAME in _members(projects[it], self.client.servers)]

    def with_entry(self, entry: Entry | None) -> Entry:
        """The data with this entry, or without one. All else stays."""
        servers = {**_members(self.document, self.client.servers), NAME: entry}
        if entry is None:
            del servers[NAME]
        document = {**(self.document or {}), self.client.servers: servers}
        return {it: value for it, value in document.items() if servers or value is not servers}

    def write(self, document: Mapping[str, Any]) -> Path | None:
        """Write the data, with the indents and line ends of the file.

        Returns the backup of the old file, if there was one.

        Raises:
            InstallError: that failed; then the file is as it was.
        """
        old, backup = self.text or "\n", None
        indent = _INDENT.search(old)
        text = json.dumps(document, indent=indent[1] if indent else 2, ensure_ascii=False)
        text += "\n" * old.endswith("\n")
        path = Path(os.path.realpath(self.path or ""))  # a link stays
        if self.text is not None:
            backup = backup_of(path)
            replace_file(backup, self.text.encode(), mode=PRIVATE)  # it may contain a key
        mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else PRIVATE
        new_line = "\r\n" if "\r\n" in old else "\n"
        replace_file(path, text.replace("\n", new_line).encode(), mode=mode)
        return backup

    def _find_misfit(self) -> str:
        """What keeps the entry from being added to plain JSON; empty if nothing does."""
        found: Any = self.document
        for place in ("", self.client.servers, NAME, "env"):
            found = found.get(place) if place else found
            if found is None:  # some clients write null
                break
            if not isinstance(found, dict):
                return f'has no object under "{place}"' if place else "isn't a JSON object"
        # "url", or in Windsurf "serverUrl", in Gemini CLI "httpUrl"
        if any(it.lower().endswith("url") and value for it, value in self.entry.items()):
            return f'has a server "{NAME}" already, which is reached by a url'
        return ""


def new_entry(client: McpClient, *, sandbox: bool, env: Mapping[str, str]) -> Entry:
    """The entry for a client that starts this installation, with these settings."""
    program, *arguments = start_commands()[0]
    arguments += [SANDBOX_SWITCH] * sandbox
    entry = {**client.fixed_fields, "command": program, "args": arguments}
    return {**entry, "env": dict(env)} if env else entry


def format_entry(client: McpClient, entry: Entry) -> str:
    """An entry in the client's format, for a user who pastes it."""
    if not client.toml:
        return json.dumps({client.servers: {NAME: entry}}, indent=2)
    name, tables = f"{client.servers}.{NAME}", {"": entry, ".env": entry.get("env")}
    return "\n\n".join(_to_toml(name + part, table) for part, table in tables.items() if table)


def _to_toml(name: str, table: Entry) -> str:
    """A table. A string, and a list of strings, is the same in JSON."""
    lines = (f"{it} = {json.dumps(value)}" for it, value in table.items() if it != "env")
    return "\n".join((f"[{name}]", *lines))


def starts_this_installation(entry: Mapping[str, Any]) -> bool:
    """Whether an entry starts this installation, on the sandbox or not."""
    program, arguments = entry.get("command"), entry.get("args", [])
    if not isinstance(program, str) or not isinstance(arguments, list):
        return False
    command = [os.path.normcase(program), *(it for it in arguments if it != SANDBOX_SWITCH)]
    return command in [[os.path.normcase(it[0]), *it[1:]] for it in start_commands()]


def start_commands() -> tuple[tuple[str, ...], ...]:
    """The commands that start this installation; the first one goes into a configuration."""
    python = sys.executable
    script = Path(python).with_name("trax-mcp.exe" if sys.platform == "win32" else "trax-mcp")
    # -P: the folder in which a client starts this must not shadow its modules.
    modules = ((python, "-P", "-m", "trax_mcp"), (python, "-m", "trax_mcp"))
    return ((str(script),), *modules) if script.is_file() else modules


def backup_of(path: Path) -> Path:
    """The file to which the last configuration is saved."""
    return path.with_name(f"{path.name}.trax-mcp.bak")


def replace_file(path: Path, content: bytes, *, mode: int) -> None:
    """Replace a file completely or not at all, or create it and its folder.

    Raises:
        InstallError: that failed; then the file is as it was.
    """
    temporary = None
    try:
        path.parent.mkdir(_PRIVATE_FOLDER, parents=True, exist_ok=True)
        number, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(number, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(number)
        Path(temporary).chmod(mode)
        if path.exists() and sys.platform != "win32":  # root may do this for somebody
            with suppress(PermissionError):
                os.chown(temporary, path.stat().st_uid, path.stat().st_gid)
        Path(temporary).replace(path)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise InstallError(f"{path} cannot be written ({error.strerror})") from None


def _read_json(text: str) -> tuple[Any, str, bool]:
    """The data, why they are not written again, and whether they are all that the text has."""
    repeated: list[str] = []

    def collect(members: list[tuple[str, Any]]) -> Entry:
        if len(found := dict(members)) < len(members):
            repeated.append("has a name twice")
        return found

    if not text.strip():
        return {}, "", True
    try:
        document = json.loads(text, object_pairs_hook=collect)
        json.dumps(document, allow_nan=False, ensure_ascii=False).encode()  # as it is written
    except json.JSONDecodeError as error:
        problem = f"isn't plain JSON (line {error.lineno}, column {error.colno})"
        plain = _COMMENT.sub(lambda it: it[1] or " ", text)
        with suppress(ValueError, RecursionError):
            return json.loads(_TRAILING_COMMA.sub(lambda it: it[1] or " ", plain)), problem, True
        return None, problem, False
    except (ValueError, RecursionError):  # NaN, half a character, or too deep
        return None, "isn't plain JSON", False
    return document, "".join(repeated[:1]), True


def _unreadable(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"cannot be read ({error.strerror})"
    return "isn't text in UTF-8" if isinstance(error, UnicodeError) else "isn't valid TOML"


def _find_problem(path: Path) -> str:
    return "" if path.stat().st_mode & _WRITABLE else "is read-only"


def _members(parent: Any, name: str) -> Entry:  # noqa: ANN401  any JSON
    found = parent.get(name) if isinstance(parent, dict) else None
    return found if isinstance(found, dict) else {}
