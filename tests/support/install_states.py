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
    PLAIN,
    SECRETS,
    configure,
    with_cursor,
    with_fault,
    with_key,
    with_wrong_setting,
    without_answers,
    without_studios,
    write_key_file,
)
from tests.support.home_folder import ARGUMENTS, COMMAND, KEY, Home, sample_of
from tests.support.product.faults import Fault
from tests.support.product.local_servers import upstream
from tests.support.server_process import running
from tests.support.terminal_screen import WIDE_COLUMNS, run_on_terminal
from trax_mcp.sandbox import SANDBOX_KEY

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from tests.support.product.sandbox import Sandbox

SNAPSHOTS: Final = ROOT / "tests/cli/install_states"
_PORT: Final = re.compile(r"(?<=//127\.0\.0\.1):\d+")
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
    set_up_sandbox: Callable[[Sandbox], Callable[[], None] | None] = lambda _sandbox: None
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


def with_three_clients(home: Home, address: str) -> None:
    """Configure three clients with the key file. One of them sends the key to another address."""
    write_key_file(home, f"{KEY}\n")
    configure(home, "claude-desktop", **home.key_file_settings)
    configure(home, "vscode", TRAX_BASE_URL="https://trax.example", **home.key_file_settings)
    file = home.path / ".codex/config.toml"
    file.parent.mkdir()
    file.write_text(f"[mcp_servers.trax]\nenv = {{TRAX_API_KEY_FILE = '{home.key_file}'}}\n")
    with_cursor_folder(home, address)


def with_cursor_folder(home: Home, _address: str) -> None:
    """Let Cursor be installed, and have no configuration."""
    (home.path / ".cursor").mkdir()


def with_another_trax(home: Home, _address: str) -> None:
    """Configure a client to start another server with this name, with an address."""
    env = {"TRAX_BASE_URL": "https://trax.example", "TRAX_CONFIRM": "human"}
    entry = {"command": "/opt/other/trax", "args": ["--token", "hunter2"], "env": env}
    home.write_config(sample_of("cursor"), json.dumps({"mcpServers": {"trax": entry}}))


def with_comments(home: Home, _address: str) -> None:
    """Write a configuration that cannot be written again as it is."""
    home.write_config(sample_of("vscode"), WITH_COMMENTS)


def with_project(home: Home, _address: str) -> None:
    """Write a configuration with an entry for one project."""
    home.write_config(sample_of("claude-code"), CLAUDE_CODE)


def with_broken_file(home: Home, _address: str) -> None:
    """Write a configuration that is no JSON."""
    home.write_config(sample_of("cursor"), '{\n  "mcpServers": {,}\n}')


def with_codex(home: Home, address: str) -> None:
    """Configure Codex as its printed entry does, beside another server."""
    write_key_file(home, f"{SANDBOX_KEY}\n")
    env = {"TRAX_BASE_URL": address, **home.key_file_settings}
    lines = [
        'model = "gpt-5"  # mine',
        "[mcp_servers.trax]",
        f"command = {json.dumps(COMMAND)}",
        f"args = {json.dumps(ARGUMENTS)}",
        "[mcp_servers.trax.env]",
        *(f"{name} = {json.dumps(value)}" for name, value in env.items()),
    ]
    file = home.path / ".codex/config.toml"
    file.parent.mkdir()
    file.write_text("\n".join(lines))


def with_one_studio(sandbox: Sandbox) -> None:
    """Leave one studio."""
    for studio in list(sandbox.world.studios)[1:]:
        del sandbox.world.studios[studio]


