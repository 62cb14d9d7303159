"""The settings of signing in: what is accepted, in which spelling, and what stops the start."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.loopback_ports import closed_port
from tests.support.product.commands import Outcome, run_command

if TYPE_CHECKING:
    from pathlib import Path


URL = "https://trax.example.com"
HOSTED = {"TRAX_SIGN_IN": "1", "TRAX_PUBLIC_URL": URL}


def started(settings: dict[str, str]) -> Outcome:
    """The start of `trax-mcp http` with these settings."""
    return run_command("http", "--port", "0", settings=settings)


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


def test_people_can_sign_in_where_the_memory_is_shared(tmp_path: Path) -> None:
    """It is looked for, and nothing else stops the start."""
    url, secret = f"redis://127.0.0.1:{closed_port()}", tmp_path / "secret"
    secret.write_text("0" * 64, encoding="utf-8")
    secret.chmod(0o600)
    done = started({**HOSTED, "TRAX_STORE_URL": url, "TRAX_STORE_SECRET_FILE": str(secret)})
    assert done.err.splitlines()[-1].startswith("trax-mcp: No engine answers at TRAX_STORE_URL.")


NO_HTTPS = "TRAX_PUBLIC_URL must begin with https:// (http only on loopback): keys are typed there."
NO_ORIGIN = (
    "TRAX_PUBLIC_URL must be an address such as https://trax.example.com, without user, path or"
    " query."
)
NO_PROXY = (
    "TRAX_TRUSTED_PROXIES must hold addresses or networks such as 10.0.0.2 or 10.0.0.0/8, not all."
)
BOTH = "TRAX_SIGN_IN and {} are both set: keep one, since both use the header Authorization."
FILES = {"TRAX_SIGN_IN_FILE": "/a/b", "TRAX_SIGN_IN_SECRET_FILE": "/a/b"}
NO_URL = "TRAX_SIGN_IN needs TRAX_PUBLIC_URL or --public-url: where people reach this server."
UNENCRYPTED_URLS = ("http://trax.example.com", "http://10.0.0.1:8765")
NO_ORIGINS = (
    f"{URL}/mcp",
    "trax.example.com",
    f"{URL}?a=b",
    "https://me@trax.example.com",
    "https://b\u00fccher.example",
    "https://[::1",
    "*",
)
NO_PROXIES = ("*", "0.0.0.0/0", "::/0", "proxy.example", "10.0.0.1/8")
"""Who may say where a request comes from gets around every limit per address."""


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        *(({**HOSTED, "TRAX_PUBLIC_URL": it}, NO_HTTPS) for it in UNENCRYPTED_URLS),
        *(({**HOSTED, "TRAX_PUBLIC_URL": it}, NO_ORIGIN) for it in NO_ORIGINS),
        *(({"TRAX_TRUSTED_PROXIES": it}, NO_PROXY) for it in NO_PROXIES),
        ({"TRAX_SIGN_IN": "1"}, NO_URL),
        ({**HOSTED, "TRAX_MCP_TOKEN": "mine"}, BOTH.format("TRAX_MCP_TOKEN")),
        ({**HOSTED, "TRAX_MCP_TOKEN_FILE": "/a"}, BOTH.format("TRAX_MCP_TOKEN_FILE")),
        (HOSTED | FILES, f"{' and '.join(FILES)} must be two files."),
        ({"TRAX_SIGN_IN": "maybe"}, "TRAX_SIGN_IN must be 1 or 0."),
    ],
)
def test_settings_that_do_not_go_with_signing_in_stop_the_start(
    settings: dict[str, str], sentence: str
) -> None:
    """With one sentence that names them, and repeats no value."""
    assert started(settings) == Outcome(1, "", f"trax-mcp: {sentence}\n")
