"""`trax-mcp install`: adds this installation to an MCP client, and writes the key to its file."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from trax_mcp.api.caller import KEY_PATTERN, redact
from trax_mcp.cli.install.clients import CLIENTS, FILE_CLIENTS, LOCAL_REMOVAL, McpClient
from trax_mcp.cli.install.configuration import (
    SANDBOX_SWITCH,
    Configuration,
    Entry,
    InstallError,
    format_entry,
    has_placeholder,
    new_entry,
    starts_this_installation,
)
from trax_mcp.cli.install.key import ask_key, write_key
from trax_mcp.cli.terminal import note, say, unknown_client, wrong_arguments
from trax_mcp.key_file import StoredKey, read_key
from trax_mcp.private_files import key_path, shorten
from trax_mcp.settings import (
    DEFAULT_BASE_URL,
    KEYS_SCREEN,
    VARIABLE_PREFIX,
    CannotStart,
    Settings,
    read_settings,
)

KEY: Final = "TRAX_API_KEY"
KEY_FILE: Final = "TRAX_API_KEY_FILE"
SANDBOX: Final = "TRAX_SANDBOX"
BASE_URL: Final = "TRAX_BASE_URL"
_KEY_VARIABLES: Final = (KEY, KEY_FILE, SANDBOX)
_KEYS_ARE_MADE: Final = f"You make a key on {KEYS_SCREEN}."
_KEY_FROM_STDIN: Final = "Reading the key, one line, from stdin, which is no terminal."
_NO_KEY: Final = (
    "no key was given. Give one on the terminal or as a line on stdin, or take --sandbox,"
    " which needs none"
)
_FIRST_WORDS: Final = 'Then ask: "Which of my studios are on air?"'
_FIELDS: Final = {
    VARIABLE_PREFIX + name.upper(): field for name, field in Settings.model_fields.items()
}
_SECRETS: Final = frozenset(
    name
    for name, field in _FIELDS.items()
    if "SECRET" in name
    or SecretStr.__name__  # also within a union, and what a file holds
    in str(_FIELDS.get(name.removesuffix("_FILE"), field).annotation)
)
_NOT_BY_SET: Final = {
    KEY_FILE: "install puts the key into its own file",
    SANDBOX: "the option --sandbox does it",
}


def run(name: str | None, assignments: Sequence[str], *, only_print: bool, sandbox: bool) -> int:
    """Set a client up, or show how; without CLIENT, the person on the terminal chooses one."""
    if name is None and sys.stdin.isatty():
        name = _choose_client()
        if name is None:
            return 1
    other = "for any other client: install other --print"
    if name is None:
        here = ", ".join(client.name for client in _clients_here()) or "none"
        known = ", ".join(CLIENTS)
        text = f"name a client: trax-mcp install CLIENT. Found on this computer: {here}."
        return wrong_arguments(f"{text} CLIENT is one of {known}; {other}.")
    if name not in CLIENTS:
        return unknown_client(name, CLIENTS, other)
    act = _show if only_print else _install
    return act(CLIENTS[name], assignments, sandbox=sandbox)


def _choose_client() -> str | None:
    """Let the person on the terminal choose one of the clients on this computer; None if none."""
    here = _clients_here()
    if not here:
        note(f"No MCP client that install knows was found here. It knows {', '.join(CLIENTS)}:")
        note("name one, or run trax-mcp install other for what to paste into your own.")
        return None
    say("Found on this computer:")
    for number, client in enumerate(here, start=1):
        say(f"  {number}  {client.title}")
    try:
        answer = input("Which one shall start trax-mcp? Its number, or Enter for none: ").strip()
    except EOFError:
        answer = ""
    chosen = {str(number): client.name for number, client in enumerate(here, start=1)}.get(answer)
    if chosen is None:
        note("None was chosen. Nothing was changed.")
    return chosen


def _clients_here() -> list[McpClient]:
    return [client for client in FILE_CLIENTS.values() if client.is_here]


def _show(client: McpClient, assignments: Sequence[str], *, sandbox: bool) -> int:
    """Print the entry on stdout, and where to put it on stderr. Writes nothing.

    Returns 1 if a setting is wrong.
    """
    try:
        settings = _read_assignments(assignments)
    except InstallError as problem:
        note(_sentence(f"trax-mcp: {problem}"))
        return 1
    _say_entry(client, new_entry(client, sandbox=sandbox, env=settings))
    note("This goes into")
    note(f"  {_place(client)}")
    if not sandbox:
        note("and your key, with the address of TRaX, into a file that only you can read:")
        note(f"  {key_path()}")
    if client.written:
        note("Without --print it is done for you.")
    elif not sandbox:
        note("Without --print you are asked for your key, and it is put there.")
    note(client.next_step)
    return 0


def _install(client: McpClient, assignments: Sequence[str], *, sandbox: bool) -> int:
    """Write the key to its file, then add this installation to a client's configuration.

    TRaX is asked once about the key. A configuration that is not plain JSON is left alone, and the
    entry is printed. Returns 1 if the configuration is not as it should be; then stderr says why,
    and what was changed. A second time does what is missing.
    """
    is_new_key = False
    try:
        settings = _read_assignments(assignments)
        before = Configuration.read(client)
        _note_replaced_entry(before, settings, sandbox=sandbox)
        if client.written and before.problem:
            note(f"{before.path} {before.problem}, so it is left alone: you add trax by hand.")
        if not sandbox:
            is_new_key = _take_key(client, {**before.environment, **settings})
        return _configure(client, settings, sandbox=sandbox, is_new_key=is_new_key)
    except InstallError as problem:
        changed = f"The key was written to {key_path()}, nothing else" if is_new_key else "Nothing"
        note(_sentence(f"trax-mcp: {changed} was changed: {problem}"))
        return 1


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
            raise InstallError(f"{name} is no setting for --set: {_NOT_BY_SET[name]}")
        if name in _SECRETS or KEY_PATTERN.search(text):
            raise InstallError(
                "--set takes no secret: others could read it in the list of processes, and in the"
                " client's configuration"
            )
        settings[name] = value.strip()
    try:
        _settings_of(settings)
    except CannotStart as error:
        raise InstallError(str(error)) from None
    return settings


def _settings_of(environment: Mapping[str, str]) -> Settings:
    """The settings of an entry. What a client fills in before it starts a server may be anything.

    Raises:
        CannotStart: one is wrong or unknown.
    """
    plain = {name: value for name, value in environment.items() if not has_placeholder(value)}
    ours = (name for name in environment if name.startswith(VARIABLE_PREFIX))
    unknown = {name: "1" for name in ours if name not in _FIELDS}
    return read_settings({**plain, **unknown})


def _note_replaced_entry(
    configuration: Configuration, settings: Mapping[str, str], *, sandbox: bool
) -> None:
    """Name an entry that starts something else. Its arguments and values may be secret."""
    client, entry, env = configuration.client, configuration.entry, configuration.environment
    if not entry or starts_this_installation(entry) or configuration.problem:
        return
    note(f"{client.title} has a trax already. It started {redact(str(entry.get('command')))}.")
    overwritten = {*new_entry(client, sandbox=sandbox, env={}), "env", *_KEY_VARIABLES, *settings}
    if kept := sorted({*entry, *env} - overwritten):
        note(f"What else stands there is kept: {', '.join(kept)}.")
    if BASE_URL in kept and not sandbox:
        note(f"The key will be sent to {redact(env[BASE_URL])}: is it an address that you know?")


def _take_key(client: McpClient, environment: Mapping[str, str]) -> bool:
    """Write the key that the user gives to the key file; without one, keep the key that it has.

    Returns whether the file has a new key.

    Raises:
        InstallError: there is none, or TRaX refuses it; then nothing is written.
    """
    try:
        stored = read_key(key_path())
    except CannotStart:
        stored = None  # it is written anew
    if stored and stored.base_url is None:
        stored = None  # nothing says where it belongs, so it is sent nowhere
    base_url = _base_url(environment, stored)
    note(_KEYS_ARE_MADE if sys.stdin.isatty() else _KEY_FROM_STDIN)
    given = ask_key(has_key=stored is not None)
    key = given or (stored.key if stored else "")
    if not key:
        raise InstallError(_NO_KEY)
    if not given and stored and stored.base_url != base_url:
        raise InstallError(
            f"the key that you have is for {stored.base_url}. Give one for {base_url}"
        )
    from trax_mcp.cli.install.key_check import check_key  # noqa: PLC0415  only where one is tried

    of_trax = {**dict.fromkeys(_KEY_VARIABLES, ""), BASE_URL: base_url}
    note(check_key(key, _settings_of({**environment, **of_trax})))
    if stored and stored.base_url != base_url and (others := _others_with_the_key(client)):
        note(f"This key is for {others} too: from the next start at {base_url}.")
    return write_key(key, base_url, stored)


def _others_with_the_key(client: McpClient) -> str:
    """The other clients that read the key file, by name."""
    found = (Configuration.read(it) for it in FILE_CLIENTS.values() if it.name != client.name)
    others = [it for it in found if it.entry and starts_this_installation(it.entry)]
    with_file = [
        it.client.title
        for it in others
        if SANDBOX_SWITCH not in it.entry.get("args", [])
        and not {*_KEY_VARIABLES} & it.environment.keys()
    ]
    return " and ".join(with_file)


def _base_url(environment: Mapping[str, str], stored: StoredKey | None) -> str:
    """The deployment that the key is for: of the entry, of the shell, or as before.

    Raises:
        InstallError: only the client knows it, or it is no address.
    """
    named = environment.get(BASE_URL) or os.environ.get(BASE_URL, "").strip()
    base_url = named or (stored and stored.base_url) or DEFAULT_BASE_URL
    if has_placeholder(base_url):
        raise InstallError(f"a key is for one address, and {BASE_URL} is filled in by your client")
    try:
        return read_settings({BASE_URL: base_url}).base_url.rstrip("/")
    except CannotStart as error:
        raise InstallError(str(error)) from None


def _configure(
    client: McpClient, settings: Mapping[str, str], *, sandbox: bool, is_new_key: bool
) -> int:
    """Add the entry. Reads again, because the client may have written to the file meanwhile."""
    old = Configuration.read(client)
    entry = _entry(old, settings, sandbox=sandbox)
    studios = "the sandbox" if sandbox else "your studios"
    key = {} if sandbox else {"new key" if is_new_key else "key": key_path()}
    # A path that install cannot write is right if it has what install would write.
    if old.entry and old.with_entry(entry) == old.document:
        say(f"{client.title} was set up already, on {studios}.")
        _report(old, key)
    elif old.problem:
        if is_new_key:
            note(f"Your key was written to {key_path()}.")
        _show_what_to_paste(old, new_entry(client, sandbox=sandbox, env=settings))
        return 1 if client.written else 0
    else:
        is_new_folder = not (old.path or Path()).parent.exists()
        backup = old.write(old.with_entry(entry))
        say(f"{client.title} starts trax-mcp from now on, on {studios}.")
        _report(old, ({"backup": backup} if backup else {}) | key)
        if is_new_folder:
            say(f"No settings of {client.title} were found here. Is it installed?")
    say(client.next_step)
    say(_FIRST_WORDS)
    return 0


def _entry(old: Configuration, settings: Mapping[str, str], *, sandbox: bool) -> Entry:
    """The entry with what else stands in it; a key, or the file of one, goes out of it."""
    kept = {name: value for name, value in old.environment.items() if name not in _KEY_VARIABLES}
    new = new_entry(old.client, sandbox=sandbox, env={**kept, **settings})
    return {name: value for name, value in old.entry.items() if name != "env" or not value} | new


def _show_what_to_paste(old: Configuration, entry: Entry) -> None:
    client = old.client
    if old.entry:
        note("Change its trax to this by hand; what else it has may stay, but no key:")
    else:
        note(f"You set up {client.title} by hand. Paste this into")
        note(f"  {_place(client)}")
    _say_entry(client, entry)
    note(client.next_step)
    note(_FIRST_WORDS)


def _report(old: Configuration, files: Mapping[str, Path]) -> None:
    for label, path in {"configuration": old.path or Path(), **files}.items():
        say(f"  {label:<13}  {shorten(path)}")
    if old.environment.get(KEY):
        say("The key that stood in the configuration is out of it; the backup still has it.")
        say("Delete the backup once all works, and if you use that key no more, revoke it")
        say(f"on {KEYS_SCREEN}.")
    for project in old.projects_with_entry:
        say(f"In {project} alone, another entry counts, which {old.client.title} made for it.")
        say(f"If it should not: run {LOCAL_REMOVAL} there.")


def _sentence(text: str) -> str:
    """With a full stop, unless it ends already."""
    return text if text.endswith((".", "?")) else f"{text}."


def _place(client: McpClient) -> str:
    return str(client.path()) if client.path else client.where


def _say_entry(client: McpClient, entry: Entry) -> None:
    for line in format_entry(client, entry).splitlines():
        say(line)
