"""Attacks with clients that register: unsafe ones, and floods of them.

Each row is one attack, made over HTTP against the whole app on the sandbox.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.support.oauth_steps import CALLBACK, answer_of
from tests.support.served_sign_in import registered, signing_in
from trax_mcp.sandbox import SANDBOX_KEY

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

AUTH_METHOD: Final = "token_endpoint_auth_method"

REGISTRATIONS: Final[dict[str, dict[str, object]]] = {
    "a script to go back to": {"redirect_uris": ["javascript:alert(1)"]},
    "data to go back to": {"redirect_uris": ["data:text/html,hello"]},
    "a file to go back to": {"redirect_uris": ["file:///etc/passwd"]},
    "an open address to go back to": {"redirect_uris": ["http://evil.example/callback"]},
    "a fragment to go back to": {"redirect_uris": ["https://client.example/#code"]},
    "a user name to go back to": {"redirect_uris": ["https://a@client.example/callback"]},
    "any address to go back to": {"redirect_uris": ["https://*.example/callback"]},
    "a code of its own to go back with": {
        "redirect_uris": ["https://client.example/callback?code=mine"]
    },
    "a good address and a bad one": {"redirect_uris": [CALLBACK, "javascript:alert(1)"]},
    "no address to go back to": {"redirect_uris": []},
    "a thousand of them": {"redirect_uris": [f"https://client.example/{n}" for n in range(1000)]},
    "a key of its own": {"token_endpoint_auth_method": "private_key_jwt"},
    "a password in place of a code": {"grant_types": ["password"]},
    "a token in place of a code": {"response_types": ["token"]},
}
"""What clients would like to register."""


@pytest.mark.parametrize("attack", REGISTRATIONS)
async def test_nothing_unsafe_is_registered(attack: str, tmp_path: Path) -> None:
    """All of it is refused, not a part taken."""
    async with signing_in(tmp_path) as hosted, hosted.steps() as steps:
        refused = await steps.register(**REGISTRATIONS[attack])
        assert refused.status_code in {400, 413}
        assert steps.client_id == ""


async def test_a_registered_client_is_given_no_secret(tmp_path: Path) -> None:
    """Whatever it asks for: nobody would check it."""
    async with signing_in(tmp_path) as hosted, hosted.steps() as steps:
        answer = await steps.register(**{AUTH_METHOD: "client_secret_basic"})
    assert answer.json()["token_endpoint_auth_method"] == "none"
    assert not answer.json().get("client_secret")


async def test_nobody_registers_where_the_operator_has_not_allowed_it(tmp_path: Path) -> None:
    """And nothing says that they could."""
    off = {"TRAX_SIGN_IN_REGISTRATION": "0"}
    async with signing_in(tmp_path, settings=off) as hosted, hosted.steps() as steps:
        assert (await steps.register()).status_code == 404
        metadata = (await steps.http.get("/.well-known/oauth-authorization-server")).json()
        assert "registration_endpoint" not in metadata


async def test_a_flood_of_clients_ends_nobodys_sign_in(tmp_path: Path) -> None:
    """Ten from one address; from many addresses, the oldest unused one leaves a full table."""
    proxied = {"TRAX_TRUSTED_PROXIES": "127.0.0.1"}
    async with registered(tmp_path, proxied) as (hosted, steps), hosted.steps() as flood:
        tokens = await steps.sign_in(SANDBOX_KEY)
        statuses = [(await flood.register()).status_code for _ in range(10)]
        # The first client has registered from the same address.
        assert statuses == [201] * 9 + [429]
        for number in range(1_000):
            if number % 100 == 0:
                hosted.clock.advance(601)
            flood.http.headers["X-Forwarded-For"] = f"203.0.{number // 250}.{number % 250}"
            assert (await flood.register()).status_code == 201
        assert await hosted.status_of(tokens["access_token"]) == 200
        assert "code" in answer_of(
            await steps.press(
                await steps.type_key(await steps.page(), SANDBOX_KEY), path="/sign-in/connect"
            )
        )
