"""`trax-mcp uninstall`: takes trax-mcp out of MCP clients, and names what else may be deleted."""

import sys
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

from trax_mcp.api.caller import redact
from trax_mcp.cli.install.clients import CLIENTS, FILE_CLIENTS, LOCAL_REMOVAL
from trax_mcp.cli.install.configuration import IS_TOML, Configuration, InstallError, backup_of
from trax_mcp.cli.terminal import note, say, unknown_client
from trax_mcp.private_files import (
    key_path,
    passkey_path,
    shorten,
    sign_in_path,
    sign_in_secret_path,
)
from trax_mcp.settings import KEYS_SCREEN, Settings, read_settings


def run(name: str | None, environment: Mapping[str, str]) -> int:
    """Remove the entry `trax` from the configuration of a client, or of each that has one.

    An entry that starts something else than trax-mcp stays. Nothing else is deleted: what may be is
    printed. Returns 1 if something is left to do by hand.
    """
    if name is not None and name not in CLIENTS:
        return unknown_client(name, CLIENTS, "without CLIENT it looks at them all")
    clients = FILE_CLIENTS.values() if name is None else [CLIENTS[name]]
    if name is not None and CLIENTS[name].path is None:
        note(f"You added trax by hand, so take it out by hand: {CLIENTS[name].where}.")
        return 1
    found = [it for it in map(Configuration.read, clients) if it.entry or not it.readable]
    done = [_remove(it) for it in found]
    if not found:
        none = "No MCP client here has a" if name is None else f"{CLIENTS[name].title} has no"
        say(f"{none} trax. Nothing was changed.")
    elif len(done) == 1 and not done[0]:
        say("Nothing was changed.")
    _say_what_may_be_deleted(read_settings(environment))
    return 0 if all(done) else 1


def _remove(configuration: Configuration) -> bool:
    """Remove the entry; returns whether nothing is left to do."""
    client, path, entry = configuration.client, configuration.path, configuration.entry
    if not configuration.readable:
        note(f"{path} {configuration.problem}. If it has a trax, take it out by hand.")
        return False
    if not _is_ours(entry):
        command = redact(str(entry.get("command") or "an address"))
        note(f"{client.title} has a trax that is not this program: {command}. It stays.")
        return True
    place = f'"{client.servers}" > "trax"'
    if configuration.problem:
        why = "" if configuration.problem == IS_TOML else f" It {configuration.problem}."
        note(f"{path} is left alone.{why} Take out {place} by hand.")
        return False
    try:
        backup = configuration.write(configuration.with_entry(None))
    except InstallError as problem:
        note(f"trax-mcp: {problem}. Take out {place} by hand.")
        return False
    say(f"{client.title} starts trax-mcp no more. Restart it.")
    say(f"  configuration  {shorten(path or Path())}")
    say(f"  backup         {shorten(backup or Path())}")
    for project in configuration.projects_with_entry:
        say(f"In {project} there is one more: run {LOCAL_REMOVAL} there.")
    return True


def _is_ours(entry: dict[str, object]) -> bool:
    """Whether an entry starts some trax-mcp, also one that was moved or deleted."""
    arguments = entry.get("args")
    given = [str(it) for it in arguments] if isinstance(arguments, list) else []
    is_module = ("-m", "trax_mcp") in pairwise(given)
    return is_module or "trax-mcp" in given or Path(str(entry.get("command"))).stem == "trax-mcp"


def _say_what_may_be_deleted(settings: Settings) -> None:
    backups = [backup_of(it.path().resolve()) for it in CLIENTS.values() if it.path]
    files = [
        ("your key", key_path()),
        ("your passkey", passkey_path(settings)),
        ("who is signed in", sign_in_path(settings)),
        ("and its secret", sign_in_secret_path(settings)),
        *(("a backup", it) for it in backups),
    ]
    if sys.prefix != sys.base_prefix:
        files.append(("its environment", Path(sys.prefix)))
    say("You may delete what you need no more:")
    for label, path in files:
        if path.exists():
            say(f"  {label:<16}  {shorten(path)}")
    say(f"A key that nobody needs is revoked on {KEYS_SCREEN}.")
