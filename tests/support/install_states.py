"""The states in which `install` and `uninstall` can run. `tests/cli/install_states` shows them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tests.support.client_configurations import WITH_COMMENTS
from tests.support.home_folder import BLIND_KEY, COMMAND, KEY, OTHER_KEY, sample_of
from tests.support.product.sandbox import SANDBOX_KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.support.home_folder import Home
    from tests.support.product.sandbox import Sandbox

_NO_UPSTREAM: Final = {"TRAX_BASE_URL": ""}
_ELSEWHERE: Final = {"TRAX_BASE_URL": "https://other.example"}


@dataclass(frozen=True)
class InstallState:
    """The command, what is typed, the settings, the sandbox and the home folder.

    `typed` is None if the key is not asked for; `chosen` is typed when a client is asked for, which
    is only done on a terminal. TRAX_BASE_URL is the sandbox's address, unless `settings` say
    otherwise.
    """

    arguments: tuple[str, ...] = ("install", "cursor")
    chosen: str = ""
    typed: str | None = SANDBOX_KEY
    settings: Mapping[str, str] = field(default_factory=dict)
    set_up_sandbox: Callable[[Sandbox], None] = lambda _sandbox: None
    set_up_home: Callable[[Home, str], None] = lambda _home, _address: None


def with_folders(home: Home, _address: str) -> None:
    """Let the clients have their folders, as where they are installed."""
    for path in (".cursor", ".codex", ".config/Code/User", ".config/zed", ".gemini"):
        (home.path / path).mkdir(parents=True)


def with_entry(home: Home, address: str) -> None:
    """Configure a client as an earlier run does."""
    home.write_key(SANDBOX_KEY, address)
    home.configure("cursor")


def with_entry_elsewhere(home: Home, _address: str) -> None:
    """Configure a client with a key for another deployment, and another on the sandbox."""
    home.write_key(KEY, "https://trax.example")
    home.configure("cursor")
    home.configure("vscode", "--sandbox")


def with_key_in_cursor(home: Home, _address: str) -> None:
    """Configure a client with a key of its own."""
    home.configure("cursor", TRAX_API_KEY=KEY)


def with_another_trax(home: Home, _address: str) -> None:
    """Configure a client to start another server with this name, with secrets and an address."""
    env = {
        "TRAX_BASE_URL": "https://trax.example",
        "TRAX_ASK": "confirm_alone",
        "TRAX_API_KEY": KEY,
    }
    command = f"env TRAX_API_KEY={SANDBOX_KEY} npx\x1b[2J"
    home.write_entry("cursor", command=command, args=["--token", "hunter2"], env=env, cwd="/x")


def with_comments(home: Home, _address: str) -> None:
    """Write a configuration that cannot be written again as it is."""
    home.write_config(sample_of("vscode"), WITH_COMMENTS)


def with_project(home: Home, _address: str) -> None:
    """Write a configuration with an entry for one project."""
    home.write_config(sample_of("claude-code"))


def with_many_clients(home: Home, address: str) -> None:
    """Configure clients in every way: written, with a backup, pasted, among comments, another."""
    with_entry(home, address)
    home.configure("claude-desktop", TRAX_ASK="form,panel,page")
    (home.path / ".cursor/mcp.json.trax-mcp.bak").write_text("{}", encoding="utf-8")
    home.write_codex({})
    vscode = f'{{ "servers": {{ // mine\n"trax": {{ "command": {json.dumps(COMMAND)} }} }} }}'
    home.write_config(sample_of("vscode"), vscode)
    home.write_config(sample_of("windsurf"), "{")
    elsewhere = {"trax": {"command": "/opt/other/trax"}}
    home.write_config(sample_of("zed"), json.dumps({"context_servers": elsewhere}))


def with_a_key_for_chat(sandbox: Sandbox) -> None:
    """Add a key that may not list studios."""
    sandbox.add_key(BLIND_KEY, scopes={"chat:read"})


INSTALL_STATES: Final[dict[str, InstallState]] = {
    # the way that most go
    "a first install": InstallState(set_up_home=with_folders),
    "the sandbox": InstallState(
        ("install", "cursor", "--sandbox"), typed=None, set_up_home=with_folders
    ),
    "no client named": InstallState(("install",), chosen="1", set_up_home=with_folders),
    "several clients after a wrong number": InstallState(
        ("install",), chosen="6\n1 - 3\n1, 5", set_up_home=with_folders
    ),
    "several clients named": InstallState(
        ("install", "cursor", "vscode"), set_up_home=with_comments
    ),
    "no client on this computer": InstallState(("install",), typed=None),
    "set up already": InstallState(typed="", set_up_home=with_entry),
    # the key
    "a key that is refused": InstallState(
        typed="sk_live_5555\n5555\nsk_live_5555", set_up_home=with_folders
    ),
    "a wrong key and then a good one": InstallState(
        typed=f"sk_live_5555\n{SANDBOX_KEY}", set_up_home=with_folders
    ),
    "a key in the configuration": InstallState(set_up_home=with_key_in_cursor),
    "a key in the configuration and none typed": InstallState(
        typed="", set_up_home=with_key_in_cursor
    ),
    "a key for another address": InstallState(
        typed="", settings=_ELSEWHERE, set_up_home=with_entry_elsewhere
    ),
    "keys for two addresses": InstallState(
        ("install", "cursor", "zed"), set_up_home=with_another_trax
    ),
    "an address that is not reached": InstallState(
        ("install", "zed"), typed=OTHER_KEY, settings=_ELSEWHERE, set_up_home=with_entry_elsewhere
    ),
    # what stands in the configuration
    "another trax": InstallState(settings=_NO_UPSTREAM, set_up_home=with_another_trax),
    "comments": InstallState(
        ("install", "vscode"),
        typed=BLIND_KEY,
        set_up_home=with_comments,
        set_up_sandbox=with_a_key_for_chat,
    ),
    "settings beside a project": InstallState(
        ("install", "claude-code", "--set", "TRAX_READ_ONLY=1", "--set", "TRAX_TOOLS=chat"),
        set_up_home=with_project,
    ),
    # set up by hand, and printed
    "codex": InstallState(("install", "codex"), set_up_home=with_folders),
    "cursor printed": InstallState(("install", "cursor", "--print"), typed=None),
    # the command line
    "an unknown client": InstallState(("install", "curser"), typed=None),
    "half a name": InstallState(("install", "claude"), typed=None),
    "chatgpt": InstallState(("install", "chatgpt"), typed=None),
    "a key as an argument": InstallState(("install", "cursor", KEY), typed=None),
    # removal
    "uninstall one": InstallState(("uninstall", "cursor"), typed=None, set_up_home=with_entry),
    "uninstall one of several": InstallState(
        ("uninstall", "claude-desktop"), typed=None, set_up_home=with_many_clients
    ),
    "uninstall all": InstallState(("uninstall",), typed=None, set_up_home=with_many_clients),
    "uninstall none": InstallState(("uninstall",), typed=None),
    "uninstall what was pasted": InstallState(("uninstall", "jetbrains"), typed=None),
}
"""By name, which is also the name of the snapshot file."""
