"""Every state that `trax-mcp doctor` can find, and what it says: `python -m tests.doctor_states`.

That writes what is said into `doctor_states/`, one file a state; a test compares. A state is a
sandbox with trouble, a home folder, and settings. Nothing here knows how a state is found out.
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
from tests.edits import MEDIA, SCHEMAS, STUDIO, cut, put
from tests.homes import COMMAND, KEY, OTHER_KEY, Home, sample_of
from tests.ports import Held, upstream
from tests.processes import PATIENCE_SECONDS, running
from tests.wire import closed_port
from trax_mcp.sandbox import MODERATOR_KEY, REVOKED_KEY, SANDBOX_KEY, Fault
from trax_mcp.sandbox.keys import ACCOUNT, SCOPES
from trax_mcp.sandbox.records import Key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.edits import Edit
    from trax_mcp.sandbox import Sandbox

SNAPSHOTS: Final = ROOT / "tests/doctor_states"
PLAIN: Final = {
    "COLUMNS": "80",
    "FORCE_COLOR": "",
    "PYTHONUTF8": "1",
    # Nothing gets out of this machine, even if the address of a real TRaX is taken.
    "HTTPS_PROXY": "http://127.0.0.1:9",
}
ODD_KEY: Final = "eyJhbGciOiJSUzI1NiJ9.e30.c2lnbmF0dXJl"
SECRETS: Final = (KEY, OTHER_KEY, ODD_KEY, SANDBOX_KEY, MODERATOR_KEY, REVOKED_KEY, "hunter2")
"""What nobody may be shown: all keys, and what stands in other people's configurations."""
_PORT: Final = re.compile(r"(?<=//127\.0\.0\.1):\d+")
_PAGE: Final = "<!doctype html><title>Welcome</title>"


@dataclass(frozen=True)
class DoctorState:
    """A state: what is wrong with TRaX, what stands in the home folder, and what is set.

    `trouble` may return what ends it; `home` is told where TRaX is. In `settings`, HOME stands for
    the home folder and NOBODY for a port at which nobody listens. `code` is how it must end,
    `asked` whether TRaX is to get any request.
    """

    code: int
    settings: Mapping[str, str] = field(default_factory=dict)
    trouble: Callable[[Sandbox], Callable[[], None] | None] = lambda _sandbox: None
    home: Callable[[Home, str], None] = lambda _home, _address: None
    arguments: tuple[str, ...] = ()
    asked: bool = True


class Seen(NamedTuple):
    """How the command ended, and what it said, with a stand-in for every port."""

    code: int
    text: str

    @property
    def snapshot(self) -> str:
        """As it is kept."""
        return f"{self.text}exit code {self.code}\n"


def failing(fault: Fault, *paths: str) -> Callable[[Sandbox], None]:
    """A TRaX that has this fault, from now on, wherever a path fits."""
    return lambda sandbox: _add(sandbox, fault, *paths)


def silent(*paths: str) -> Callable[[Sandbox], Callable[[], None]]:
    """A TRaX that does not answer there, until nobody waits any more."""

    def trouble(sandbox: Sandbox) -> Callable[[], None]:
        held = Held()
        _add(sandbox, held.fault, *paths)
        return held.release

    return trouble


def many_troubles(sandbox: Sandbox) -> None:
    """A TRaX that fails in another way at each call."""
    _add(sandbox, Fault.error(500, "internal"), "/v1/health")
    _add(sandbox, Fault.status(302, headers={"Location": "https://a.b"}), "/v1/media")
    _add(sandbox, Fault.dropped(), "*/stream-status")
    _add(sandbox, Fault.error(429, "rate_limited", Retry_After="30"), "*/sources")
    _add(sandbox, Fault.error(404, "not_found"), "*/destinations")
    _add(sandbox, Fault.status(200, {"data": [{}]}), "*/messages")
    _add(sandbox, Fault.status(502), "/v1/connections")


def _add(sandbox: Sandbox, fault: Fault, *paths: str) -> None:
    for path in paths or ("*",):
        sandbox.faults.add(fault, times=None, path=path)


