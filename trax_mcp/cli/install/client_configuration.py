"""A client's configuration: reads it, finds the entry `trax` in it, and adds that entry."""

import json
import os
import re
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

from trax_mcp.cli.install.clients import FileClient, McpClient
from trax_mcp.cli.install.file_replacement import InstallError, read, resolve_link

NAME: Final = "trax"
KEY: Final = "TRAX_API_KEY"
KEY_FILE: Final = "TRAX_API_KEY_FILE"
SANDBOX: Final = "TRAX_SANDBOX"
SANDBOX_SWITCH: Final = "--sandbox"

_STRING: Final = r'"(?:[^"\\\r\n]|\\.)*"'
_COMMENT: Final = re.compile(rf"({_STRING})|//[^\r\n]*|/\*.*?\*/", re.DOTALL)
_TRAILING_COMMA: Final = re.compile(rf"({_STRING}|[{{\[]\s*,)|,(?=\s*[}}\]])")
_INDENT: Final = re.compile(r'\n([ \t]+)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class StartOptions:
    """How a client is to start this installation.

    `settings` replace those of the same name in an entry. If `key_file` is None, the key's settings
    do not change.
    """

    sandbox: bool = False
    key_file: Path | None = None
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Configuration:
    """A client's configuration: the content of its file, None if there is no file, and its data.

    `complete`: the file can be written again from its data, because it is JSON without comments
    and has no name twice.
    """

    client: FileClient
    path: Path
    content: bytes | None
    document: Any
    complete: bool

    @classmethod
    def read(cls, client: FileClient) -> Self:
        """Read a client's configuration.

        Raises:
            InstallError: it cannot be read, or is not in the client's format.
        """
        path = client.path()
        content = read(resolve_link(path))
        try:
            text = (content or b"").decode("utf-8-sig")
            if not client.written:
                return cls(client, path, content, tomllib.loads(text), complete=False)
            document, complete = _parse(text, comments=client.format == "jsonc")
        except UnicodeDecodeError:
            raise InstallError(f"{path} is not text in UTF-8") from None
        except tomllib.TOMLDecodeError:
            raise _unsuitable(path, "is not TOML") from None
        except json.JSONDecodeError as error:
            where = f"(line {error.lineno}, column {error.colno})"
            raise _unsuitable(path, f"is not JSON {where}") from None
        except (ValueError, RecursionError):  # NaN, too many digits, or too deep
            raise _unsuitable(path, "is not JSON") from None
        return cls(client, path, content, document, complete)

    def get(self, *names: str) -> dict[str, Any]:
        """The object at this place; empty if there is none, for which some clients write null.

        Raises:
            InstallError: it or a parent is something else.
        """
        found = self.document
        for place in (names[:it] for it in range(len(names) + 1)):
            found = found.get(place[-1]) if place else found
            if found is None:
                return {}
            if not isinstance(found, dict):
                under = f' under "{".".join(place)}"' if place else ""
                raise _unsuitable(self.path, f"holds something else than an object{under}")
        return dict(found)

    @property
    def entry(self) -> dict[str, Any]:
        """The entry `trax`; empty if there is none."""
        return self.get(self.client.servers, NAME)

    @property
    def environment(self) -> dict[str, Any]:
        """The settings of the entry."""
        return self.get(self.client.servers, NAME, "env")

    @property
    def project_entries(self) -> dict[str, dict[str, Any]]:
        """The entries that apply in one project only, by its folder."""
        projects = _members(self.document, self.client.projects or "")
        servers = {it: _members(project, self.client.servers) for it, project in projects.items()}
        return {it: found for it in servers if (found := _members(servers[it], NAME))}

    def with_trax(self, options: StartOptions) -> dict[str, Any] | None:
        """The data with the entry added or corrected; None if it is right. All else stays.

        Raises:
            InstallError: there is an entry with a URL; or it or a parent is no object.
        """
        # "url", or in Windsurf "serverUrl", in Gemini CLI "httpUrl"
        if any(it.lower().endswith("url") and self.entry[it] is not None for it in self.entry):
            raise _unsuitable(self.path, 'has a server "trax" already, which is reached by a url')
        new = new_entry(self.client, self.environment, options)
        servers = {**self.get(self.client.servers), NAME: {**self.entry, **new}}
        document = {**self.get(), self.client.servers: servers}
        return None if document == self.document else document

    def format(self, document: Mapping[str, Any]) -> bytes:
        """JSON with the indents and line ends of the file.

        Raises:
            InstallError: it cannot be written.
        """
        old = (self.content or b"\n").decode("utf-8-sig")
        indent = _INDENT.search(old)
        try:
            text = json.dumps(
                document, indent=indent[1] if indent else 2, ensure_ascii=False, allow_nan=False
            )
        except (ValueError, RecursionError):  # 1e999, which Python reads as infinity; or too deep
            raise _unsuitable(self.path, "cannot be written again as it is") from None
        text += "\n" * old.endswith("\n")
        text = text.replace("\n", "\r\n" if "\r\n" in old else "\n")
        return text.encode(errors="backslashreplace")  # half a character, as JSON writes it


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


def new_entry(
    client: McpClient, environment: Mapping[str, Any], options: StartOptions
) -> dict[str, Any]:
    """The entry for a client, with these settings, those of the options and those of the key.

    Settings that must not apply are set to "", because a client may pass its own environment:
    a setting that is absent here would be taken from there.
    """
    program, *arguments = start_commands()[0]
    arguments += [SANDBOX_SWITCH] * options.sandbox
    env = {**environment, **options.settings}
    if options.key_file is not None:
        env[KEY_FILE] = str(options.key_file)
    if env.get(KEY_FILE):
        env[KEY] = ""
    elif env.get(KEY):
        env[KEY_FILE] = ""
    if not options.sandbox and any(env.get(it) for it in (KEY_FILE, KEY, SANDBOX)):
        env[SANDBOX] = ""
    entry = {**client.fixed_fields, "command": program, "args": arguments}
    return {**entry, "env": env} if env else entry


def format_entry(client: McpClient, entry: Mapping[str, Any]) -> str:
    """An entry in the client's format, for a user who pastes it."""
    if not isinstance(client, FileClient) or client.format != "toml":
        return json.dumps({client.servers: {NAME: entry}}, indent=2)
    name, env = f"{client.servers}.{NAME}", entry.get("env")
    table = _to_toml(name, {key: it for key, it in entry.items() if key != "env"})
    return f"{table}\n\n{_to_toml(f'{name}.env', env)}" if env else table


def _to_toml(name: str, table: Mapping[str, Any]) -> str:
    """A table. A string, and a list of strings, is the same in JSON."""
    lines = (f"{key} = {json.dumps(it, ensure_ascii=False)}" for key, it in table.items())
    return "\n".join((f"[{name}]", *lines))


def _parse(text: str, *, comments: bool) -> tuple[Any, bool]:
    """The JSON, empty for an empty text; and whether it has all that the text has.

    Raises:
        ValueError: it is not JSON.
    """
    plain = _COMMENT.sub(_blank, text) if comments else text
    complete = plain == text
    if comments:
        plain = _TRAILING_COMMA.sub(lambda it: it[1] or " ", plain)

    def collect(members: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal complete
        complete = complete and len(dict(members)) == len(members)
        return dict(members)

    plain = plain if plain.strip() else "{}"
    document = json.loads(plain, object_pairs_hook=collect, parse_constant=_reject)
    return document, complete


def _blank(comment: re.Match[str]) -> str:
    """Spaces for a comment, so that errors name the right place; a string stays."""
    return comment[1] or re.sub(r"[^\r\n]", " ", comment[0])


def _reject(_constant: str) -> object:
    raise ValueError("not JSON")


def _members(parent: Any, name: str) -> dict[str, Any]:  # noqa: ANN401  any JSON
    found = parent.get(name) if isinstance(parent, dict) else None
    return found if isinstance(found, dict) else {}


def _unsuitable(path: Path, problem: str) -> InstallError:
    return InstallError(f"{path} {problem}; --print shows what to add by hand")
