"""The states in which `install` and `uninstall` can run, and what a person sees in each.

`python -m tests.support.install_states` writes the snapshots; a test compares them.
"""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from tests import ROOT
from tests.support.client_configurations import CLAUDE_CODE, WITH_COMMENTS
from tests.support.doctor_states import (
    PORT,
    SECRETS,
    configure,
    with_cursor,
    write_codex,
)
from tests.support.home_folder import COMMAND, KEY, Home, sample_of
from tests.support.product.local_servers import upstream
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.terminal_screen import draw
from tests.support.written_files import write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.support.product.sandbox import Sandbox

SNAPSHOTS: Final = ROOT / "tests/cli/install_states"
_START_ARGUMENTS: Final = re.compile(r'(args(?:": | = ))\[[^\]]*\]')
"""Those of an entry: they depend on how this installation was made."""
_BLIND_KEY: Final = "sk_live_blind"
_HINTS: Final = (*SECRETS, _BLIND_KEY, "sk_live_5555")
_NO_UPSTREAM: Final = {"TRAX_BASE_URL": ""}


@dataclass(frozen=True)
class InstallState:
    """A state: the expected exit code, the command, the settings and the home folder.

    `typed` is None if the key is not asked for; `chosen` is typed when a client is asked for, which
    is only done on a terminal: `piped_code` is the exit code through pipes. TRAX_BASE_URL is the
    sandbox's address, unless `settings` say otherwise. Pipe and terminal get each a home folder and
    a sandbox of their own.
    """

    code: int
    arguments: tuple[str, ...] = ("install", "cursor")
    chosen: str = ""
    piped_code: int | None = None
    typed: str | None = SANDBOX_KEY
    settings: Mapping[str, str] = field(default_factory=dict)
    set_up_sandbox: Callable[[Sandbox], None] = lambda _sandbox: None
    set_up_home: Callable[[Home, str], None] = lambda _home, _address: None


class InstallResult(NamedTuple):
    """What a person sees, with placeholders for paths and ports; the exit code, and the requests.

    `files` are those that were written.
    """

    code: int
    text: str
    files: str
    requests: list[tuple[str, str]]


def with_folders(home: Home, _address: str) -> None:
    """Let the clients have their folders, as where they are installed."""
    for path in (".cursor", ".codex", ".config/Code/User", ".config/zed", ".gemini"):
        (home.path / path).mkdir(parents=True)


def with_entry(home: Home, address: str) -> None:
    """Configure a client as an earlier run does."""
    home.write_key(SANDBOX_KEY, address)
    configure(home, "cursor")


def with_variables(home: Home, address: str) -> None:
    """Configure a client as an earlier version did, with a key file that holds the key alone."""
    home.write_key(SANDBOX_KEY)
    home.key_file.write_text(f"{SANDBOX_KEY}\n", encoding="utf-8")
    configure(home, "cursor", TRAX_BASE_URL=address, **home.key_file_settings)


def with_another_trax(home: Home, _address: str) -> None:
    """Configure a client to start another server with this name, with an address."""
    env = {"TRAX_BASE_URL": "https://trax.example", "TRAX_CONFIRM": "human"}
    home.write_entry("cursor", command="/opt/other/trax", args=["--token", "hunter2"], env=env)


def with_comments(home: Home, _address: str) -> None:
    """Write a configuration that cannot be written again as it is."""
    home.write_config(sample_of("vscode"), WITH_COMMENTS)


def with_project(home: Home, _address: str) -> None:
    """Write a configuration with an entry for one project."""
    home.write_config(sample_of("claude-code"), CLAUDE_CODE)


def with_many_clients(home: Home, address: str) -> None:
    """Configure clients in every way: written, with a backup, pasted, among comments, another."""
    with_entry(home, address)
    configure(home, "claude-desktop", TRAX_CONFIRM="human")
    (home.path / ".cursor/mcp.json.trax-mcp.bak").write_text("{}", encoding="utf-8")
    write_codex(home, {})
    vscode = f'{{ "servers": {{ // mine\n"trax": {{ "command": {json.dumps(COMMAND)} }} }} }}'
    home.write_config(sample_of("vscode"), vscode)
    home.write_config(sample_of("windsurf"), "{")
    elsewhere = {"trax": {"command": "/opt/other/trax"}}
    home.write_config(sample_of("zed"), json.dumps({"context_servers": elsewhere}))


def with_a_key_for_chat(sandbox: Sandbox) -> None:
    """Add a key that may not list studios."""
    sandbox.add_key(_BLIND_KEY, scopes={"chat:read"})