def serving(*edits: Edit) -> Callable[[Sandbox], None]:
    """A TRaX whose contract has these edits."""

    def edit(document: dict[str, Any]) -> None:
        for change in edits:
            change(document)

    return failing(Fault.patched(edit), "/v1/openapi.json")


def knowing(key: str, scopes: frozenset[str]) -> Callable[[Sandbox], None]:
    """A TRaX that knows one more key."""

    def trouble(sandbox: Sandbox) -> None:
        sandbox.world.keys[key] = Key(key, "odd", ACCOUNT, scopes)

    return trouble


def writes_off(sandbox: Sandbox) -> None:
    """A TRaX that takes no changes."""
    sandbox.write_enabled = False


def without_studios(sandbox: Sandbox) -> None:
    """An account that has just been made."""
    sandbox.world.studios.clear()


def starting(home: Home, client: str, *arguments: str, **env: str) -> None:
    """A client that starts this installation, with these settings."""
    sample = sample_of(client)
    entry = {"command": COMMAND, "args": list(arguments), "env": env}
    home.has(sample, json.dumps({sample.servers: {"trax": entry}}))


def started(home: Home, _address: str) -> None:
    """One client, as it should be."""
    starting(home, "cursor", TRAX_API_KEY=KEY)


def with_key_file(content: str, *, mode: int = 0o600) -> Callable[[Home, str], None]:
    """A home with a key file."""

    def arrange(home: Home, _address: str) -> None:
        home.key_file.parent.mkdir(parents=True)
        home.key_file.write_text(content)
        home.key_file.chmod(mode)

    return arrange


def many_clients(home: Home, _address: str) -> None:
    """All ways in which a client can stand to us, but for those in the next one."""
    elsewhere = {"mcpServers": {"trax": {"command": "/gone/trax-mcp"}}}
    home.has(sample_of("claude-desktop"), json.dumps(elsewhere))
    starting(home, "claude-code", TRAX_API_KEY=KEY)
    home.has(sample_of("cursor"), '{ "mcpServers": hunter2')
    home.has(sample_of("vscode"))


def many_starts(home: Home, _address: str) -> None:
    """All ways in which a client can start us that are not right, and one that cannot be told."""
    starting(home, "claude-desktop", TRAX_CONFIRM="maybe", TRAX_API_KEY=KEY)
    starting(home, "claude-code", TRAX_API_KEY="${TRAX_KEY}", TRAX_CONFIRM="${MODE}")
    starting(home, "cursor", "--sandbox")
    starting(home, "vscode", TRAX_READ_ONLY="1")


def own_projects(home: Home, _address: str) -> None:
    """A client that starts something else in one project, and this installation in another."""
    entries = {"~/show\x1b[2J": "/gone/trax-mcp", "~/other": COMMAND}
    projects = {
        it.replace("~", str(home.path)): {"mcpServers": {"trax": {"command": command}}}
        for it, command in entries.items()
    }
    servers = {"trax": {"command": COMMAND, "env": {"TRAX_API_KEY": KEY}}}
    odd: dict[str, object] = {"/a": None, "/b": {"mcpServers": None}, "/c": {"mcpServers": {}}}
    told = {"mcpServers": servers, "projects": projects | odd}
    home.has(sample_of("claude-code"), json.dumps(told))


def hardly_started(home: Home, _address: str) -> None:
    """Clients that stop what they start, or do not start it, or have nothing where it would be."""
    with_key_file(f"{KEY}\n")(home, _address)
    starting(home, "claude-desktop", TRAX_API_KEY_FILE=str(home.key_file))
    starting(home, "claude-code", TRAX_API_KEY_FILE=str(home.key_file), TRAX_API_KEY="")
    off = {"mcpServers": {"trax": {"command": COMMAND, "disabled": True}}}
    home.has(sample_of("cursor"), json.dumps(off))
    home.has(sample_of("vscode"), '{"servers": null}')


