"""`/register`: clients without a metadata document. Source: RFC 7591."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support.oauth_steps import CALLBACK
from tests.support.served_sign_in import signing_in
from trax_mcp.sign_in.attempts import MAX_REGISTRATIONS

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

REFUSED: Final[dict[str, tuple[dict[str, Any], str]]] = {
    "no redirect address": ({"redirect_uris": []}, "invalid_client_metadata"),
    "a page without https": ({"redirect_uris": ["http://a.example/"]}, "invalid_redirect_uri"),
    "a script": ({"redirect_uris": ["javascript:alert(1)"]}, "invalid_redirect_uri"),
    "a fragment": ({"redirect_uris": ["https://a.example/#x"]}, "invalid_redirect_uri"),
    "one bad of two": ({"redirect_uris": [CALLBACK, "data:,x"]}, "invalid_redirect_uri"),
    "another grant": ({"grant_types": ["client_credentials"]}, "invalid_client_metadata"),
    "another response": ({"response_types": ["token"]}, "invalid_client_metadata"),
    "no text": ({"client_name": 7}, "invalid_client_metadata"),
}


@pytest.mark.parametrize("method", [None, "none", "client_secret_post", "client_secret_basic"])
async def test_a_client_is_registered_as_a_public_one(method: str | None, tmp_path: Path) -> None:
    """It gets no secret, and is told what it was registered with."""
    async with signing_in(tmp_path) as front, front.steps() as steps:
        answer = await steps.register(token_endpoint_auth_method=method, scope="read run openid")
        kept = front.store.find_client(steps.client_id)
    said = answer.json()
    assert answer.status_code == 201
    assert said["client_id"] == steps.client_id
    assert said["token_endpoint_auth_method"] == "none"
    assert said["grant_types"] == ["authorization_code", "refresh_token"]
    assert said["response_types"] == ["code"]
    assert said["redirect_uris"] == [CALLBACK]
    assert not {"client_secret", "client_secret_expires_at"} & said.keys()
    assert kept is not None
    assert (kept.name, kept.redirect_uris, kept.host) == ("The tests", (CALLBACK,), None)


@pytest.mark.parametrize("case", REFUSED)
async def test_a_client_that_cannot_be_registered_hears_why(case: str, tmp_path: Path) -> None:
    """And is not kept."""
    changes, error = REFUSED[case]
    async with signing_in(tmp_path) as front, front.steps() as steps:
        answer = await steps.register(**changes)
        assert (answer.status_code, answer.json()["error"]) == (400, error)
        assert steps.client_id == ""


async def test_an_address_registers_only_so_many_clients_at_a_time(tmp_path: Path) -> None:
    """Then it hears when it can go on."""
    async with signing_in(tmp_path) as front, front.steps() as steps:
        statuses = [(await steps.register()).status_code for _ in range(MAX_REGISTRATIONS)]
        answer = await steps.register()
        front.clock.advance(float(answer.headers["retry-after"]))
        later = await steps.register()
    assert statuses == [201] * MAX_REGISTRATIONS
    assert answer.status_code == 429
    assert answer.json()["error"] == "temporarily_unavailable"
    assert later.status_code == 201
