"""`trax-mcp install`: lets an MCP client start this installation, and puts the key into a file.

Knows what is done in which order, and what is said. What stands where is in `clients` and
`entries`, how a file is replaced in `replacement`.
"""

import json
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from trax_mcp.api.error_texts import KEYS_SCREEN
from trax_mcp.cli.checks import LOCAL_REMOVAL
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
    followed,
    make_private,
    read,
)
from trax_mcp.cli.terminal import note, say

_KEYS_ARE_MADE: Final = f"You make a key on {KEYS_SCREEN}."
_KEY_FROM_STDIN: Final = "Reading the key, one line, from stdin, which is no terminal."
_NO_KEY: Final = (
    "no key was given. Give one on the terminal or as a line on stdin, or take --sandbox,"
    " which needs none"
)


@dataclass(frozen=True, slots=True)
class _Task:
    """Who is to start what, and where that is written."""

    client: Client
    sandbox: bool
    configuration: Path
    key_file: Path
    installation: Installation

    @classmethod
    def of(cls, name: str, *, sandbox: bool) -> Self:
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
            raise self.unfit(error) from None

    def put_into(self, document: Document, *, key_file: Path | None) -> Document:
        try:
            return self.entry(key_file=key_file).put_into(document, self.client)
        except InvalidJson as error:
            raise self.unfit(error) from None

    def unfit(self, error: InvalidJson) -> InstallError:
        return InstallError(f"{self.configuration} {error}; --print shows what to add by hand")


@dataclass(frozen=True, slots=True)
class _Key:
    """A key to write down, None for none; and the file to name, None to name no other than now."""

    new: str | None = None
    file: Path | None = None


@dataclass(slots=True)
class _Done:
    """What was changed, to be told."""

    configured: bool = False
    backup: Backup | None = None
    key: Path | None = None
    new_key: bool = False
    new_folder: bool = False
    old_key: bool = False
    projects: tuple[str, ...] = ()
    """Where another entry counts in place of this one."""


def show(name: str, *, sandbox: bool) -> int:
    """Print what to put into a client's configuration, and on stderr where. Writes nothing."""
    task = _Task.of(name, sandbox=sandbox)
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
    """Add this installation to a client's configuration, and keep all else that stands there.

    Returns 1 where it cannot be done; then stderr says why, and that nothing was changed, or what
    was and could not be put back.
    """
    task = _Task.of(name, sandbox=sandbox)
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


def _set_up(task: _Task) -> _Done:
    """Look at everything that could be in the way before anybody is asked for a key."""
    check_writable(followed(task.configuration))
    document = task.document(read(followed(task.configuration)))
    task.put_into(document, key_file=None if task.sandbox else task.key_file)
    _tell_what_is_replaced(task, document)
    if task.sandbox:
        return _write(task, _Key())
    check_writable(followed(task.key_file))
    return _write(task, _key(task, environment_in(document, task.client)))


def _tell_what_is_replaced(task: _Task, document: Document) -> None:
    """Say whose place is taken, before a key is given to what it leaves behind."""
    old = replaced_entry_in(document, task.client, task.installation)
    if old is None:
        return
    note(f"{task.client.title} has a trax already. It started {old.command}.")
    if old.kept:
        note(f"What else stands there is kept: {', '.join(old.kept)}.")
    if old.gets_the_key_elsewhere and not task.sandbox:
        note("The key will be sent to the address in TRAX_BASE_URL: is it one that you know?")


def _key(task: _Task, environment: dict[str, str]) -> _Key:
    """The key that is given; else the one that the entry has; else the one from last time."""
    own = {name: value for name, value in environment.items() if name.startswith("TRAX_API_KEY")}
    in_entry = key_from(own) is not None
    in_file = key_from({KEY_FILE: str(task.key_file)})
    note(_KEYS_ARE_MADE if sys.stdin.isatty() else _KEY_FROM_STDIN)
    given = ask_key(kept=in_entry or in_file is not None)
    if given is not None:
        return _Key(new=None if given == in_file else given, file=task.key_file)
    if in_entry:
        return _Key()
    if in_file is None:
        raise InstallError(_NO_KEY)
    return _Key(file=task.key_file)


def _write(task: _Task, key: _Key) -> _Done:
    """Write what differs: all of it or nothing.

    The configuration is read anew: its client may have written to it while a person was typing.
    """
    target = followed(task.configuration)
    before = read(target)
    found = task.document(before)
    put = task.put_into(found, key_file=key.file)
    after = put.text.encode()
    done = _Done(configured=after != before, key=key.file, new_key=key.new is not None)
    had, has = (bool(environment_in(it, task.client).get(KEY)) for it in (found, put))
    done.old_key = had and not has
    done.projects = tuple(local_entries(put, task.client))
    # The configuration first: a client may hold it open, and on Windows that keeps it in place.
    replacements = [Replacement(target, after)] if done.configured else []
    if key.new is not None:
        content = f"{key.new}\n".encode()
        replacements.append(Replacement(followed(task.key_file), content, mode=PRIVATE))
    with ExitStack() as stack:
        for replacement in replacements:
            stack.enter_context(replacement)
        if done.configured:
            done.new_folder = bool(replacements[0].made)
            done.backup = _kept(target, before)
        _commit(replacements, done.backup)
    if key.file is not None:
        make_private(key.file)
    return done


def _commit(replacements: Sequence[Replacement], backup: Backup | None) -> None:
    """Let all take their places; a backup stays only if what it keeps may be missing."""
    try:
        commit_all(replacements)
    except Halfway as problem:
        kept = (
            "there was no such file before"
            if backup is None
            else f"what it held is in {backup.path}"
        )
        raise Halfway(f"{problem}; {kept}") from None
    except BaseException as error:
        if backup is not None:
            backup.discard()
        if isinstance(error, KeyboardInterrupt):
            note("trax-mcp: Nothing was changed: it was interrupted.")
        raise


def _kept(path: Path, before: bytes | None) -> Backup | None:
    """The backup of what is about to be replaced, if it is still there as it was read."""
    if read(path) != before:
        raise InstallError(f"{path} was changed by another program meanwhile. Try again")
    if before is None:
        return None
    try:
        return back_up(path, before)
    except OSError as error:
        raise InstallError(f"{path} cannot be backed up ({error.strerror})") from None


def _report(task: _Task, done: _Done) -> None:
    title = task.client.title
    where = "the sandbox" if task.sandbox else "your studios"
    now = "starts trax-mcp from now on" if done.configured else "was set up already"
    say(f"{title} {now}, on {where}.")
    key = "new key" if done.new_key else "key"
    backup = None if done.backup is None else done.backup.path
    rows = {"configuration": task.configuration, "backup": backup, key: done.key}
    for what, path in rows.items():
        if path is not None:
            say(f"  {what:<13}  {path}")
    if done.old_key:
        say("The key that stood in the configuration is out of it; the backup still has it.")
        say("Delete the backup once all works, and if you use that key no more, revoke it")
        say(f"on {KEYS_SCREEN}.")
    if done.new_folder:
        say(f"{title} had no folder here yet, so it was made. If it keeps its settings")
        say("elsewhere, --print shows what to put there.")
    for project in done.projects:
        say(f"In {project} alone, another entry counts, which {title} made for it.")
        say(f"If it should not: run {LOCAL_REMOVAL} there.")
    if done.configured:
        say(task.client.now)