def told_by_a_client(home: Home, address: str) -> None:
    """As `install` leaves it: the key is in a file, and only a client knows where, and for whom."""
    with_key_file(f"{SANDBOX_KEY}\n")(home, address)
    starting(home, "claude-code", "--sandbox")
    starting(home, "cursor", TRAX_API_KEY_FILE=str(home.key_file), TRAX_BASE_URL=address)


DOCTOR_STATES: Final[dict[str, DoctorState]] = {
    "all is well": DoctorState(0, home=started),
    "the sandbox": DoctorState(
        0, {"TRAX_BASE_URL": "", "TRAX_API_KEY": ""}, arguments=("--sandbox",), asked=False
    ),
    # settings
    "a wrong setting": DoctorState(1, {"TRAX_CONFIRM": "maybe"}, asked=False),
    "a setting that is not one": DoctorState(1, {"TRAX_READONLY": "1"}, asked=False),
    "a tool that is not one": DoctorState(1, {"TRAX_GUARD_ALSO": "dance"}, asked=False),
    "two keys": DoctorState(1, {"TRAX_API_KEY_FILE": "HOME/key"}, asked=False),
    "told by a client": DoctorState(
        0, {"TRAX_BASE_URL": "", "TRAX_API_KEY": ""}, home=told_by_a_client
    ),
    # the key
    "no key": DoctorState(1, {"TRAX_API_KEY": ""}),
    "a key in a file": DoctorState(
        0,
        {"TRAX_API_KEY": "", "TRAX_API_KEY_FILE": "HOME/.config/trax-mcp/key"},
        home=with_key_file(f"{SANDBOX_KEY}\n"),
    ),
    "a key file that others can read": DoctorState(
        0,
        {"TRAX_API_KEY": "", "TRAX_API_KEY_FILE": "HOME/.config/trax-mcp/key"},
        home=with_key_file(f"{SANDBOX_KEY}\n", mode=0o640),
    ),
    "a key file that is gone": DoctorState(
        1, {"TRAX_API_KEY": "", "TRAX_API_KEY_FILE": "HOME/key"}
    ),
    "a key file that holds something else": DoctorState(
        1,
        {"TRAX_API_KEY": "", "TRAX_API_KEY_FILE": "HOME/.config/trax-mcp/key"},
        home=with_key_file(f"{KEY} {OTHER_KEY}"),
    ),
    "a key of another shape": DoctorState(
        0, {"TRAX_API_KEY": ODD_KEY}, trouble=knowing(ODD_KEY, SCOPES)
    ),
    "a key that is not known": DoctorState(1, {"TRAX_API_KEY": KEY}),
    "a key that is revoked": DoctorState(1, {"TRAX_API_KEY": REVOKED_KEY}),
    "a key that is repeated": DoctorState(
        1,
        {"TRAX_API_KEY": ODD_KEY},
        trouble=failing(
            Fault.error(401, "invalid_key", f"{ODD_KEY} and {KEY} are bad."),
            *("/v1/studios*", "/v1/media", "/v1/connections"),
        ),
    ),
    "a key for moderators": DoctorState(0, {"TRAX_API_KEY": MODERATOR_KEY}),
    "a key for nothing": DoctorState(
        0, {"TRAX_API_KEY": ODD_KEY}, trouble=knowing(ODD_KEY, frozenset())
    ),
    "no studio": DoctorState(0, trouble=without_studios),
    "a studio that cannot be named": DoctorState(
        0,
        trouble=failing(Fault.patched(lambda it: it["data"][0].update(id=".")), "/v1/studios"),
    ),
    # writes
    "writes are off": DoctorState(1, trouble=writes_off),
    "writes are off and not wanted": DoctorState(0, {"TRAX_READ_ONLY": "1"}, trouble=writes_off),
    "writes are not told": DoctorState(
        0, trouble=failing(Fault.patched(lambda it: it.pop("writeEnabled")), "/v1/health")
    ),
    # the contract
    "a contract with more": DoctorState(
        0, trouble=serving(put("info version", "1.4.0"), put("paths /v1/clips", {"get": {}}))
    ),
    "a contract with one thing more": DoctorState(
        0, trouble=serving(put(f"{STUDIO} thumbnailUrl", {"type": "string"}))
    ),
    "a contract that breaks": DoctorState(
        1,
        trouble=serving(
            cut("paths /v1/connections"),
            put(f"{SCHEMAS} CreateStudioRequest required", ["name", "color"]),
            put(f"{MEDIA} summary", "Lists media."),
        ),
    ),
    "a contract that is a page": DoctorState(
        1,
        trouble=failing(Fault.status(200, _PAGE, content_type="text/html"), "/v1/openapi.json"),
    ),
    # the way there
    "nobody there": DoctorState(1, {"TRAX_BASE_URL": "http://127.0.0.1:NOBODY"}, asked=False),
    "no way there": DoctorState(
        1,
        {"TRAX_BASE_URL": "https://127.0.0.1:NOBODY", "SSL_CERT_FILE": "HOME/gone.pem"},
        asked=False,
    ),
    "somebody else there": DoctorState(
        1, trouble=failing(Fault.status(200, _PAGE, content_type="text/html"))
    ),
    "a service that is not well": DoctorState(
        0, trouble=failing(Fault.patched(lambda it: it.update(status="degraded")), "/v1/health")
    ),
    "silence": DoctorState(1, {"TRAX_TIMEOUT_SECONDS": "1"}, trouble=silent()),
    "silence in one place": DoctorState(
        1, {"TRAX_TIMEOUT_SECONDS": "3"}, trouble=silent("/v1/media")
    ),
    "trouble in many places": DoctorState(1, trouble=many_troubles),
    # clients
    "many clients": DoctorState(1, home=many_clients),
    "many starts": DoctorState(1, home=many_starts),
    "hardly started": DoctorState(0, home=hardly_started),
    "projects of their own": DoctorState(0, home=own_projects),
}
"""Each by its name, which is that of its file too."""


