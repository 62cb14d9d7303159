"""`trax-mcp install`: adds this installation to an MCP client, and writes the key to a file."""

import json
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from trax_mcp.api.error_texts import KEYS_SCREEN
from trax_mcp.cli.clients import CLIENTS, Client, Computer
from trax_mcp.cli.entries import (
    KEY,
    KEY_FILE,
    Entry,
    Installation,
    environment_in,
    local_entries,
    read_configuration,
    replaced_entry_in,
)
from trax_mcp.cli.jsonc import Document, InvalidJson
from trax_mcp.cli.key_file import ask_key, key_file, key_from
from trax_mcp.cli.replacement import (
    PRIVATE,
    Backup,
    Halfway,
    InstallError,
    Replacement,
    back_up,
    check_writable,
    commit_all,
    make_private,
    read,
    resolve_link,
)
from trax_mcp.cli.terminal import note, say

_LOCAL_REMOVAL: Final = "claude mcp remove trax --scope local"
_KEYS_ARE_MADE: Final = f"You make a key on {KEYS_SCREEN}."
_KEY_FROM_STDIN: Final = "Reading the key, one line, from stdin, which is no terminal."
_NO_KEY: Final = (
    "no key was given. Give one on the terminal or as a line on stdin, or take --sandbox,"
    " which needs none"
)


@dataclass(frozen=True, slots=True)
class _Task:
    """The client, what it will start, and the files to write."""

    client: Client
    sandbox: bool
    configuration: Path
    key_file: Path
    installation: Installation

    @classmethod
    def create(cls, name: str, *, sandbox: bool) -> Self:
        client, computer = CLIENTS[name], Computer.here()
        configuration = client.configuration(computer)
        return cls(client, sandbox, configuration, key_file(computer), Installation.this())

    def entry(self, *, key_file: Path | None) -> Entry:
        return Entry(self.installation, self.sandbox, key_file)

    def document(self, content: bytes | None) -> Document:
        try:
            text = None if content is None else content.decode()
            return read_configuration(text, self.client)
        except UnicodeDecodeError:
            raise InstallError(f"{self.configuration} is not text in UTF-8") from None
        except InvalidJson as error:
            raise self.install_error(error) from None

    def add_to(self, document: Document, *, key_file: Path | None) -> Document:
        try:
            return self.entry(key_file=key_file).add_to(document, self.client)
        except InvalidJson as error:
            raise self.install_error(error) from None

    def install_error(self, error: InvalidJson) -> InstallError:
        return InstallError(f"{self.configuration} {error}; --print shows what to add by hand")


@dataclass(frozen=True, slots=True)
class _Key:
    """A new key to write, if there is one; and the key file to name, None to keep the setting."""

    new: str | None = None
    file: Path | None = None


@dataclass(slots=True)
class _Result:
    """What was changed."""

    configured: bool = False
    backup: Backup | None = None
    key_file: Path | None = None
    new_key: bool = False
    new_folder: bool = False
    removed_key: bool = False
    projects: tuple[str, ...] = ()
    """The projects in which another entry applies instead."""


def show(name: str, *, sandbox: bool) -> int:
    """Print the configuration on stdout, and where to put it on stderr. Writes nothing."""
    task = _Task.create(name, sandbox=sandbox)
    entry = task.entry(key_file=None if sandbox else task.key_file)
    for line in json.dumps(entry.snippet(task.client), indent=2).splitlines():
        say(line)
    note("This goes into")
    note(f"  {task.configuration}")
    if not sandbox:
        note("and your key, alone, into a file that only you can read:")
        note(f"  {task.key_file}")
    note("Without --print it is done for you.")
    return 0


def install(name: str, *, sandbox: bool) -> int:
    """Add this installation to a client's configuration; everything else in it stays.

    Returns 1 if that fails; then stderr says why, and that nothing was changed, or what was changed
    and could not be restored.
    """
    task = _Task.create(name, sandbox=sandbox)
    try:
        done = _set_up(task)
    except InstallError as problem:
        note(f"trax-mcp: Nothing was changed: {problem}.")
        return 1
    except Halfway as problem:
        note(f"trax-mcp: The key was not written, but {problem}.")
        return 1
    _report(task, done)
    return 0


def _set_up(task: _Task) -> _Result:
    """Check everything that could fail before asking for the key."""
    check_writable(resolve_link(task.configuration))
    document = task.document(read(resolve_link(task.configuration)))
    task.add_to(document, key_file=None if task.sandbox else task.key_file)
    _note_replaced_entry(task, document)
    if task.sandbox:
        return _write(task, _Key())
    check_writable(resolve_link(task.key_file))
    return _write(task, _choose_key(task, environment_in(document, task.client)))


