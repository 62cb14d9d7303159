"""The states that `trax-mcp doctor` can find, and a snapshot of its output in each.

`python -m tests.support.doctor_states` writes the snapshots; a test compares them.
"""

from __future__ import annotations

import asyncio
import json
import re
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tests import ROOT
from tests.support.document_edits import MEDIA, SCHEMAS, cut, put
from tests.support.home_folder import ARGUMENTS, COMMAND, KEY, OTHER_KEY, Home, sample_of
from tests.support.loopback_ports import closed_port
from tests.support.product.faults import Fault
from tests.support.product.local_servers import Held, upstream
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.product.sandbox_accounts import MODERATOR_KEY
from tests.support.written_files import write

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.support.document_edits import Edit
    from tests.support.product.sandbox import Sandbox

SNAPSHOTS: Final = ROOT / "tests/cli/doctor_states"
ODD_KEY: Final = "eyJhbGciOiJSUzI1NiJ9.e30.c2lnbmF0dXJl"
SECRETS: Final = (KEY, OTHER_KEY, ODD_KEY, SANDBOX_KEY, MODERATOR_KEY, "hunter2")
"""All keys, and a password in a client's configuration: never in the output."""
PORT: Final = re.compile(r"(?<=//127\.0\.0\.1):\d+")
_SIGN_IN: Final = {"TRAX_SIGN_IN": "1", "TRAX_PUBLIC_URL": "https://trax.example.com"}
_PAGE: Final = "<!doctype html><title>Welcome</title>"


@dataclass(frozen=True)
class DoctorState:
    """A state: the expected exit code, the settings, the sandbox's faults and the home folder.

    `set_up_sandbox` may return a function that ends the fault; `set_up_home` gets the sandbox's
    address. In `settings`, HOME stands for the home folder and NOBODY for a closed port.
    `sends_requests` is whether TRaX gets any request.
    """

    code: int
    settings: Mapping[str, str] = field(default_factory=dict)
    set_up_sandbox: Callable[[Sandbox], Callable[[], None] | None] = lambda _sandbox: None
    set_up_home: Callable[[Home, str], None] = lambda _home, _address: None
    arguments: tuple[str, ...] = ()
    sends_requests: bool = True


class DoctorResult(NamedTuple):
    """The exit code, and the output with a placeholder for every port."""

    code: int
    text: str

    @property
    def snapshot(self) -> str:
        """The content of a snapshot file."""
        return f"{self.text}exit code {self.code}\n"


def with_fault(fault: Fault, *paths: str) -> Callable[[Sandbox], None]:
    """Add a lasting fault at these paths, or at all paths."""
    return lambda sandbox: _add(sandbox, fault, *paths)


def without_answers(sandbox: Sandbox) -> Callable[[], None]:
    """Hold all answers until the end of the run."""
    held = Held()
    _add(sandbox, held.fault)
    return held.release


def with_many_faults(sandbox: Sandbox) -> None:
    """Add a different fault to each call that no other check needs."""
    _add(sandbox, Fault.status(200, _PAGE, content_type="text/html"), "/v1/openapi.json")
    _add(sandbox, Fault.status(302, headers={"Location": "https://a.b"}), "/v1/media")
    _add(sandbox, Fault.dropped(), "*/stream-status")
    _add(sandbox, Fault.error(429, "rate_limited", Retry_After="30"), "*/sources")
    _add(sandbox, Fault.error(404, "not_found"), "*/destinations")
    _add(sandbox, Fault.status(200, {"data": [{}]}), "*/messages")
    _add(sandbox, Fault.status(502), "/v1/connections")


def _add(sandbox: Sandbox, fault: Fault, *paths: str) -> None:
    for path in paths or ("*",):
        sandbox.faults.add(fault, times=None, path=path)


def with_contract_edits(*edits: Edit) -> Callable[[Sandbox], None]:
    """Serve the contract with these edits."""

    def edit(document: dict[str, Any]) -> None:
        for change in edits:
            change(document)

    return with_fault(Fault.patched(edit), "/v1/openapi.json")


def without_studios(sandbox: Sandbox) -> None:
    """Remove all studios, as in a new account."""
    sandbox.remove_all("studios")


