"""`trax-mcp install`: adds this installation to an MCP client, and writes the key to its file."""

import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import click

from trax_mcp.api.caller import KEY_PATTERN, redact
from trax_mcp.cli.install.clients import CLIENTS, FILE_CLIENTS, LOCAL_REMOVAL, McpClient
from trax_mcp.cli.install.configuration import (
    Configuration,
    Entry,
    InstallError,
    format_entry,
    new_entry,
    starts_this_installation,
)
from trax_mcp.cli.install.key import BASE_URL, take_key
from trax_mcp.cli.terminal import DONE, print_line, print_note
from trax_mcp.private_files import key_path, shorten
from trax_mcp.settings import (
    KEYS_SCREEN,
    VARIABLE_PREFIX,
    CannotStart,
    read_settings,
)

_KEY: Final = "TRAX_API_KEY"
_KEY_FILE: Final = "TRAX_API_KEY_FILE"
_SANDBOX: Final = "TRAX_SANDBOX"
_KEY_VARIABLES: Final = (_KEY, _KEY_FILE, _SANDBOX)
_SECRET: Final = re.compile(r"_(KEY|TOKEN|SECRET|STORE_URL)(_FILE)?$")
"""The names of secrets, and of the files that hold them."""
_NOT_BY_SET: Final = {
    _KEY_FILE: "install puts the key into its own file",
    _SANDBOX: "the option --sandbox does it",
}


def run(
    clients: Sequence[McpClient], assignments: Sequence[str], *, only_print: bool, sandbox: bool
) -> int:
    """Set clients up, or show how; without any, the person on the terminal chooses.

    The key goes to its file first; TRaX is asked once about it. A configuration that is not plain
    JSON is left alone, and the entry is printed. Returns 1 if one is not as it should be; then
    stderr says why, and what was changed. A second time does what is missing.
    """
    clients = clients or _choose_clients()
    if not clients:
        return 1
    nothing, warning = "" if only_print else "Nothing was changed: ", ""
    try:
        settings = _read_assignments(assignments)
        if only_print:
            for client in clients:
                _show(client, new_entry(client, sandbox=sandbox, env=settings), sandbox=sandbox)
            return 0
        before = [Configuration.read(it) for it in clients]
        for configuration in before:
            _note_replaced_entry(configuration, settings, sandbox=sandbox)
        if not sandbox:
            warning = take_key([{**it.environment, **settings} for it in before])
    except InstallError as problem:
        print_note(f"trax-mcp: {nothing}{problem.sentence}")
        return 1
    return _configure_all(clients, settings, sandbox=sandbox, warning=warning)


def _choose_clients() -> list[McpClient]:
    """Let the person on the terminal choose among the clients on this computer."""
    here = [client for client in FILE_CLIENTS.values() if client.is_here]
    if not sys.stdin.isatty():
        found = ", ".join(it.name for it in here) or "none"
        raise click.UsageError(
            f"Name an app. Found on this computer: {found}. All: {', '.join(CLIENTS)}."
        )
    if not here:
        names = ", ".join(CLIENTS)
        print_note(f"None of the apps that install knows is on this computer. It knows {names}.")
        print_note("Name one, or run trax-mcp install other for what to paste into your own.")
        return []
    print_line("Found on this computer:")
    for number, client in enumerate(here, start=1):
        print_line(f"  {number}  {client.title}")
    known = {it.name: it for it in here}
    known |= {str(number): client for number, client in enumerate(here, start=1)}
    while given := _ask(
        "Which apps should use trax-mcp? Numbers like 1,3, or all; Enter cancels: "
    ):
        chosen = [it.name for it in here] if given == ["all"] else [*dict.fromkeys(given)]
        if known.keys() >= {*chosen}:
            return [known[it] for it in chosen]
        print_note(f"Please give numbers from 1 to {len(here)}.")
    print_note("Nothing was changed.")
    return []


def _ask(question: str) -> list[str]:
    """The words that a person types."""
    try:
        return input(question).lower().replace(",", " ").split()
    except EOFError:  # Ctrl-D leaves the line open
        print_line("")
        return []


def _show(client: McpClient, entry: Entry, *, sandbox: bool) -> None:
    """Print the entry on stdout, and where to put it on stderr."""
    _say_entry(client, entry)
    print_note("This goes into")
    print_note(f"  {_place(client)}")
    if not sandbox:
        print_note("and your key, with the address of TRaX, into a file that only you can read:")
        print_note(f"  {key_path()}")
    if client.written:
        print_note("Without --print, it's done for you.")
    elif not sandbox:
        print_note("Without --print, you're asked for your key, and it's put there.")
    print_note(client.next_step)