def _note_replaced_entry(task: _Task, document: Document) -> None:
    """Name the replaced entry before the user gives a key that its settings may use."""
    replaced = replaced_entry_in(document, task.client, task.installation)
    if replaced is None:
        return
    note(f"{task.client.title} has a trax already. It started {replaced.command}.")
    if replaced.kept_names:
        note(f"What else stands there is kept: {', '.join(replaced.kept_names)}.")
    if replaced.keeps_base_url and not task.sandbox:
        note("The key will be sent to the address in TRAX_BASE_URL: is it one that you know?")


def _choose_key(task: _Task, environment: dict[str, str]) -> _Key:
    """The key that the user gives; else the entry's; else the one in the key file."""
    own = {name: value for name, value in environment.items() if name.startswith("TRAX_API_KEY")}
    in_entry = key_from(own) is not None
    in_file = key_from({KEY_FILE: str(task.key_file)})
    note(_KEYS_ARE_MADE if sys.stdin.isatty() else _KEY_FROM_STDIN)
    given = ask_key(has_key=in_entry or in_file is not None)
    if given is not None:
        return _Key(new=None if given == in_file else given, file=task.key_file)
    if in_entry:
        return _Key()
    if in_file is None:
        raise InstallError(_NO_KEY)
    return _Key(file=task.key_file)


def _write(task: _Task, key: _Key) -> _Result:
    """Write what differs: all of it or nothing.

    Reads the configuration again, because the client may have written to it in the meantime.
    """
    target = resolve_link(task.configuration)
    before = read(target)
    old = task.document(before)
    new = task.add_to(old, key_file=key.file)
    after = new.text.encode()
    done = _Result(configured=after != before, key_file=key.file, new_key=key.new is not None)
    had, has = (bool(environment_in(it, task.client).get(KEY)) for it in (old, new))
    done.removed_key = had and not has
    done.projects = tuple(local_entries(new, task.client))
    # The configuration first: on Windows it cannot be replaced while a client has it open.
    replacements = [Replacement(target, after)] if done.configured else []
    if key.new is not None:
        content = f"{key.new}\n".encode()
        replacements.append(Replacement(resolve_link(task.key_file), content, mode=PRIVATE))
    with ExitStack() as stack:
        for replacement in replacements:
            stack.enter_context(replacement)
        if done.configured:
            done.new_folder = bool(replacements[0].new_folders)
            done.backup = _back_up(target, before)
        _commit(replacements, done.backup)
    if key.file is not None:
        make_private(key.file)
    return done


def _commit(replacements: Sequence[Replacement], backup: Backup | None) -> None:
    """Commit all; the backup is removed if nothing changed."""
    try:
        commit_all(replacements)
    except Halfway as problem:
        backup_text = (
            "there was no such file before"
            if backup is None
            else f"what it held is in {backup.path}"
        )
        raise Halfway(f"{problem}; {backup_text}") from None
    except BaseException as error:
        if backup is not None:
            backup.discard()
        if isinstance(error, KeyboardInterrupt):
            note("trax-mcp: Nothing was changed: it was interrupted.")
        raise


def _back_up(path: Path, before: bytes | None) -> Backup | None:
    """Back up the file; raises InstallError if it has changed since it was read."""
    if read(path) != before:
        raise InstallError(f"{path} was changed by another program meanwhile. Try again")
    if before is None:
        return None
    try:
        return back_up(path, before)
    except OSError as error:
        raise InstallError(f"{path} cannot be backed up ({error.strerror})") from None


def _report(task: _Task, done: _Result) -> None:
    title = task.client.title
    where = "the sandbox" if task.sandbox else "your studios"
    now = "starts trax-mcp from now on" if done.configured else "was set up already"
    say(f"{title} {now}, on {where}.")
    key_label = "new key" if done.new_key else "key"
    backup = None if done.backup is None else done.backup.path
    rows = {"configuration": task.configuration, "backup": backup, key_label: done.key_file}
    for label, path in rows.items():
        if path is not None:
            say(f"  {label:<13}  {path}")
    if done.removed_key:
        say("The key that stood in the configuration is out of it; the backup still has it.")
        say("Delete the backup once all works, and if you use that key no more, revoke it")
        say(f"on {KEYS_SCREEN}.")
    if done.new_folder:
        say(f"{title} had no folder here yet, so it was made. If it keeps its settings")
        say("elsewhere, --print shows what to put there.")
    for project in done.projects:
        say(f"In {project} alone, another entry counts, which {title} made for it.")
        say(f"If it should not: run {_LOCAL_REMOVAL} there.")
    if done.configured:
        say(task.client.next_step)
