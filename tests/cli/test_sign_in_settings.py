"""The settings of signing in: what is accepted, in which spelling, and what stops the start."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.loopback_ports import closed_port
from tests.support.product.commands import run_command

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.product.commands import Outcome

URL = "https://trax.example.com"
HOSTED = {"TRAX_SIGN_IN": "1", "TRAX_PUBLIC_URL": URL}


def started(settings: dict[str, str]) -> Outcome:
    """The start of `trax-mcp http` with these settings."""
    return run_command("http", "--port", "0", settings=settings)


def refusal_of(settings: dict[str, str]) -> str:
    """The sentence with which these settings are refused."""
    done = started(settings)
    assert (done.code, done.out) == (1, "")
    return done.err.removeprefix("trax-mcp: ").removesuffix("\n")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (f"{URL}/", URL),
        ("HTTPS://Trax.Example.COM", URL),
        (f"{URL}:443", URL),
        (f"{URL}:8443", f"{URL}:8443"),
        ("http://localhost:8765/", "http://localhost:8765"),
        ("http://127.0.0.1:80", "http://127.0.0.1"),
        ("http://[::1]:8765", "http://[::1]:8765"),
    ],
)
def test_a_public_url_has_one_spelling(given: str, expected: str, tmp_path: Path) -> None:
    """Clients compare it as a string with what they are told. It is told at the start."""
    done = started({**HOSTED, "HOME": str(tmp_path), "TRAX_PUBLIC_URL": given})
    told = f"trax-mcp: For claude.ai and others its address is {expected}/mcp"
    assert done.code == 0
    assert told in done.err.splitlines()


NO_HTTPS = "must begin with https:// (http only on loopback): keys are typed there."
NO_ORIGIN = "must be an address such as https://trax.example.com, without user, path or query."


@pytest.mark.parametrize(
    ("given", "end"),
    [
        ("http://trax.example.com", NO_HTTPS),
        ("http://10.0.0.1:8765", NO_HTTPS),
        (f"{URL}/mcp", NO_ORIGIN),
        ("trax.example.com", NO_ORIGIN),
        (f"{URL}?a=b", NO_ORIGIN),
        ("https://me@trax.example.com", NO_ORIGIN),
        ("https://bücher.example", NO_ORIGIN),
        ("https://[::1", NO_ORIGIN),
        ("*", NO_ORIGIN),
    ],
)
def test_a_public_url_that_is_no_origin_is_refused(given: str, end: str) -> None:
    """Its sentence repeats no value."""
    assert refusal_of({**HOSTED, "TRAX_PUBLIC_URL": given}) == f"TRAX_PUBLIC_URL {end}"


def test_people_can_sign_in_where_the_memory_is_shared() -> None:
    """It is looked for, and nothing else stops the start."""
    url = f"redis://127.0.0.1:{closed_port()}"
    done = started({**HOSTED, "TRAX_STORE_URL": url})
    assert done.err.splitlines()[-1].startswith("trax-mcp: No engine answers at TRAX_STORE_URL.")


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (
            {"TRAX_SIGN_IN": "1"},
            "TRAX_SIGN_IN needs TRAX_PUBLIC_URL or --public-url: where people reach this server.",
        ),
        (
            {**HOSTED, "TRAX_MCP_TOKEN": "mine"},
            (
                "TRAX_SIGN_IN and TRAX_MCP_TOKEN are both set: keep one, since both use the header"
                " Authorization."
            ),
        ),
        (
            {**HOSTED, "TRAX_MCP_TOKEN_FILE": "/a"},
            (
                "TRAX_SIGN_IN and TRAX_MCP_TOKEN_FILE are both set: keep one, since both use the"
                " header Authorization."
            ),
        ),
        (
            {**HOSTED, "TRAX_SIGN_IN_FILE": "/a/b", "TRAX_SIGN_IN_SECRET_FILE": "/a/b"},
            "TRAX_SIGN_IN_FILE and TRAX_SIGN_IN_SECRET_FILE must be two files.",
        ),
        ({"TRAX_SIGN_IN": "maybe"}, "TRAX_SIGN_IN must be 1 or 0."),
    ],
)
def test_settings_that_do_not_go_with_signing_in_stop_the_start(
    settings: dict[str, str], sentence: str
) -> None:
    """With one sentence that names them."""
    assert refusal_of(settings) == sentence


@pytest.mark.parametrize("given", ["*", "0.0.0.0/0", "::/0", "proxy.example", "10.0.0.1/8"])
def test_a_trusted_proxy_is_an_address_or_a_network(given: str) -> None:
    """A peer that may say where a request comes from gets around every limit per address."""
    assert refusal_of({"TRAX_TRUSTED_PROXIES": given}) == (
        "TRAX_TRUSTED_PROXIES must hold addresses or networks such as 10.0.0.2 or 10.0.0.0/8,"
        " not all."
    )
