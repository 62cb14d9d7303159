"""The settings of signing in: what is accepted, in which spelling, and what stops the start."""

from __future__ import annotations

from pathlib import Path

import pytest

from trax_mcp.settings import CannotStart, read_settings

URL = "https://trax.example.com"
HOSTED = {"TRAX_SIGN_IN": "1", "TRAX_PUBLIC_URL": URL}


def refusal_of(settings: dict[str, str]) -> str:
    """The sentence with which these settings are refused."""
    with pytest.raises(CannotStart) as caught:
        read_settings(settings)
    return str(caught.value)


def test_the_settings_of_signing_in_are_read() -> None:
    """Each in its field."""
    settings = read_settings(
        {
            **HOSTED,
            "TRAX_SIGN_IN_FILE": "/var/lib/trax/sign-in.sqlite",
            "TRAX_SIGN_IN_SECRET_FILE": "/run/secrets/sign-in",
            "TRAX_SIGN_IN_REGISTRATION": "on",
            "TRAX_TRUSTED_PROXIES": "10.0.0.2, 192.168.0.0/16, fd00::/8",
        }
    )
    assert settings.sign_in
    assert settings.public_url == URL
    assert settings.sign_in_file == Path("/var/lib/trax/sign-in.sqlite")
    assert settings.sign_in_secret_file == Path("/run/secrets/sign-in")
    assert settings.sign_in_registration
    assert settings.trusted_proxies == ("10.0.0.2", "192.168.0.0/16", "fd00::/8")


def test_nobody_can_sign_in_by_default() -> None:
    """No client can register, and no proxy is trusted."""
    settings = read_settings({})
    assert not settings.sign_in
    assert not settings.sign_in_registration
    assert settings.trusted_proxies == ()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (URL, URL),
        (f"{URL}/", URL),
        ("HTTPS://Trax.Example.COM", URL),
        (f"{URL}:443", URL),
        (f"{URL}:8443", f"{URL}:8443"),
        ("http://localhost:8765/", "http://localhost:8765"),
        ("http://127.0.0.1:80", "http://127.0.0.1"),
        ("http://[::1]:8765", "http://[::1]:8765"),
    ],
)
def test_a_public_url_has_one_spelling(given: str, expected: str) -> None:
    """Clients compare it as a string with what they are told."""
    assert read_settings({"TRAX_PUBLIC_URL": given}).public_url == expected


@pytest.mark.parametrize(
    ("given", "end"),
    [
        (
            "http://trax.example.com",
            "must begin with https:// (http only on loopback): keys are typed there.",
        ),
        (
            "http://10.0.0.1:8765",
            "must begin with https:// (http only on loopback): keys are typed there.",
        ),
        *(
            (
                it,
                "must be an address such as https://trax.example.com, without user, path or query.",
            )
            for it in (
                f"{URL}/mcp",
                f"{URL}//",
                "trax.example.com",
                f"{URL}?a=b",
                f"{URL}#a",
                "https://me@trax.example.com",
                "https://trax.example.com:0",
                "ftp://trax.example.com",
                "https://bücher.example",
                "https://",
                "https://[::1",
                "https://[trax.example.com]",
                "*",
            )
        ),
    ],
)
def test_a_public_url_that_is_no_origin_is_refused(given: str, end: str) -> None:
    """Its sentence repeats no value."""
    assert refusal_of({**HOSTED, "TRAX_PUBLIC_URL": given}) == f"TRAX_PUBLIC_URL {end}"


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
            {**HOSTED, "TRAX_STORE_URL": "redis://localhost"},
            "TRAX_SIGN_IN and TRAX_STORE_URL are both set: people sign in at one process alone.",
        ),
        (
            {**HOSTED, "TRAX_SIGN_IN_FILE": "/a/b", "TRAX_SIGN_IN_SECRET_FILE": "/a/b"},
            "TRAX_SIGN_IN_FILE and TRAX_SIGN_IN_SECRET_FILE must be two files.",
        ),
        ({"TRAX_SIGN_IN": "yes"}, "TRAX_SIGN_IN must be 1 or 0."),
    ],
)
def test_settings_that_do_not_go_with_signing_in_stop_the_start(
    settings: dict[str, str], sentence: str
) -> None:
    """With one sentence that names them."""
    assert refusal_of(settings) == sentence


@pytest.mark.parametrize(
    "given", ["*", "0.0.0.0/0", "::/0", "proxy.example", "10.0.0.1/8", "10.0.0.2, x", "/x"]
)
def test_a_trusted_proxy_is_an_address_or_a_network(given: str) -> None:
    """Whoever may say where a request comes from gets around every limit per address."""
    assert refusal_of({"TRAX_TRUSTED_PROXIES": given}) == (
        "TRAX_TRUSTED_PROXIES must hold addresses or networks such as 10.0.0.2 or 10.0.0.0/8,"
        " not all."
    )
