"""`trax-mcp http` says at its start what it does not use, and what is at risk."""

from __future__ import annotations

import signal
from typing import Final

import pytest

from tests.support.home_folder import KEY
from tests.support.server_process import running
from trax_mcp.cli.setting_checks import http_warnings
from trax_mcp.settings import read_settings

LOOPBACK: Final = "127.0.0.1"
EVERYWHERE: Final = "0.0.0.0"  # noqa: S104  the address that is warned about
NO_KEY: Final = "{} is not used: over HTTP each caller sends their own key as X-API-Key."
NO_HTTPS: Final = (
    "0.0.0.0 can be reached from other computers, and keys travel in clear text. Put a proxy with"
    " https in front."
)
NO_TOKEN: Final = (
    "Anybody who reaches it can try keys of their own here: TRAX_MCP_TOKEN prevents that."
)
NO_NAME: Final = "Callers must name it as localhost until TRAX_ALLOWED_HOSTS has its own name."
ONE_PROXY: Final = (
    "All people count as one for the limits of signing in, until TRAX_TRUSTED_PROXIES names the"
    " proxy in front."
)
NO_SIGN_IN: Final = "{} is not used: only TRAX_SIGN_IN needs it."
HOSTED: Final = {"TRAX_SIGN_IN": "1", "TRAX_PUBLIC_URL": "https://trax.example.com"}
NAMED: Final = {"TRAX_ALLOWED_HOSTS": "mcp.example.com", "TRAX_MCP_TOKEN": "x"}


@pytest.mark.parametrize(
    ("host", "settings", "expected"),
    [
        (LOOPBACK, {}, []),
        ("localhost", {}, []),
        ("::1", {}, []),
        (LOOPBACK, {"TRAX_API_KEY": KEY}, [NO_KEY.format("TRAX_API_KEY")]),
        (LOOPBACK, {"TRAX_API_KEY_FILE": "/key"}, [NO_KEY.format("TRAX_API_KEY_FILE")]),
        (
            LOOPBACK,
            {"TRAX_MEDIA_DIRS": "/"},
            ["TRAX_MEDIA_DIRS is not used: over HTTP no caller reads files of this computer."],
        ),
        (EVERYWHERE, {}, [NO_HTTPS, NO_TOKEN, NO_NAME]),
        (EVERYWHERE, NAMED, [NO_HTTPS]),
        (EVERYWHERE, {"TRAX_SANDBOX": "1"}, []),
        (LOOPBACK, HOSTED, [ONE_PROXY]),
        (EVERYWHERE, HOSTED, [ONE_PROXY, NO_HTTPS]),
        (EVERYWHERE, {**HOSTED, "TRAX_TRUSTED_PROXIES": "10.0.0.2"}, [NO_HTTPS]),
        (LOOPBACK, {**HOSTED, "TRAX_PUBLIC_URL": "http://localhost:8765"}, []),
        (
            LOOPBACK,
            {"TRAX_PUBLIC_URL": "https://trax.example.com"},
            [NO_SIGN_IN.format("TRAX_PUBLIC_URL")],
        ),
        *(
            (LOOPBACK, {name: value}, [NO_SIGN_IN.format(name)])
            for name, value in {
                "TRAX_SIGN_IN_FILE": "/file",
                "TRAX_SIGN_IN_SECRET_FILE": "/secret",
                "TRAX_SIGN_IN_REGISTRATION": "1",
                "TRAX_TRUSTED_PROXIES": "::1",
            }.items()
        ),
    ],
)
def test_unused_settings_and_risks_are_named(
    host: str, settings: dict[str, str], expected: list[str]
) -> None:
    """On loopback nothing is at risk, and on the sandbox nothing is real."""
    assert list(http_warnings(read_settings(settings), host=host)) == expected


@pytest.mark.slow
async def test_http_prints_its_warnings_before_it_listens() -> None:
    """On stderr; the key is not among them."""
    arguments = ("http", "--host", EVERYWHERE, "--port", "0")
    async with running(*arguments, settings={"TRAX_API_KEY": KEY}) as server:
        await server.address()
        await server.stop(signal.SIGTERM)
        before = server.stderr.text.partition("trax-mcp is listening")[0]
    warnings = (NO_KEY.format("TRAX_API_KEY"), NO_HTTPS, NO_TOKEN, NO_NAME)
    assert before == "".join(f"trax-mcp: {it}\n" for it in warnings)
    assert KEY not in server.stderr.text + server.stdout.text
