"""`trax-mcp http` says at its start what it does not use, and what is at risk."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.home_folder import KEY
from tests.support.product.commands import run_command
from tests.support.product.software_passkey import SoftwarePasskey

if TYPE_CHECKING:
    from pathlib import Path

LOOPBACK: Final = "127.0.0.1"
EVERYWHERE: Final = "0.0.0.0"  # noqa: S104  the address that is warned about
NO_KEY: Final = "{} is not used: over HTTP each caller sends their own key as X-API-Key."
NO_HTTPS: Final = (
    "Other computers can reach 0.0.0.0, and keys travel unencrypted.",
    "Put an HTTPS proxy in front: docs/http.md has two.",
)
NO_TOKEN: Final = "Anyone who can reach this port can try keys. TRAX_MCP_TOKEN stops that."
NO_NAME: Final = 'Only "localhost" works as its name until you set TRAX_ALLOWED_HOSTS.'
ONE_PROXY: Final = (
    "All people count as one for the limits of signing in, until TRAX_TRUSTED_PROXIES names the"
    " proxy in front."
)
NO_SIGN_IN: Final = "{} is not used: only TRAX_SIGN_IN needs it."
TOLD: Final = "For claude.ai and others its address is https://trax.example.com/mcp"
HOSTED: Final = {"TRAX_SIGN_IN": "1", "TRAX_PUBLIC_URL": "https://trax.example.com"}
UNUSED: Final = {
    "TRAX_PUBLIC_URL": "https://trax.example.com",
    "TRAX_SIGN_IN_FILE": "/file",
    "TRAX_SIGN_IN_SECRET_FILE": "/secret",
    "TRAX_SIGN_IN_REGISTRATION": "0",
    "TRAX_CLIENT_DOCUMENT_HOSTS": "client.example.com/oauth",
    "TRAX_TRUSTED_PROXIES": "::1",
}


@pytest.mark.parametrize(
    ("host", "settings", "expected"),
    [
        (LOOPBACK, {}, []),
        ("localhost", {}, []),
        (LOOPBACK, {"TRAX_API_KEY": KEY}, [NO_KEY.format("TRAX_API_KEY")]),
        (LOOPBACK, {"TRAX_API_KEY_FILE": "/key"}, [NO_KEY.format("TRAX_API_KEY_FILE")]),
        (
            LOOPBACK,
            {"TRAX_MEDIA_DIRS": "/"},
            ["TRAX_MEDIA_DIRS is not used: over HTTP no caller reads files of this computer."],
        ),
        (EVERYWHERE, {}, [*NO_HTTPS, NO_TOKEN, NO_NAME]),
        (
            EVERYWHERE,
            {"TRAX_ALLOWED_HOSTS": "mcp.example.com", "TRAX_MCP_TOKEN": "x"},
            [*NO_HTTPS],
        ),
        (EVERYWHERE, {"TRAX_SANDBOX": "1"}, []),
        (LOOPBACK, HOSTED, [ONE_PROXY, TOLD]),
        (EVERYWHERE, {**HOSTED, "TRAX_TRUSTED_PROXIES": "10.0.0.2"}, [*NO_HTTPS, TOLD]),
        (LOOPBACK, UNUSED, [NO_SIGN_IN.format(it) for it in UNUSED]),
    ],
)
def test_unused_settings_and_risks_are_named(
    host: str, settings: dict[str, str], expected: list[str], tmp_path: Path
) -> None:
    """On loopback nothing is at risk, and on the sandbox nothing is real."""
    settings = {"HOME": str(tmp_path), **settings}
    done = run_command("http", "--host", host, "--port", "0", settings=settings)
    *said, listening = done.err.splitlines()
    assert listening.startswith("trax-mcp is listening on http://")
    assert said == [f"trax-mcp: {it}" for it in expected]


def test_a_person_at_a_terminal_reads_how_to_try_it_and_how_to_stop_it(tmp_path: Path) -> None:
    """A log has neither line."""
    settings = {"HOME": str(tmp_path)}
    done = run_command("http", "--sandbox", "--port", "0", settings=settings, terminal=True)
    listening, *said = done.out.splitlines()
    address = listening.removeprefix("trax-mcp is listening on ").removesuffix("/mcp")
    assert said == [f"Try it: curl {address}/healthz", "Ctrl-C stops it."]


def test_a_passkey_that_refuses_every_caller_is_named_at_the_start(tmp_path: Path) -> None:
    """No page of the operator's computer asks the callers."""
    file = tmp_path / "passkey.json"
    file.write_text(json.dumps(SoftwarePasskey().file_content), encoding="utf-8")
    settings = {"HOME": str(tmp_path), "TRAX_PASSKEY_FILE": str(file)}
    said, _ = run_command("http", "--port", "0", settings=settings).err.splitlines()
    assert said.startswith("trax-mcp: A passkey is enrolled (")
    assert "so over HTTP every act that needs approval is refused, except going offline." in said
