"""`trax-mcp uninstall`: takes trax-mcp out of MCP clients, and names what else may be deleted."""

import sys
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from trax_mcp.api.caller import redact
from trax_mcp.cli.install.clients import FILE_CLIENTS, LOCAL_REMOVAL, McpClient
from trax_mcp.cli.install.configuration import IS_TOML, Configuration, InstallError, backup_of
from trax_mcp.cli.terminal import print_line, print_note
from trax_mcp.private_files import (
    key_path,
    passkey_path,
    shorten,
    sign_in_path,
    sign_in_secret_path,
)
from trax_mcp.settings import KEYS_SCREEN, Settings, read_settings


def run(clients: Sequence[McpClient], environment: Mapping[str, str]) -> int:
    """Remove the entry `trax` from the configurations of clients, or of each that has one.

    An entry that starts something else than trax-mcp stays. Nothing else is deleted: what may be is
    printed, unless another client needs it. Returns 1 if something is left to do by hand.
    """
    by_hand = [it for it in clients if it.path is None]
    for client in by_hand:
        print_note(f"You added trax by hand, so take it out by hand: {client.where}.")
    if by_hand and len(by_hand) == len(clients):
        return 1
    read = [Configuration.read(it) for it in clients or FILE_CLIENTS.values()]
    found = [it for it in read if it.entry or not it.readable]
    done = [_remove(it) for it in found]
    if not found:
        print_line("There's no trax to take out. Nothing was changed.")
    elif not any(done):
        print_line("Nothing was changed.")
    _say_what_may_be_deleted(read_settings(environment))
    return 0 if all(done) and not by_hand else 1


def _remove(configuration: Configuration) -> bool:
    """Remove the entry; returns whether nothing is left to do."""
    client, path, entry = configuration.client, configuration.path, configuration.entry
    if not configuration.readable:
        print_note(f"{path} {configuration.problem}. If it has a trax, take it out by hand.")
        return False
    if not _is_ours(entry):
        command = redact(str(entry.get("command") or "an address"))
        print_note(f"{client.title} has a trax that starts another program: {command}. It stays.")
        return True
    place = f'"{client.servers}" > "trax"'
    if configuration.problem:
        why = "" if configuration.problem == IS_TOML else f" It {configuration.problem}."
        print_note(f"trax-mcp doesn't change {path}.{why} Take out {place} by hand.")
        return False
    try:
        configuration.write(configuration.with_entry(None))
    except InstallError as problem:
        print_note(f"trax-mcp: {problem}. Take out {place} by hand.")
        return False
    print_line(f"{client.title} no longer starts trax-mcp. Restart it.")
    print_line(f"  configuration  {shorten(path or Path())}")
    for project in configuration.projects_with_entry:
        print_line(f"There's another one in {project}: run {LOCAL_REMOVAL} there.")
    return True


def _is_ours(entry: dict[str, object]) -> bool:
    """Whether an entry starts some trax-mcp, also one that was moved or deleted."""
    arguments = entry.get("args")
    given = [str(it) for it in arguments] if isinstance(arguments, list) else []
    is_module = ("-m", "trax_mcp") in pairwise(given)
    return is_module or "trax-mcp" in given or Path(str(entry.get("command"))).stem == "trax-mcp"


def _say_what_may_be_deleted(settings: Settings) -> None:
    """Name the backups, and the rest unless another client still starts trax-mcp."""
    read = [Configuration.read(it) for it in FILE_CLIENTS.values()]
    users = [it.client.title for it in read if _is_ours(it.entry)]
    files = [("a backup", backup_of(it.path.resolve())) for it in read if it.path]
    if users:
        use = "use" if users[1:] else "uses"
        *most, last = users
        named = f"{', '.join(most)} and {last}" if most else last
        print_line(f"{named} still {use} trax-mcp, so your key stays.")
    else:
        files += [
            ("your key", key_path()),
            ("your passkey", passkey_path(settings)),
            ("who is signed in", sign_in_path(settings)),
            ("and its secret", sign_in_secret_path(settings)),
        ]
        if sys.prefix != sys.base_prefix:
            files.append(("its environment", Path(sys.prefix)))
    if here := [(label, path) for label, path in files if path.exists()]:
        print_line(
            "You can also delete:"
            if users
            else "If you pasted it nowhere else, you can also delete:"
        )
    for label, path in here:
        print_line(f"  {label:<16}  {shorten(path)}")
    if not users:
        print_line(f"If nothing else uses your key, revoke it on {KEYS_SCREEN}.")
