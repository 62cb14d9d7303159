"""Clients that register: unsafe ones are refused, and none gets a secret. Source: RFC 7591.

Each row is one attack, made over HTTP against the whole app on the sandbox.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.support.oauth_steps import CALLBACK
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.served_sign_in import registered, signing_in

if TYPE_CHECKING:
    from pathlib import Path

METADATA: Final = "invalid_client_metadata"
REDIRECT: Final = "invalid_redirect_uri"

REGISTRATIONS: Final[dict[str, tuple[dict[str, object], str]]] = {
    "a script to go back to": ({"redirect_uris": ["javascript:alert(1)"]}, REDIRECT),
    "a good address and a bad one": (
        {"redirect_uris": [CALLBACK, "http://evil.example/callback"]},
        REDIRECT,
    ),
    "no address to go back to": ({"redirect_uris": []}, METADATA),
    "a thousand of them": (
        {"redirect_uris": [f"https://client.example/{n}" for n in range(1000)]},
        "",
    ),
    "a key of its own": ({"token_endpoint_auth_method": "private_key_jwt"}, METADATA),
    "a password in place of a code": ({"grant_types": ["password"]}, METADATA),
    "a token in place of a code": ({"response_types": ["token"]}, METADATA),
    "a name that is no text": ({"client_name": 7}, METADATA),
}
"""Metadata that clients would like to register, and the error. A very long one is not read."""


@pytest.mark.parametrize("attack", REGISTRATIONS)
async def test_nothing_unsafe_is_registered(attack: str, tmp_path: Path) -> None:
    """All of it is refused, not a part taken."""
    changes, error = REGISTRATIONS[attack]
    async with signing_in(tmp_path) as hosted, hosted.steps() as steps:
        refused = await steps.register(**changes)
        if error:
            assert (refused.status_code, refused.json()["error"]) == (400, error)
        else:
            assert refused.status_code == 413
        assert steps.client_id == ""


@pytest.mark.parametrize("method", [None, "none", "client_secret_post", "client_secret_basic"])
async def test_a_client_is_registered_as_a_public_one(method: str | None, tmp_path: Path) -> None:
    """It gets no secret, since nobody would check it, and is told what it was registered with."""
    async with signing_in(tmp_path) as hosted, hosted.steps() as steps:
        answer = await steps.register(token_endpoint_auth_method=method, scope="read run openid")
        assert (await steps.page()).status_code == 200
    said = answer.json()
    assert answer.status_code == 201
    assert said["client_id"] == steps.client_id
    assert said["token_endpoint_auth_method"] == "none"
    assert said["grant_types"] == ["authorization_code", "refresh_token"]
    assert said["response_types"] == ["code"]
    assert said["redirect_uris"] == [CALLBACK]
    assert not {"client_secret", "client_secret_expires_at"} & said.keys()


async def test_a_registered_client_is_known_after_a_restart(tmp_path: Path) -> None:
    """It registers once, and never again."""
    async with signing_in(tmp_path) as hosted, hosted.steps() as steps:
        await steps.register()
    async with signing_in(tmp_path) as again, again.steps(steps.client_id) as later:
        assert (await later.page()).status_code == 200


async def test_an_id_that_another_server_has_given_is_of_nobody(tmp_path: Path) -> None:
    """Nor one that somebody has written: it takes the secret of this server."""
    (tmp_path / "other").mkdir()
    async with (
        registered(tmp_path / "other") as (_other, theirs),
        registered(tmp_path) as (front, ours),
    ):
        description, _, mac = ours.client_id.rpartition(".")
        longer = description[:-1] + ("A" if description[-1] != "A" else "B")
        for client_id in (theirs.client_id, description, f"{longer}.{mac}", f"{description}."):
            async with front.steps(client_id) as steps:
                refused = await steps.authorize()
                assert refused.status_code == 400
                assert "does not know the client that sent you here" in refused.text


async def test_where_registration_is_off_registered_clients_sign_nobody_in_anew(
    tmp_path: Path,
) -> None:
    """Who has signed in stays. Nothing is kept of such clients, so none is known by heart."""
    async with signing_in(tmp_path) as hosted, hosted.steps() as steps:
        await steps.register()
        url, tokens = hosted.address, await steps.sign_in(SANDBOX_KEY)
    async with (
        signing_in(tmp_path, public_url=url, TRAX_SIGN_IN_REGISTRATION="0") as again,
        again.steps(steps.client_id) as later,
    ):
        refused = await later.authorize()
        assert refused.status_code == 400
        assert "does not know the client that sent you here" in refused.text
        refreshed = (await later.refresh(tokens["refresh_token"])).json()
        assert await again.status_of(refreshed["access_token"]) == 200


async def test_two_clients_that_register_alike_are_two(tmp_path: Path) -> None:
    async with signing_in(tmp_path) as hosted, hosted.steps() as one, hosted.steps() as other:
        await one.register()
        await other.register()
    assert one.client_id != other.client_id