def with_trouble(sandbox: Sandbox) -> None:
    """Disable all writes, and serve a contract that breaks."""
    sandbox.write_enabled = False
    with_contract_edits(
        cut("paths /v1/connections"),
        put(f"{SCHEMAS} CreateStudioRequest required", ["name", "color"]),
        put(f"{MEDIA} summary", "Lists media."),
    )(sandbox)


def configure(home: Home, client: str, *arguments: str, **env: str) -> None:
    """Configure a client to start this installation with these arguments and settings."""
    started = {"command": COMMAND, "args": [*ARGUMENTS, *arguments], "env": env}
    home.write_entry(client, **sample_of(client).fields, **started)


def with_cursor(home: Home, _address: str) -> None:
    """Configure one client with a key of its own."""
    configure(home, "cursor", TRAX_API_KEY=KEY)


def with_key_file(home: Home, address: str) -> None:
    """Set up one client as `install` does."""
    home.write_key(SANDBOX_KEY, address)
    configure(home, "cursor")


def with_key_for_another(home: Home, _address: str) -> None:
    """Set up one client, with a key for another deployment."""
    home.write_key(KEY, "https://trax.example")
    configure(home, "cursor")


def with_odd_key_file(home: Home, _address: str) -> None:
    """Write a key file that others can read, with a control character in its name."""
    file = home.path / "key\x1b[2J"
    file.write_text(SANDBOX_KEY, encoding="utf-8")
    file.chmod(0o640)


def with_codex_and_its_key(home: Home, address: str) -> None:
    """Configure Codex, whose file is TOML, as an earlier version did."""
    home.write_key(SANDBOX_KEY)
    home.key_file.write_text(f"{SANDBOX_KEY}\n", encoding="utf-8")
    write_codex(home, {"TRAX_API_KEY_FILE": str(home.key_file), "TRAX_BASE_URL": address})


def write_codex(home: Home, env: Mapping[str, str]) -> None:
    """Write the configuration of Codex by hand, beside another setting."""
    entry = {"command": COMMAND, "args": ARGUMENTS}
    tables = [
        'model = "gpt-5"  # mine',
        "[mcp_servers.trax]",
        *(f"{name} = {json.dumps(value)}" for name, value in entry.items()),
        "[mcp_servers.trax.env]",
        *(f"{name} = {json.dumps(value)}" for name, value in env.items()),
    ]
    file = home.path / ".codex/config.toml"
    file.parent.mkdir()
    file.write_text("\n".join(tables), encoding="utf-8")


def with_another_trax(home: Home, _address: str) -> None:
    """Configure a client to start something else."""
    home.write_entry("cursor", command="/gone/trax-mcp", env={"TRAX_API_KEY": KEY})


def with_all_clients(home: Home, address: str) -> None:
    """Configure each client in another way: some of them cannot start, and one cannot be read."""
    home.write_key(SANDBOX_KEY, address)
    configure(home, "claude-desktop")
    configure(home, "claude-code", TRAX_API_KEY="${KEY}", TRAX_CONFIRM="${MODE}")
    configure(home, "cursor", "--sandbox")
    configure(home, "vscode", TRAX_API_KEY_FILE="none")
    configure(home, "windsurf", TRAX_BASE_URL="https://trax.example")
    elsewhere = {"context_servers": {"trax": {"command": "/gone/trax-mcp"}}}
    home.write_config(sample_of("zed"), json.dumps(elsewhere))
    home.write_config(sample_of("gemini-cli"), '{ "mcpServers": hunter2')
    write_codex(home, {"TRAX_CONFIRM": "maybe"})


_FROM_FILES: Final = {"TRAX_BASE_URL": "", "TRAX_API_KEY": ""}

