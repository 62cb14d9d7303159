"""The states in which `trax-mcp install` can run, and a snapshot of what a person sees in each.

`python -m tests.support.install_states` writes the snapshots; a test compares them.
"""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import tempfile
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
    write_key_file,
)
from tests.support.home_folder import COMMAND, KEY, Home, sample_of
from tests.support.product.local_servers import upstream
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.terminal_screen import WIDE_COLUMNS, draw
from tests.support.written_files import write

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.support.product.sandbox import Sandbox

SNAPSHOTS: Final = ROOT / "tests/cli/install_states"
_START_ARGUMENTS: Final = re.compile(r'(args(?:": | = ))\[[^\]]*\]')
"""Those of an entry: they depend on how this installation was made."""
_BLIND_KEY: Final = "sk_live_blind"
_HINTS: Final = (*SECRETS, _BLIND_KEY, "sk_live_5555")
_NO_UPSTREAM: Final = {"TRAX_BASE_URL": ""}


@dataclass(frozen=True)
class InstallState:
    """A state: the expected exit code, the arguments, the settings and the home folder.

    `typed` is None if the key is not asked for. TRAX_BASE_URL is the sandbox's address, unless
    `settings` say otherwise. Pipe and terminal get each a home folder and a sandbox of their own.
    """

    code: int
    arguments: tuple[str, ...] = ("cursor",)
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
    write_key_file(home, f"{SANDBOX_KEY}\n")
    configure(home, "cursor", TRAX_BASE_URL=address, **home.key_file_settings)


def with_three_clients(home: Home, _address: str) -> None:
    """Configure three clients with the key file. One of them sends the key to another address."""
    write_key_file(home, f"{KEY}\n")
    configure(home, "claude-desktop", **home.key_file_settings)
    configure(home, "vscode", TRAX_BASE_URL="https://trax.example", **home.key_file_settings)
    write_codex(home, {"TRAX_API_KEY_FILE": str(home.key_file)})
    (home.path / ".cursor").mkdir()


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


def with_broken_file(home: Home, _address: str) -> None:
    """Write a configuration that is no JSON."""
    home.write_config(sample_of("cursor"), '{\n  "mcpServers": {,}\n}')


def with_a_key_for_chat(sandbox: Sandbox) -> None:
    """Add a key that may not list studios."""
    sandbox.add_key(_BLIND_KEY, scopes={"chat:read"})


INSTALL_STATES: Final[dict[str, InstallState]] = {
    # the way that most go
    "a first install": InstallState(0, set_up_home=with_folders),
    "the sandbox": InstallState(0, ("cursor", "--sandbox"), typed=None, set_up_home=with_folders),
    "set up already": InstallState(0, typed="", set_up_home=with_entry),
    "a project with its own entry": InstallState(0, ("claude-code",), set_up_home=with_project),
    # the key
    "a key that is refused": InstallState(1, typed="sk_live_5555", set_up_home=with_folders),
    "a word that is no key": InstallState(1, typed="hello", set_up_home=with_folders),
    "no key": InstallState(1, typed="", set_up_home=with_folders),
    "a key that other clients use": InstallState(0, set_up_home=with_three_clients),
    "a key in the configuration": InstallState(0, set_up_home=with_cursor),
    # what TRaX says
    "a key that may not list studios": InstallState(
        0, typed=_BLIND_KEY, set_up_home=with_folders, set_up_sandbox=with_a_key_for_chat
    ),
    "nobody there": InstallState(0, settings=_NO_UPSTREAM, set_up_home=with_folders),
    # settings
    "settings taken over and set": InstallState(
        0,
        ("cursor", "--set", "TRAX_LOG_LEVEL=DEBUG", "--set", "TRAX_READ_ONLY=0"),
        settings={"TRAX_READ_ONLY": "1", "TRAX_TOOLS": "chat", "TRAX_CONFIRM": "flag"},
        set_up_home=with_folders,
    ),
    "a wrong setting by set": InstallState(
        1, ("cursor", "--set", "TRAX_CONFIRM=maybe"), typed=None, set_up_home=with_folders
    ),
    "a secret by set": InstallState(
        1, ("cursor", "--set", f"TRAX_API_KEY={KEY}"), typed=None, set_up_home=with_folders
    ),
    # what stands in the configuration
    "another trax": InstallState(0, settings=_NO_UPSTREAM, set_up_home=with_another_trax),
    "comments": InstallState(1, ("vscode",), set_up_home=with_comments),
    "a file that is broken": InstallState(1, typed=None, set_up_home=with_broken_file),
    # set up by hand, and printed
    "codex": InstallState(0, ("codex",), set_up_home=with_folders),
    "cursor printed": InstallState(0, ("cursor", "--print"), typed=None),
    # the command line
    "an unknown client": InstallState(2, ("curser",), typed=None),
    "a key as an argument": InstallState(2, ("cursor", KEY), typed=None),
}
"""By name, which is also the name of the snapshot file."""


def snapshot_file(name: str) -> Path:
    """The path of a state's snapshot."""
    return SNAPSHOTS / f"{name.replace(' ', '-')}.txt"


def read_snapshot(name: str) -> str:
    """The snapshot of a state."""
    return snapshot_file(name).read_text(encoding="utf-8")


def snapshot(state: InstallState, pipe: InstallResult, terminal: InstallResult) -> str:
    """The content of a snapshot file."""
    command = shlex.join(("trax-mcp", "install", *state.arguments)).replace(KEY, "sk_live_...")
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
        settings = {"TRAX_BASE_URL": sandbox.base_url, "COLUMNS": str(WIDE_COLUMNS)}
        done = await home.run_beside(
            "install",
            *state.arguments,
            typed=state.typed,
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
    return _START_ARGUMENTS.sub(r"\1[...]", text)


async def main() -> None:
    """Write all snapshots, and remove those of states that no longer exist."""
    for stale in set(SNAPSHOTS.iterdir()) - {snapshot_file(name) for name in INSTALL_STATES}:
        stale.unlink()
    for name, state in INSTALL_STATES.items():
        with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
            pipe = await run_in_state(state, Home(Path(one)), terminal=False)
            terminal = await run_in_state(state, Home(Path(two)), terminal=True)
        assert {pipe.code, terminal.code} == {state.code}, (name, pipe, terminal)
        write(snapshot_file(name), snapshot(state, pipe, terminal))


if __name__ == "__main__":
    asyncio.run(main())
