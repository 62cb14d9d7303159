"""What clients send that is spelt in another way, or is no form: what is taken, and what not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.support.jsonrpc import opening, request
from tests.support.served_sign_in import signing_in
from trax_mcp.sandbox import SANDBOX_KEY

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

PART: Final = '--x\r\nContent-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'
RESOURCES: Final = {
    "none": None,
    "empty": "",
    "as the metadata has it": "{RESOURCE}",
    "with a slash": "{RESOURCE}/",
}


@pytest.mark.parametrize("spelling", RESOURCES)
async def test_each_spelling_of_the_resource_gets_tokens(spelling: str, tmp_path: Path) -> None:
    """At all three steps. Some clients add the slash."""
    async with signing_in(tmp_path) as front, front.steps() as steps:
        named = RESOURCES[spelling]
        resource = named and named.replace("{RESOURCE}", steps.resource)
        await steps.register()
        code = await steps.code(SANDBOX_KEY, resource=resource)
        tokens = await steps.redeem(code, resource=resource)
        assert tokens.status_code == 200
        refreshed = await steps.refresh(tokens.json()["refresh_token"], resource=resource)
        assert refreshed.status_code == 200


async def test_the_endpoint_with_a_slash_is_the_endpoint(era: str, tmp_path: Path) -> None:
    """A redirect would lead to http behind a proxy, with the token of some clients."""
    async with signing_in(tmp_path) as front, front.steps() as steps:
        await steps.register()
        token = (await steps.sign_in(SANDBOX_KEY))["access_token"]
        caller = front.caller(era, authorization=f"Bearer {token}")
        message = next(iter(opening(era)), request(era, "tools/list"))
        answer = await caller.http.post("/mcp/", json=message, headers=caller.all_headers(message))
        assert answer.status_code == 200
        refused = await caller.http.post("/mcp/", json=message)
        assert refused.status_code == 401


@pytest.mark.parametrize("path", ["/token/", "/revoke/", "/authorize/", "/sign-in/"])
async def test_no_address_of_signing_in_with_a_slash_leads_elsewhere(
    path: str, tmp_path: Path
) -> None:
    """Behind a proxy, a redirect would take a code or a key to http."""
    async with signing_in(tmp_path) as front:
        assert (await front.http.post(path)).status_code == 404
        assert (await front.http.get(path)).status_code == 404


@pytest.mark.parametrize("path", ["/token", "/revoke"])
async def test_a_body_that_is_no_plain_form_is_refused(path: str, tmp_path: Path) -> None:
    """One of parts may name an encoding, and so make text that cannot be encoded again."""
    async with signing_in(tmp_path) as front, front.steps() as steps:
        await steps.register()
        given = {
            "grant_type": "authorization_code",
            "client_id": steps.client_id,
            "code": r"\ud800",
            "token": r"\ud800",
            "code_verifier": steps.verifier,
        }
        body = "".join(PART.format(*it) for it in given.items()) + "--x--\r\n"
        kind = "multipart/form-data; boundary=x; charset=raw_unicode_escape"
        answer = await steps.http.post(path, content=body, headers={"Content-Type": kind})
        assert answer.status_code == 400
        assert answer.json()["error"] == "invalid_request"