DOCTOR_STATES: Final[dict[str, DoctorState]] = {
    "all is well": DoctorState(0, _FROM_FILES, set_up_home=with_key_file),
    "the sandbox": DoctorState(0, _FROM_FILES, arguments=("--sandbox",), sends_requests=False),
    "a wrong setting": DoctorState(1, {"TRAX_READONLY": "1"}, sends_requests=False),
    # the key
    "no key": DoctorState(1, {"TRAX_API_KEY": ""}, sends_requests=False),
    "a key file that others can read": DoctorState(
        0,
        {"TRAX_API_KEY": "", "TRAX_API_KEY_FILE": "HOME/key\x1b[2J"},
        set_up_home=with_odd_key_file,
    ),
    "a key for another deployment": DoctorState(
        1, {"TRAX_API_KEY": ""}, set_up_home=with_key_for_another, sends_requests=False
    ),
    "a key that is repeated": DoctorState(
        1,
        {"TRAX_API_KEY": ODD_KEY},
        set_up_sandbox=with_fault(
            Fault.error(401, "invalid_key", f"{ODD_KEY} and {KEY} are bad."), "/v1/studios"
        ),
    ),
    "a key for moderators": DoctorState(0, {"TRAX_API_KEY": MODERATOR_KEY}),
    # TRaX
    "no studio": DoctorState(0, set_up_sandbox=without_studios),
    "writes are off and the contract breaks": DoctorState(1, set_up_sandbox=with_trouble),
    "trouble in many places": DoctorState(1, set_up_sandbox=with_many_faults),
    # the connection
    "nobody there": DoctorState(
        1, {"TRAX_BASE_URL": "http://127.0.0.1:NOBODY"}, sends_requests=False
    ),
    "silence": DoctorState(1, {"TRAX_TIMEOUT_SECONDS": "1"}, set_up_sandbox=without_answers),
    # a server for many
    "a hosted server": DoctorState(0, {**_SIGN_IN, "TRAX_API_KEY": ""}),
    # clients
    "all clients": DoctorState(1, _FROM_FILES, set_up_home=with_all_clients),
    "a client in TOML": DoctorState(0, set_up_home=with_codex_and_its_key, arguments=("codex",)),
    "a client that starts another": DoctorState(
        1, set_up_home=with_another_trax, arguments=("cursor",), sends_requests=False
    ),
    "a client that is not here": DoctorState(1, arguments=("zed",), sends_requests=False),
}
"""By name, which is also the name of the snapshot file."""


def snapshot_file(name: str) -> Path:
    """The path of a state's snapshot."""
    return SNAPSHOTS / f"{name.replace(' ', '-')}.txt"


def read_snapshot(name: str) -> str:
    """The snapshot of a state."""
    return snapshot_file(name).read_text(encoding="utf-8")


async def run_in_state(
    state: DoctorState, home: Home, *arguments: str
) -> tuple[DoctorResult, Sandbox]:
    """Run the command in a state; returns its result and the sandbox it used.

    No file may change, and stderr must be empty.
    """
    async with upstream() as sandbox:
        end_fault = state.set_up_sandbox(sandbox)
        state.set_up_home(home, sandbox.base_url)
        settings, files = _settings(state, home, sandbox.base_url), home.file_stats()
        done = await home.run_beside("doctor", *state.arguments, *arguments, settings=settings)
        assert (done.err, home.file_stats()) == ("", files)
        if end_fault is not None:
            end_fault()
    return DoctorResult(done.code, PORT.sub(":PORT", done.out)), sandbox


def _settings(state: DoctorState, home: Home, address: str) -> dict[str, str]:
    settings = {"TRAX_BASE_URL": address, "TRAX_API_KEY": SANDBOX_KEY, **state.settings}
    placeholders = {"HOME": str(home.path), "NOBODY": str(closed_port())}
    for placeholder, it in placeholders.items():
        settings = {name: value.replace(placeholder, it) for name, value in settings.items()}
    return settings


async def main() -> None:
    """Write all snapshots, and remove those of states that no longer exist."""
    for stale in set(SNAPSHOTS.iterdir()) - {snapshot_file(name) for name in DOCTOR_STATES}:
        stale.unlink()
    for name, state in DOCTOR_STATES.items():
        with tempfile.TemporaryDirectory() as folder:
            result, _ = await run_in_state(state, Home(Path(folder)))
        write(snapshot_file(name), result.snapshot)


if __name__ == "__main__":
    asyncio.run(main())
