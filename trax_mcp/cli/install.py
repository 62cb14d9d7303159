"""`trax-mcp install`: adds this installation to an MCP client, and writes the key to a file."""

import json
import sys
from pathlib import Path
from typing import Final, NamedTuple

from trax_mcp.api.caller import ANONYMOUS, redact_keys
from trax_mcp.api.error_texts import KEYS_SCREEN
from trax_mcp.cli.client_configuration import (
    KEY,
    KEY_FILE,
    NAME,
    SANDBOX,
    Configuration,
    new_entry,
    starts_this_installation,
)
from trax_mcp.cli.clients import CLIENTS, LOCAL_REMOVAL, Client
from trax_mcp.cli.key_file import ask_key, key_file, key_from
from trax_mcp.cli.replacement import (
    PRIVATE,
    InstallError,
    check_writable,
    make_private,
    read,
    replace,
    resolve_link,
)
from trax_mcp.cli.terminal import note, say

_KEYS_ARE_MADE: Final = f"You make a key on {KEYS_SCREEN}."
_KEY_FROM_STDIN: Final = "Reading the key, one line, from stdin, which is no terminal."
_NO_KEY: Final = (
    "no key was given. Give one on the terminal or as a line on stdin, or take --sandbox,"
    " which needs none"
)


class _Key(NamedTuple):
    """The key file to name, None to keep what the entry has; and whether its key is new."""

    file: Path | None = None
    new: bool = False


def show(name: str, *, sandbox: bool) -> int:
    """Print the configuration on stdout, and where to put it on stderr. Writes nothing."""
    client = CLIENTS[name]
    _say_entry(client, sandbox=sandbox, key_file=None if sandbox else key_file())
    note("This goes into")
    note(f"  {client.path()}")
    if not sandbox:
        note("and your key, alone, into a file that only you can read:")
        note(f"  {key_file()}")
    note("Without --print it is done for you.")
    return 0


def install(name: str, *, sandbox: bool) -> int:
    """Write the key to its file, then add this installation to a client's configuration.

    Returns 1 if the configuration is not as it should be; then stderr says why, and what was
    changed. A second time does what is missing.
    """
    client, key = CLIENTS[name], _Key()
    try:
        _check(client, sandbox=sandbox)
        if not sandbox:
            key = _take_key(client)
        return _configure(client, key, sandbox=sandbox)
    except InstallError as problem:
        changed = f"The key was written to {key.file}, nothing else" if key.new else "Nothing"
        note(f"trax-mcp: {changed} was changed: {problem}.")
        return 1


def _check(client: Client, *, sandbox: bool) -> None:
    """Check all that could fail before the user gives a key, and say what they should know."""
    check_writable(resolve_link(client.path()))
    configuration = Configuration.read(client)
    configuration.with_trax(sandbox=sandbox, key_file=None if sandbox else key_file())
    _note_replaced_entry(configuration, sandbox=sandbox)
    if not sandbox:
        check_writable(resolve_link(key_file()))


def _note_replaced_entry(configuration: Configuration, *, sandbox: bool) -> None:
    """Name an entry that starts something else. Its arguments and values may be secret."""
    client, entry = configuration.client, configuration.entry
    if not entry or starts_this_installation(entry):
        return
    command = redact_keys(str(entry.get("command")), ANONYMOUS)
    note(f"{client.title} has a trax already. It started {command}.")
    overwritten = {*client.fixed_fields, "command", "args", "env", KEY, KEY_FILE, SANDBOX}
    settings = sorted(name for name, value in configuration.environment.items() if value)
    kept_names = [it for it in (*entry, *settings) if it not in overwritten]
    if kept_names:
        note(f"What else stands there is kept: {', '.join(kept_names)}.")
    if "TRAX_BASE_URL" in kept_names and not sandbox:
        note("The key will be sent to the address in TRAX_BASE_URL: is it one that you know?")


def _take_key(client: Client) -> _Key:
    """Write the key that the user gives; without one, keep the entry's or that of the key file."""
    environment = Configuration.read(client).environment
    own = {it: str(environment[it]) for it in (KEY, KEY_FILE) if environment.get(it)}
    in_entry = key_from(own) is not None
    in_file = key_from({KEY_FILE: str(key_file())})
    note(_KEYS_ARE_MADE if sys.stdin.isatty() else _KEY_FROM_STDIN)
    given = ask_key(has_key=in_entry or in_file is not None)
    if given is None and in_entry:
        return _Key()
    if given is None and in_file is None:
        raise InstallError(_NO_KEY)
    new = given not in {None, in_file}
    if new:
        replace(resolve_link(key_file()), f"{given}\n".encode(), mode=PRIVATE)
    make_private(key_file())
    return _Key(key_file(), new)


def _configure(client: Client, key: _Key, *, sandbox: bool) -> int:
    """Add the entry. Reads again, because the client may have written to the file meanwhile."""
    old = Configuration.read(client)
    content = old.with_trax(sandbox=sandbox, key_file=key.file)
    if content is None:
        say(f"{client.title} was set up already, on {_studios(sandbox=sandbox)}.")
        _report(old, key)
        return 0
    if not old.complete:
        _show_what_to_add(old, key, sandbox=sandbox)
        return 1
    new_folder = not old.path.parent.exists()
    backup = _write(old, content)
    say(f"{client.title} starts trax-mcp from now on, on {_studios(sandbox=sandbox)}.")
    _report(old, key, backup)
    if new_folder:
        say(f"{client.title} had no folder here yet, so it was made. If it keeps its settings")
        say("elsewhere, --print shows what to put there.")
    say(client.next_step)
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


def _show_what_to_add(configuration: Configuration, key: _Key, *, sandbox: bool) -> None:
    note(f"trax-mcp: {configuration.path} was left alone: comments in it, or names that it has")
    note("twice, would be lost.")
    if key.new:
        note(f"Your key was written to {key.file}.")
    if configuration.entry:
        note("Change its trax to this by hand; what else it has may stay:")
    else:
        note("Add this by hand:")
    _say_entry(configuration.client, sandbox=sandbox, key_file=key.file)


def _report(old: Configuration, key: _Key, backup: Path | None = None) -> None:
    rows = {"configuration": old.path, "backup": backup, "new key" if key.new else "key": key.file}
    for label, path in rows.items():
        if path is not None:
            say(f"  {label:<13}  {path}")
    if key.file and old.environment.get(KEY):
        say("The key that stood in the configuration is out of it; the backup still has it.")
        say("Delete the backup once all works, and if you use that key no more, revoke it")
        say(f"on {KEYS_SCREEN}.")
    for project in old.project_entries:
        say(f"In {project} alone, another entry counts, which {old.client.title} made for it.")
        say(f"If it should not: run {LOCAL_REMOVAL} there.")


def _say_entry(client: Client, *, sandbox: bool, key_file: Path | None) -> None:
    entry = new_entry(client, {}, sandbox=sandbox, key_file=key_file)
    for line in json.dumps({client.servers: {NAME: entry}}, indent=2).splitlines():
        say(line)


def _studios(*, sandbox: bool) -> str:
    return "the sandbox" if sandbox else "your studios"