INSTALL_STATES: Final[dict[str, InstallState]] = {
    # the way that most go
    "a first install": InstallState(0, set_up_home=with_folders),
    "the sandbox": InstallState(
        0, ("install", "cursor", "--sandbox"), typed=None, set_up_home=with_folders
    ),
    "no client named": InstallState(
        0, ("install",), chosen="1", piped_code=2, set_up_home=with_folders
    ),
    "no client on this computer": InstallState(1, ("install",), typed=None, piped_code=2),
    "set up already": InstallState(0, typed="", set_up_home=with_entry),
    "an entry with variables": InstallState(0, typed="", set_up_home=with_variables),
    # the key
    "a key that is refused": InstallState(1, typed="sk_live_5555", set_up_home=with_folders),
    "a key in the configuration": InstallState(0, set_up_home=with_cursor),
    # what stands in the configuration
    "another trax": InstallState(0, settings=_NO_UPSTREAM, set_up_home=with_another_trax),
    "comments": InstallState(
        1,
        ("install", "vscode"),
        typed=_BLIND_KEY,
        set_up_home=with_comments,
        set_up_sandbox=with_a_key_for_chat,
    ),
    "settings beside a project": InstallState(
        0,
        ("install", "claude-code", "--set", "TRAX_READ_ONLY=1", "--set", "TRAX_TOOLS=chat"),
        set_up_home=with_project,
    ),
    # set up by hand, and printed
    "codex": InstallState(0, ("install", "codex"), set_up_home=with_folders),
    "cursor printed": InstallState(0, ("install", "cursor", "--print"), typed=None),
    # the command line
    "an unknown client": InstallState(2, ("install", "curser"), typed=None),
    "a key as an argument": InstallState(2, ("install", "cursor", KEY), typed=None),
    # removal
    "uninstall one": InstallState(0, ("uninstall", "cursor"), typed=None, set_up_home=with_entry),
    "uninstall all": InstallState(1, ("uninstall",), typed=None, set_up_home=with_many_clients),
    "uninstall none": InstallState(0, ("uninstall",), typed=None),
    "uninstall what was pasted": InstallState(1, ("uninstall", "jetbrains"), typed=None),
}
"""By name, which is also the name of the snapshot file."""


@contextmanager
def short_home() -> Iterator[Home]:
    """A home folder whose path is always as long, so that lines break at the same words."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        yield Home(Path(folder))


def snapshot_file(name: str) -> Path:
    """The path of a state's snapshot."""
    return SNAPSHOTS / f"{name.replace(' ', '-')}.txt"


def read_snapshot(name: str) -> str:
    """The snapshot of a state."""
    return snapshot_file(name).read_text(encoding="utf-8")


def snapshot(state: InstallState, pipe: InstallResult, terminal: InstallResult) -> str:
    """The content of a snapshot file."""
    command = shlex.join(("trax-mcp", *state.arguments)).replace(KEY, "sk_live_...")
    parts = {"On a terminal": terminal, "Through pipes": pipe}
    return f"$ {command}\n" + "".join(
        f"\n=== {title}\n\n{it.text}\nexit code {it.code}; written: {it.files}\n"
        for title, it in parts.items()
    )


async def run_in_state(state: InstallState, home: Home, *, terminal: bool) -> InstallResult:
    """Run the command on a terminal, or with a key on a pipe. Then stdout comes first."""
    async with upstream() as sandbox:
        state.set_up_sandbox(sandbox)
        state.set_up_home(home, sandbox.base_url)
        before = home.all_files()
        settings = {"TRAX_BASE_URL": sandbox.base_url, "COLUMNS": "80"}
        done = await home.run_beside(
            *state.arguments,
            typed=state.typed,
            chosen=state.chosen,
            terminal=terminal,
            settings={**settings, **state.settings},
        )
        after = home.all_files()
    assert [it for it in _HINTS if it in done.out + done.err] == []
    parts = {"stdout": done.out, "stderr": done.err}
    piped = "\n".join(f"{name}:\n{text}" for name, text in parts.items() if text)
    changed = sorted(it for it in after if after[it] != before.get(it))
    assert set(before) <= set(after)
    return InstallResult(
        done.code,
        _with_placeholders(draw(done.out) if terminal else piped, home),
        ", ".join(changed) or "nothing",
        [(it.method, it.path) for it in sandbox.requests],
    )


def _with_placeholders(text: str, home: Home) -> str:
    text = PORT.sub(":PORT", text.replace(str(home.path), "~"))
    text = text.replace(json.dumps(COMMAND)[1:-1], "/path/to/trax-mcp")
    text = text.replace(sys.prefix, "/path/to/.venv")
    return _START_ARGUMENTS.sub(r"\1[...]", text)


async def main() -> None:
    """Write all snapshots, and remove those of states that no longer exist."""
    for stale in set(SNAPSHOTS.iterdir()) - {snapshot_file(name) for name in INSTALL_STATES}:
        stale.unlink()
    for name, state in INSTALL_STATES.items():
        with short_home() as one, short_home() as two:
            pipe = await run_in_state(state, one, terminal=False)
            terminal = await run_in_state(state, two, terminal=True)
        write(snapshot_file(name), snapshot(state, pipe, terminal))


if __name__ == "__main__":
    asyncio.run(main())
