"""`trax-mcp install`: adds this installation to an MCP client, and writes the key to a file."""

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace as with_changes
from pathlib import Path
from typing import Any, Final, NamedTuple

from trax_mcp.api.caller import ANONYMOUS, redact_keys
from trax_mcp.api.error_texts import KEYS_SCREEN
from trax_mcp.cli.install.client_configuration import (
    KEY,
    KEY_FILE,
    SANDBOX,
    Configuration,
    StartOptions,
    format_entry,
    new_entry,
    starts_this_installation,
)
from trax_mcp.cli.install.clients import CLIENTS, FILE_CLIENTS, LOCAL_REMOVAL, FileClient, McpClient
from trax_mcp.cli.install.entry_settings import (
    BASE_URL,
    check_entry,
    choose_entry_settings,
    settings_of,
)
from trax_mcp.cli.install.file_replacement import (
    PRIVATE,
    InstallError,
    check_writable,
    make_private,
    read,
    replace,
    resolve_link,
)
from trax_mcp.cli.install.key_check import check_key
from trax_mcp.cli.install.key_file import ask_key, key_file, key_from
from trax_mcp.cli.terminal import note, say
from trax_mcp.studio import naming

_KEYS_ARE_MADE: Final = f"You make a key on {KEYS_SCREEN}."
_KEY_FROM_STDIN: Final = "Reading the key, one line, from stdin, which is no terminal."
_NO_KEY: Final = (
    "no key was given. Give one on the terminal or as a line on stdin, or take --sandbox,"
    " which needs none"
)
_FIRST_WORDS: Final = 'Then ask: "Which of my studios are on air?"'


class _Key(NamedTuple):
    """The key file to name, None to keep what the entry has; and whether its key is new."""

    file: Path | None = None
    new: bool = False


def show(name: str, *, sandbox: bool, assignments: Sequence[str] = ()) -> int:
    """Print the configuration on stdout, and where to put it on stderr. Writes nothing.

    Returns 1 if a setting is wrong.
    """
    client = CLIENTS[name]
    try:
        options = _options(assignments, sandbox=sandbox)
    except InstallError as problem:
        note(_sentence(f"trax-mcp: {problem}"))
        return 1
    _say_entry(client, options)
    note("This goes into")
    note(f"  {_place(client)}")
    if not sandbox:
        note("and your key, alone, into a file that only you can read:")
        note(f"  {key_file()}")
    if isinstance(client, FileClient) and client.written:
        note("Without --print it is done for you.")
    elif not sandbox:
        note("Without --print you are asked for your key, and it is put there.")
    note(client.next_step)
    return 0


def install(name: str, *, sandbox: bool, assignments: Sequence[str] = ()) -> int:
    """Write the key to its file, then add this installation to a client's configuration.

    TRaX is asked once about the key. A client whose configuration is not written gets its entry
    printed. Returns 1 if the configuration is not as it should be; then stderr says why, and what
    was changed. A second time does what is missing.
    """
    client, key = CLIENTS[name], _Key()
    try:
        options = _options(assignments, sandbox=sandbox)
        environment = _check(client, options)
        if not sandbox:
            key = _take_key(environment, options)
            options = with_changes(options, key_file=key.file)
        if isinstance(client, FileClient):
            return _configure(client, key, options)
        _show_what_to_paste(client, key, options)
    except InstallError as problem:
        changed = f"The key was written to {key.file}, nothing else" if key.new else "Nothing"
        note(_sentence(f"trax-mcp: {changed} was changed: {problem}"))
        return 1
    return 0


def _options(assignments: Sequence[str], *, sandbox: bool) -> StartOptions:
    settings = choose_entry_settings(os.environ, assignments, sandbox=sandbox)
    for text in settings.notes:
        note(text)
    file = None if sandbox else key_file()
    return StartOptions(sandbox=sandbox, key_file=file, settings=settings.values)


def _check(client: McpClient, options: StartOptions) -> Mapping[str, Any]:
    """Check all that could fail before the user gives a key, and say what they should know.

    Returns the settings that the entry has.
    """
    environment = _check_configuration(client, options) if isinstance(client, FileClient) else {}
    if not options.sandbox:
        check_writable(resolve_link(key_file()))
    return environment


def _check_configuration(client: FileClient, options: StartOptions) -> Mapping[str, Any]:
    if client.written:
        check_writable(resolve_link(client.path()))
    configuration = Configuration.read(client)
    document = configuration.with_trax(options)
    if document is not None and client.written:
        configuration.format(document)
    check_entry(configuration, {**configuration.environment, **options.settings})
    _note_replaced_entry(configuration, options)
    return configuration.environment


def _note_replaced_entry(configuration: Configuration, options: StartOptions) -> None:
    """Name an entry that starts something else. Its arguments and values may be secret."""
    client, entry = configuration.client, configuration.entry
    if not entry or starts_this_installation(entry):
        return
    command = redact_keys(str(entry.get("command")), ANONYMOUS)
    note(f"{client.title} has a trax already. It started {command}.")
    overwritten = {*client.fixed_fields, "command", "args", "env", KEY, KEY_FILE, SANDBOX}
    settings = sorted(name for name, value in configuration.environment.items() if value)
    kept_names = [it for it in (*entry, *settings) if it not in {*overwritten, *options.settings}]
    if kept_names:
        note(f"What else stands there is kept: {', '.join(kept_names)}.")
    if BASE_URL in kept_names and not options.sandbox:
        address = redact_keys(str(configuration.environment[BASE_URL]), ANONYMOUS)
        note(f"The key will be sent to {address}: is it an address that you know?")


