"""The states that `trax-mcp doctor` can find. `tests/cli/doctor_states` shows what it says."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from tests.support.document_edits import MEDIA, SCHEMAS, cut, put
from tests.support.home_folder import KEY, ODD_KEY, sample_of
from tests.support.product.faults import Fault, Request, RequestHandler, Response, encode_json
from tests.support.product.local_servers import Held
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.product.sandbox_accounts import MODERATOR_KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.support.document_edits import Edit
    from tests.support.home_folder import Home
    from tests.support.product.sandbox import Sandbox

_SIGN_IN: Final = {"TRAX_SIGN_IN": "1", "TRAX_PUBLIC_URL": "https://trax.example.com"}
_PAGE: Final = "<!doctype html><title>Welcome</title>"


@dataclass(frozen=True)
class DoctorState:
    """The settings, the sandbox's faults, the home folder and the arguments.

    `set_up_sandbox` may return a function that ends the fault; `set_up_home` gets the sandbox's
    address. In `settings`, HOME stands for the home folder and NOBODY for a closed port.
    """

    settings: Mapping[str, str] = field(default_factory=dict)
    set_up_sandbox: Callable[[Sandbox], Callable[[], None] | None] = lambda _sandbox: None
    set_up_home: Callable[[Home, str], None] = lambda _home, _address: None
    arguments: tuple[str, ...] = ()


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


def with_health_for_a_key(sandbox: Sandbox) -> None:
    """Tell the health only to a key, in words of its own."""

    async def respond(request: Request, handle: RequestHandler) -> Response:
        if request.secret is None:
            return Response(401, encode_json({"message": "Sign in first."}))
        return await handle(request)

    _add(sandbox, Fault("health for a key", respond), "/v1/health")


def with_little(sandbox: Sandbox) -> None:
    """Fail with the health, and publish no contract."""
    _add(sandbox, Fault.status(500), "/v1/health")
    _add(sandbox, Fault.error(404, "not_found", "No such page."), "/v1/openapi.json")


def with_less_in_other_words(sandbox: Sandbox) -> None:
    """Refuse some reads, without a code that is documented."""
    _add(sandbox, Fault.status(403, {"message": "Missing permission."}), "/v1/media")
    _add(sandbox, Fault.status(401, {"message": "Unauthorized."}), "*/sources")


def with_odd_items(sandbox: Sandbox) -> None:
    """Answer with lists that are otherwise than documented."""

    def change_places(page: dict[str, Any]) -> None:
        first, second, *_ = page["data"]
        del first["id"]
        del second["vertical"]
        second["enabled"] = "on"

    def change_studios(page: dict[str, Any]) -> None:
        for studio in page["data"]:
            studio["lastOpenedAt"] = 1_790_000_000

    _add(sandbox, Fault.patched(change_places), "*/destinations")
    _add(sandbox, Fault.patched(change_studios), "/v1/studios")
    _add(sandbox, Fault.patched(lambda page: page.update(data=[7, {"id": "x"}])), "/v1/media")


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


def with_key_file(home: Home, address: str) -> None:
    """Set up one client as `install` does."""
    home.write_key(SANDBOX_KEY, address)
    home.configure("cursor")


def with_passkey(home: Home, address: str) -> None:
    """Set up one client, and a passkey."""
    with_key_file(home, address)
    passkey = {"credentialId": "x", "publicKey": "y"}
    file = home.key_file.with_name("passkey.json")
    file.write_text(json.dumps(passkey), encoding="utf-8")
    file.chmod(0o600)


def with_key_for_another(home: Home, _address: str) -> None:
    """Set up one client, with a key for another deployment."""
    home.write_key(KEY, "https://trax.example")
    home.configure("cursor")


def with_odd_key_file(home: Home, _address: str) -> None:
    """Write a key file that others can read, with a control character in its name."""
    file = home.path / "key\x1b[2J"
    file.write_text(SANDBOX_KEY, encoding="utf-8")
    file.chmod(0o640)


def with_codex_and_its_key(home: Home, address: str) -> None:
    """Configure Codex, whose file is TOML, by hand, with a file that holds the key alone."""
    home.write_key(SANDBOX_KEY)
    home.key_file.write_text(f"{SANDBOX_KEY}\n", encoding="utf-8")
    home.write_codex({"TRAX_API_KEY_FILE": str(home.key_file), "TRAX_BASE_URL": address})


def with_short_forms(home: Home, address: str) -> None:
    """Set up a client that draws four rows of a form."""
    home.write_key(SANDBOX_KEY, address)
    home.configure("claude-code")


def with_no_forms(home: Home, address: str) -> None:
    """Set up a client that shows no forms, on a computer without a screen."""
    home.write_key(SANDBOX_KEY, address)
    home.configure("gemini-cli")


def with_another_trax(home: Home, _address: str) -> None:
    """Configure a client to start something else."""
    home.write_entry("cursor", command="/gone/trax-mcp", env={"TRAX_API_KEY": KEY})


def with_all_clients(home: Home, address: str) -> None:
    """Configure each client in another way: some of them cannot start, and one cannot be read."""
    home.write_key(SANDBOX_KEY, address)
    home.configure("claude-desktop")
    home.configure("claude-code", TRAX_API_KEY="${KEY}", TRAX_ASK="${ASK}")
    home.configure("cursor", "--sandbox")
    home.configure("vscode", TRAX_API_KEY_FILE="none")
    home.configure("windsurf", TRAX_BASE_URL="https://trax.example")
    elsewhere = {"context_servers": {"trax": {"command": "/gone/trax-mcp"}}}
    home.write_config(sample_of("zed"), json.dumps(elsewhere))
    home.write_config(sample_of("gemini-cli"), '{ "mcpServers": hunter2')
    home.write_codex({"TRAX_ASK": "maybe"})


_FROM_FILES: Final = {"TRAX_BASE_URL": "", "TRAX_API_KEY": ""}

DOCTOR_STATES: Final[dict[str, DoctorState]] = {
    "all is well": DoctorState(_FROM_FILES, set_up_home=with_key_file),
    "the sandbox": DoctorState(_FROM_FILES, arguments=("--sandbox",)),
    "a wrong setting": DoctorState({"TRAX_READONLY": "1"}),
    # the key
    "no key": DoctorState({"TRAX_API_KEY": ""}),
    "a key file that others can read": DoctorState(
        {"TRAX_API_KEY": "", "TRAX_API_KEY_FILE": "HOME/key\x1b[2J"},
        set_up_home=with_odd_key_file,
    ),
    "a key for another deployment": DoctorState(
        {"TRAX_API_KEY": ""}, set_up_home=with_key_for_another
    ),
    "a key that is repeated": DoctorState(
        {"TRAX_API_KEY": ODD_KEY},
        set_up_sandbox=with_fault(
            Fault.error(401, "invalid_key", f"{ODD_KEY} and {KEY} are bad."), "/v1/studios"
        ),
    ),
    "a passkey": DoctorState(_FROM_FILES, set_up_home=with_passkey),
    "a passkey and nobody is asked": DoctorState(
        {"TRAX_ASK": "confirm_alone"}, set_up_home=with_passkey
    ),
    "a key for moderators": DoctorState({"TRAX_API_KEY": MODERATOR_KEY}),
    # TRaX
    "no studio": DoctorState(set_up_sandbox=without_studios),
    "writes are off and the contract breaks": DoctorState(set_up_sandbox=with_trouble),
    "trouble in many places": DoctorState(set_up_sandbox=with_many_faults),
    "trouble as JSON": DoctorState(set_up_sandbox=with_many_faults, arguments=("--json",)),
    # another TRaX than its reference tells of, or something in its place
    "health for a key alone": DoctorState(set_up_sandbox=with_health_for_a_key),
    "no health and no contract": DoctorState(set_up_sandbox=with_little),
    "odd items": DoctorState(set_up_sandbox=with_odd_items),
    "a wrong key in other words": DoctorState(
        set_up_sandbox=with_fault(
            Fault.status(401, {"error": "Invalid token."}), "/v1/health", "/v1/studios"
        )
    ),
    "a wrong key in its file": DoctorState(
        _FROM_FILES,
        set_up_home=with_key_file,
        set_up_sandbox=with_fault(Fault.error(401, "invalid_key", "Bad."), "/v1/studios"),
    ),
    "a key for less in other words": DoctorState(set_up_sandbox=with_less_in_other_words),
    "a page": DoctorState(
        set_up_sandbox=with_fault(Fault.status(200, _PAGE, content_type="text/html"))
    ),
    "a page that refuses": DoctorState(
        set_up_sandbox=with_fault(Fault.status(403, _PAGE, content_type="text/html"))
    ),
    "a redirect": DoctorState(
        set_up_sandbox=with_fault(
            Fault.status(302, headers={"Location": "https://login.example.com/?next=/v1"})
        )
    ),
    "a packed answer": DoctorState(
        set_up_sandbox=with_fault(
            Fault.status(200, b"\x0b\x01", headers={"Content-Encoding": "br"})
        )
    ),
    # the connection
    "nobody there": DoctorState({"TRAX_BASE_URL": "http://127.0.0.1:NOBODY"}),
    "silence": DoctorState({"TRAX_TIMEOUT_SECONDS": "0.2"}, set_up_sandbox=without_answers),
    # a server for many
    "a hosted server": DoctorState({**_SIGN_IN, "TRAX_API_KEY": ""}),
    # clients
    "all clients": DoctorState(_FROM_FILES, set_up_home=with_all_clients),
    "a client in TOML": DoctorState(set_up_home=with_codex_and_its_key, arguments=("codex",)),
    "a client with short forms": DoctorState(
        set_up_home=with_short_forms, arguments=("claude-code",)
    ),
    "a client without forms": DoctorState(set_up_home=with_no_forms, arguments=("gemini-cli",)),
    "a client that starts another": DoctorState(
        set_up_home=with_another_trax, arguments=("cursor",)
    ),
    "a client that is not here": DoctorState(arguments=("zed",)),
}
"""By name, which is also the name of the snapshot file."""