def file_of(name: str) -> Path:
    """Where it is kept what is said in a state."""
    return SNAPSHOTS / f"{name.replace(' ', '-')}.txt"


def kept(name: str) -> str:
    """What is kept of a state."""
    return file_of(name).read_text(encoding="utf-8")


async def see(state: DoctorState, home: Home, *arguments: str) -> tuple[Seen, Sandbox]:
    """Run the command in a state; what it said, and the TRaX that it may have asked."""
    async with upstream() as sandbox:
        end = state.trouble(sandbox)
        state.home(home, sandbox.base_url)
        settings = _settings(state, home, sandbox.base_url)
        said = await said_in(home, settings, *state.arguments, *arguments)
        if end is not None:
            end()
    return said, sandbox


def _settings(state: DoctorState, home: Home, address: str) -> dict[str, str]:
    asked = {"TRAX_BASE_URL": address, "TRAX_API_KEY": SANDBOX_KEY, **state.settings}
    stand_ins = {"HOME": str(home.path), "NOBODY": str(closed_port())}
    for stand_in, it in stand_ins.items():
        asked = {name: value.replace(stand_in, it) for name, value in asked.items()}
    return asked


async def said_in(home: Home, settings: Mapping[str, str], *arguments: str) -> Seen:
    """Run the command here, to its end. It has nothing to say on stderr."""
    variables = {**PLAIN, **home.settings(**settings)}
    async with running("doctor", *arguments, settings=variables) as command:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await command.process.wait()
        code = await command.end()
        assert command.stderr.text == ""
        return Seen(code, _PORT.sub(":PORT", command.stdout.text))


async def main() -> None:
    """Write what is said in each, and remove what was said in those that are gone."""
    SNAPSHOTS.mkdir(exist_ok=True)
    for stale in set(SNAPSHOTS.iterdir()) - {file_of(name) for name in DOCTOR_STATES}:
        stale.unlink()
    for name, state in DOCTOR_STATES.items():
        with tempfile.TemporaryDirectory() as folder:
            seen, _ = await see(state, Home(Path(folder)))
        file_of(name).write_text(seen.snapshot, encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main())