def _take_key(environment: Mapping[str, Any], options: StartOptions) -> _Key:
    """Write the key that the user gives; without one, keep the entry's or that of the key file.

    A key that TRaX refuses is not written.
    """
    own = {it: str(environment[it]) for it in (KEY, KEY_FILE) if environment.get(it)}
    in_entry, in_file = key_from(own), key_from({KEY_FILE: str(key_file())})
    note(_KEYS_ARE_MADE if sys.stdin.isatty() else _KEY_FROM_STDIN)
    given = ask_key(has_key=in_entry is not None or in_file is not None)
    used = given or in_entry or in_file
    if used is None:
        raise InstallError(_NO_KEY)
    address = {name: it for name, it in environment.items() if name not in {*own, SANDBOX}}
    note(check_key(used, settings_of({**address, **options.settings})))
    if given is None and in_entry is not None and own.get(KEY_FILE) != str(key_file()):
        return _Key()
    new = given not in {None, in_file}
    if new:
        replace(resolve_link(key_file()), f"{given}\n".encode(), mode=PRIVATE)
    make_private(key_file())
    return _Key(key_file(), new)


def _configure(client: FileClient, key: _Key, options: StartOptions) -> int:
    """Add the entry. Reads again, because the client may have written to the file meanwhile."""
    old = Configuration.read(client)
    document = old.with_trax(options)
    if document is None:
        say(f"{client.title} was set up already, on {_studios(options)}.")
        _report(old, key)
    elif not client.written:
        _show_what_to_paste(client, key, options)
        return 0
    elif not old.complete:
        _show_what_to_add(old, key, options)
        return 1
    else:
        new_folder = not old.path.parent.exists()
        backup = _write(old, old.format(document))
        say(f"{client.title} starts trax-mcp from now on, on {_studios(options)}.")
        _report(old, key, backup)
        if new_folder:
            say(f"{client.title} had no folder here yet, so it was made. If it keeps its settings")
            say("elsewhere, --print shows what to put there.")
    say(client.next_step)
    say(_FIRST_WORDS)
    return 0


def _write(old: Configuration, content: bytes) -> Path | None:
    """Replace the configuration; returns the backup of the old one, if there is an old one."""
    path, backup = resolve_link(old.path), None
    if old.content is not None:
        backup = path.with_name(f"{path.name}.trax-mcp.bak")
        replace(backup, old.content, mode=PRIVATE)  # it may contain a key
    if read(path) != old.content:
        raise InstallError(f"{path} was changed by another program meanwhile. Try again")
    replace(path, content)
    return backup


def _show_what_to_add(configuration: Configuration, key: _Key, options: StartOptions) -> None:
    note(f"trax-mcp: {configuration.path} was left alone: comments in it, or names that it has")
    note("twice, would be lost.")
    _note_key(configuration.client, key)
    if configuration.entry:
        note("Change its trax to this by hand; what else it has may stay:")
    else:
        note("Add this by hand:")
    _say_entry(configuration.client, options)
    note(configuration.client.next_step)


def _show_what_to_paste(client: McpClient, key: _Key, options: StartOptions) -> None:
    _note_key(client, key)
    note(f"You set up {client.title} by hand. Paste this into")
    note(f"  {_place(client)}")
    _say_entry(client, options)
    note(client.next_step)
    note(_FIRST_WORDS)


def _note_key(client: McpClient, key: _Key) -> None:
    if key.new:
        note(f"Your key was written to {key.file}.")
    for text in _shared_key(client, key):
        note(text)


def _report(old: Configuration, key: _Key, backup: Path | None = None) -> None:
    rows = {"configuration": old.path, "backup": backup, "new key" if key.new else "key": key.file}
    for label, path in rows.items():
        if path is not None:
            say(f"  {label:<13}  {path}")
    for text in _shared_key(old.client, key):
        say(text)
    if key.file and old.environment.get(KEY):
        say("The key that stood in the configuration is out of it; the backup still has it.")
        say("Delete the backup once all works, and if you use that key no more, revoke it")
        say(f"on {KEYS_SCREEN}.")
    for project in old.project_entries:
        say(f"In {project} alone, another entry counts, which {old.client.title} made for it.")
        say(f"If it should not: run {LOCAL_REMOVAL} there.")


def _shared_key(client: McpClient, key: _Key) -> Sequence[str]:
    """Sentences about other clients whose entries name the key file, and where they send it."""
    if key.file is None:
        return ()
    titles = []
    for other in FILE_CLIENTS.values():
        with suppress(InstallError):  # doctor reports it
            environment = Configuration.read(other).environment
            if other is not client and environment.get(KEY_FILE) == str(key.file):
                address = redact_keys(str(environment.get(BASE_URL) or ""), ANONYMOUS)
                titles.append(f"{other.title} (at {address})" if address else other.title)
    if not titles:
        return ()
    uses, them = ("uses", "it") if len(titles) == 1 else ("use", "them")
    restart = f": restart {them} as well, for the new key" if key.new else ""
    return (f"{naming.listed(titles)} {uses} this key file too{restart}.",)


def _place(client: McpClient) -> str:
    return str(client.path()) if isinstance(client, FileClient) else client.where


def _say_entry(client: McpClient, options: StartOptions) -> None:
    for line in format_entry(client, new_entry(client, {}, options)).splitlines():
        say(line)


def _studios(options: StartOptions) -> str:
    return "the sandbox" if options.sandbox else "your studios"


def _sentence(text: str) -> str:
    """With a full stop, unless it ends already."""
    return text if text.endswith((".", "?")) else f"{text}."