INSTALL_STATES: Final[dict[str, InstallState]] = {
    # the way that most go
    "a first install": InstallState(0, set_up_home=with_folders),
    "a client without a folder": InstallState(0, ("windsurf",)),
    "the sandbox": InstallState(0, ("cursor", "--sandbox"), typed=None, set_up_home=with_folders),
    "set up already": InstallState(0, typed="", set_up_home=with_entry),
    "a project with its own entry": InstallState(0, ("claude-code",), set_up_home=with_project),
    # the key
    "a key that is refused": InstallState(1, typed="sk_live_5555", set_up_home=with_folders),
    "a kept key that is refused": InstallState(1, typed="", set_up_home=with_three_clients),
    "a word that is no key": InstallState(1, typed="hello", set_up_home=with_folders),
    "a key with a space": InstallState(1, typed="sk_live_5555 5", set_up_home=with_folders),
    "no key": InstallState(1, typed="", set_up_home=with_folders),
    "a key that other clients use": InstallState(0, set_up_home=with_three_clients),
    "a key in the configuration": InstallState(0, set_up_home=with_cursor),
    # what TRaX says
    "one studio": InstallState(0, set_up_home=with_folders, set_up_sandbox=with_one_studio),
    "no studio": InstallState(0, set_up_home=with_folders, set_up_sandbox=without_studios),
    "a key that may not list studios": InstallState(
        0,
        typed=_BLIND_KEY,
        set_up_home=with_folders,
        set_up_sandbox=with_key(_BLIND_KEY, frozenset({"chat:read"})),
    ),
    "nobody there": InstallState(0, settings=_NO_UPSTREAM, set_up_home=with_folders),
    "silence": InstallState(
        0,
        ("cursor", "--set", "TRAX_TIMEOUT_SECONDS=1"),
        set_up_home=with_folders,
        set_up_sandbox=without_answers(),
    ),
    "a service that is not well": InstallState(
        0, set_up_home=with_folders, set_up_sandbox=with_fault(Fault.status(502))
    ),
    "a gateway that refuses": InstallState(
        0,
        set_up_home=with_folders,
        set_up_sandbox=with_fault(Fault.status(403, "<html>", content_type="text/html")),
    ),
    # settings
    "settings taken over and set": InstallState(
        0,
        ("cursor", "--set", "TRAX_LOG_LEVEL=DEBUG", "--set", "TRAX_READ_ONLY=0"),
        settings={"TRAX_READ_ONLY": "1", "TRAX_TOOLS": "chat", "TRAX_CONFIRM": "flag"},
        set_up_home=with_folders,
    ),
    "a wrong setting in the environment": InstallState(
        1, typed=None, settings={"TRAX_READ_ONLY": "maybe"}, set_up_home=with_folders
    ),
    "a wrong setting by set": InstallState(
        1, ("cursor", "--set", "TRAX_CONFIRM=maybe"), typed=None, set_up_home=with_folders
    ),
    "an unknown setting by set": InstallState(
        1, ("cursor", "--set", "TRAX_READONLY=1"), typed=None, set_up_home=with_folders
    ),
    "a secret by set": InstallState(
        1, ("cursor", "--set", f"TRAX_API_KEY={KEY}"), typed=None, set_up_home=with_folders
    ),
    "no setting by set": InstallState(
        1, ("cursor", "--set", KEY), typed=None, set_up_home=with_folders
    ),
    "a wrong setting in the configuration": InstallState(
        1, typed=None, set_up_home=with_wrong_setting
    ),
    # what stands in the configuration
    "another trax": InstallState(0, settings=_NO_UPSTREAM, set_up_home=with_another_trax),
    "comments": InstallState(1, ("vscode",), set_up_home=with_comments),
    "a file that is broken": InstallState(1, typed=None, set_up_home=with_broken_file),
    # clients that are set up by hand
    "codex": InstallState(0, ("codex",), set_up_home=with_folders),
    "codex set up already": InstallState(0, ("codex",), typed="", set_up_home=with_codex),
    "jetbrains": InstallState(0, ("jetbrains",)),
    "other": InstallState(0, ("other", "--sandbox"), typed=None),
    # printed
    "cursor printed": InstallState(0, ("cursor", "--print"), typed=None),
    "codex printed": InstallState(0, ("codex", "--print"), typed=None),
    "other printed": InstallState(
        0, ("other", "--print", "--set", "TRAX_TOOLS=chat"), typed=None, settings=_NO_UPSTREAM
    ),
    "a wrong setting printed": InstallState(
        1, ("other", "--print", "--set", "TRAX_READ_ONLY=no"), typed=None, settings=_NO_UPSTREAM
    ),
    # the command line
    "an unknown client": InstallState(2, ("curser",), typed=None),
    "no client": InstallState(2, (), typed=None),
    "a key as the client": InstallState(2, (KEY,), typed=None),
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
    command = redact(shlex.join(("trax-mcp", "install", *state.arguments)))
    parts = {"On a terminal": terminal, "Through pipes": pipe}
    return f"$ {command}\n" + "".join(
        f"\n=== {title}\n\n{it.text}\nexit code {it.code}; written: {it.files}\n"
        for title, it in parts.items()
    )


def redact(text: str) -> str:
    """Without the keys that a person gives on the command line."""
    return text.replace(KEY, "sk_live_...")


async def run_through_pipes(state: InstallState, home: Home) -> InstallResult:
    """Run the command with a key on stdin. Stdout comes first."""

    async def run(settings: Mapping[str, str]) -> tuple[int, str]:
        async with running("install", *state.arguments, settings=settings) as it:
            await it.write("" if state.typed is None else f"{state.typed}\n")
            code = await it.finish()
        parts = {"stdout": it.stdout.text, "stderr": it.stderr.text}
        return code, "\n".join(f"{name}:\n{text}" for name, text in parts.items() if text)

    return await _run(state, home, run)


async def run_in_terminal(state: InstallState, home: Home) -> InstallResult:
    """Run the command on a terminal, where the key is typed."""

    async def run(settings: Mapping[str, str]) -> tuple[int, str]:
        answer = None if state.typed is None else f"{state.typed}\n"
        screen = await run_on_terminal(
            "install", *state.arguments, settings=settings, answer=answer
        )
        secrets = [it for it in _HINTS if it.encode() in screen.output]
        assert secrets == []
        return screen.code, screen.text

    return await _run(state, home, run)


async def _run(
    state: InstallState,
    home: Home,
    run: Callable[[Mapping[str, str]], Awaitable[tuple[int, str]]],
) -> InstallResult:
    async with upstream() as sandbox:
        end_fault = state.set_up_sandbox(sandbox)
        state.set_up_home(home, sandbox.base_url)
        before = home.all_files()
        settings = {
            **PLAIN,
            "COLUMNS": str(WIDE_COLUMNS),
            **home.settings(**{"TRAX_BASE_URL": sandbox.base_url, **state.settings}),
        }
        code, text = await run(settings)
        if end_fault is not None:
            end_fault()
        after = home.all_files()
    assert [it for it in _HINTS if it in text] == []
    changed = sorted(it for it in after if after[it] != before.get(it))
    assert set(before) <= set(after)
    return InstallResult(
        code,
        _with_placeholders(text, home),
        ", ".join(changed) or "nothing",
        [(it.method, it.path) for it in sandbox.requests],
    )


def _with_placeholders(text: str, home: Home) -> str:
    text = _PORT.sub(":PORT", text.replace(str(home.path), "~"))
    text = text.replace(json.dumps(COMMAND)[1:-1], "/path/to/trax-mcp")
    return _START_ARGUMENTS.sub(r"\1[...]", text)


async def main() -> None:
    """Write all snapshots, and remove those of states that no longer exist."""
    SNAPSHOTS.mkdir(exist_ok=True)
    for stale in set(SNAPSHOTS.iterdir()) - {snapshot_file(name) for name in INSTALL_STATES}:
        stale.unlink()
    for name, state in INSTALL_STATES.items():
        with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
            pipe = await run_through_pipes(state, Home(Path(one)))
            terminal = await run_in_terminal(state, Home(Path(two)))
        assert {pipe.code, terminal.code} == {state.code}, (name, pipe, terminal)
        snapshot_file(name).write_text(snapshot(state, pipe, terminal), encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main())
