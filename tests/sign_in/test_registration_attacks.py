"""Clients that register: unsafe ones are refused, and none gets a secret. Source: RFC 7591.

Each row is one attack, made over HTTP against the whole app on the sandbox.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.support.html_forms import text_of
from tests.world.oauth import CALLBACK
from tests.world.sign_in import registered, signing_in
from tests.world.world import MINE

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

METADATA: Final = (400, "invalid_client_metadata")
REDIRECT: Final = (400, "invalid_redirect_uri")
TOO_LONG: Final = (413, None)
MANY: Final = [f"https://client.example/{n}" for n in range(1000)]
UNKNOWN: Final = "doesn't know the app that sent you here"

REGISTRATIONS: Final[dict[str, tuple[dict[str, object], tuple[int, str | None]]]] = {
    "a script to go back to": ({"redirect_uris": ["javascript:alert(1)"]}, REDIRECT),
    "a good address and a bad one": (
        {"redirect_uris": [CALLBACK, "http://evil.example/callback"]},
        REDIRECT,
    ),
    "no address to go back to": ({"redirect_uris": []}, METADATA),
    "a thousand of them": ({"redirect_uris": MANY}, TOO_LONG),
    "a key of its own": ({"token_endpoint_auth_method": "private_key_jwt"}, METADATA),
    "a password in place of a code": ({"grant_types": ["password"]}, METADATA),
    "a token in place of a code": ({"response_types": ["token"]}, METADATA),
    "a name that is no text": ({"client_name": 7}, METADATA),
}
"""Metadata that clients would like to register, and the answer."""


async def test_nothing_unsafe_is_registered(tmp_path: Path, subtests: pytest.Subtests) -> None:
    """All of it is refused, not a part taken."""
    async with signing_in(tmp_path) as it, it.steps() as steps:
        for attack, (changes, expected) in REGISTRATIONS.items():
            refused = await steps.register(**changes)
            with subtests.test(attack):
                error = refused.json()["error"] if expected[1] else None
                assert (refused.status_code, error) == expected
                assert steps.client_id == ""


async def test_a_client_is_registered_as_a_public_one(tmp_path: Path) -> None:
    """It gets no secret, since nobody would check it, and is told what it was registered with.

    Two that register alike are two. Each is known after a restart.
    """
    ids = set()
    async with signing_in(tmp_path) as it, it.steps() as steps:
        for method in (None, "none", "client_secret_post", "client_secret_basic"):
            answer = await steps.register(token_endpoint_auth_method=method, scope="read openid")
            said = answer.json()
            assert answer.status_code == 201
            assert said["client_id"] == steps.client_id
            assert said["token_endpoint_auth_method"] == "none"
            assert said["grant_types"] == ["authorization_code", "refresh_token"]
            assert said["response_types"] == ["code"]
            assert said["redirect_uris"] == [CALLBACK]
            assert not {"client_secret", "client_secret_expires_at"} & said.keys()
            ids.add(steps.client_id)
    assert len(ids) == 4
    async with signing_in(tmp_path) as again, again.steps() as later:
        for client_id in ids:
            assert (await later.page(client_id=client_id)).status_code == 200


async def test_an_id_that_another_server_has_given_is_of_nobody(tmp_path: Path) -> None:
    """Nor one that somebody has written: it takes the secret of this server."""
    async with registered(tmp_path / "other") as (_, theirs), registered(tmp_path) as (_, ours):
        description, _, mac = ours.client_id.rpartition(".")
        longer = description[:-1] + ("A" if description[-1] != "A" else "B")
        for client_id in (theirs.client_id, description, f"{longer}.{mac}", f"{description}."):
            refused = await ours.authorize(client_id=client_id)
            assert refused.status_code == 400
            assert UNKNOWN in text_of(refused.text)


async def test_where_registration_is_off_registered_clients_sign_nobody_in_anew(
    tmp_path: Path,
) -> None:
    """People who have signed in stay. Nothing is kept of such clients, so none is known."""
    async with registered(tmp_path) as (it, steps):
        url, tokens = it.address, await steps.sign_in(MINE)
    async with (
        signing_in(tmp_path, public_url=url, TRAX_SIGN_IN_REGISTRATION="0") as again,
        again.steps(steps.client_id) as later,
    ):
        refused = await later.authorize()
        assert refused.status_code == 400
        assert UNKNOWN in text_of(refused.text)
        refreshed = (await later.refresh(tokens["refresh_token"])).json()
        assert await again.status_of(refreshed) == 200