def _read_assignments(assignments: Sequence[str]) -> Mapping[str, str]:
    """The settings for an entry, by name.

    Raises:
        InstallError: an assignment names no setting, a secret, or what `install` does itself; or a
            value is wrong.
    """
    settings = {}
    for text in assignments:
        name, equals, value = text.partition("=")
        if not equals or not name.startswith(VARIABLE_PREFIX):
            raise InstallError(
                "--set takes NAME=VALUE, and NAME is a setting that begins with TRAX_"
            )
        if name in _NOT_BY_SET:
            raise InstallError(f"{name} can't be set with --set: {_NOT_BY_SET[name]}")
        if _SECRET.search(name) or KEY_PATTERN.search(text):
            raise InstallError(
                "--set takes no secret: others could read it in the list of processes, and in the"
                " client's configuration"
            )
        settings[name] = value.strip()
    try:
        read_settings(settings)
    except CannotStart as error:
        raise InstallError(str(error)) from None
    return settings


def _note_replaced_entry(
    configuration: Configuration, settings: Mapping[str, str], *, sandbox: bool
) -> None:
    """Name an entry that starts something else. Its arguments and values may be secret."""
    client, entry, env = configuration.client, configuration.entry, configuration.environment
    if client.written and configuration.problem:
        problem = f"{configuration.path} {configuration.problem}"
        print_note(f"{problem}, so trax-mcp doesn't change it. Add trax by hand.")
    if not entry or starts_this_installation(entry) or configuration.problem:
        return
    print_note(
        f"{client.title} already has a trax. It started {redact(str(entry.get('command')))}."
    )
    overwritten = {*new_entry(client, sandbox=sandbox, env={}), "env", *_KEY_VARIABLES, *settings}
    if kept := sorted({*entry, *env} - overwritten):
        print_note(f"The rest of it stays: {', '.join(kept)}.")
    if BASE_URL in kept and not sandbox:
        print_note(
            f"The key will be sent to {redact(env[BASE_URL])}: is it an address that you know?"
        )


def _configure_all(
    clients: Sequence[McpClient], settings: Mapping[str, str], *, sandbox: bool, warning: str
) -> int:
    """Add the entry to each. Reads again, because a client may have written meanwhile."""
    code, is_any_done = 0, False
    for client in clients:
        if len(clients) > 1:
            print_note("")
        try:
            code |= _configure(Configuration.read(client), settings, sandbox=sandbox)
            is_any_done = True
        except InstallError as problem:
            print_note(f"trax-mcp: {client.title} is as it was: {problem.sentence}")
            code = 1
    if is_any_done:
        print_note('Then ask: "Which of my studios are on air?"')
    if is_any_done and warning:
        print_note(f"! {warning}")
    return code


def _configure(old: Configuration, settings: Mapping[str, str], *, sandbox: bool) -> int:
    client, entry = old.client, _entry(old, settings, sandbox=sandbox)
    studios = "practice studios" if sandbox else "your studios"
    # A path that install cannot write is right if it has what install would write.
    if old.entry and old.with_entry(entry) == old.document:
        print_line(f"{DONE} {client.title} was already set up for {studios}.")
        _report(old, None)
    elif old.problem:
        _show_what_to_paste(old, new_entry(client, sandbox=sandbox, env=settings))
        return 1 if client.written else 0
    else:
        is_new_folder = not (old.path or Path()).parent.exists()
        backup = old.write(old.with_entry(entry))
        print_line(f"{DONE} {client.title} is set up for {studios}.")
        _report(old, backup)
        if is_new_folder:
            print_line(f"There were no settings of {client.title} before. Is it installed?")
    print_line(client.next_step)
    return 0


def _entry(old: Configuration, settings: Mapping[str, str], *, sandbox: bool) -> Entry:
    """The entry with what else stands in it; a key, or the file of one, goes out of it."""
    kept = {name: value for name, value in old.environment.items() if name not in _KEY_VARIABLES}
    new = new_entry(old.client, sandbox=sandbox, env={**kept, **settings})
    return {name: value for name, value in old.entry.items() if name != "env" or not value} | new


def _show_what_to_paste(old: Configuration, entry: Entry) -> None:
    client = old.client
    if old.entry:
        print_note("Change its trax to this yourself. Anything else may stay, but no key:")
    else:
        print_note(f"Add this to {client.title}'s settings yourself. trax-mcp doesn't change them.")
        print_note(f"  {_place(client)}")
    print_note("")
    _say_entry(client, entry)
    print_note("")
    print_note(client.next_step)


def _report(old: Configuration, backup: Path | None) -> None:
    print_line(f"  configuration  {shorten(old.path or Path())}")
    if backup:
        print_line(f"  backup         {shorten(backup)}")
    if backup and old.environment.get(_KEY):
        print_line("The backup still has the key from there: delete it once all works.")
        print_line(f"If nothing else uses that key, revoke it on {KEYS_SCREEN}.")
    for project in old.projects_with_entry:
        print_line(
            f"In {project} alone, another entry counts, which {old.client.title} made for it."
        )
        print_line(f"If you don't want that, run {LOCAL_REMOVAL} there.")


def _place(client: McpClient) -> str:
    return str(client.path()) if client.path else client.where


def _say_entry(client: McpClient, entry: Entry) -> None:
    for line in format_entry(client, entry).splitlines():
        print_line(line)
