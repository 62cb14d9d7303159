"""Attacks with codes at the token endpoint: only the client that asked gets tokens, and once.

Each row is one attack, made over HTTP against the whole app on the sandbox.
"""

from __future__ import annotations

from asyncio import gather
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support.oauth_steps import CALLBACK, challenge_of
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.served_sign_in import registered

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

Changes = dict[str, str | None]

AT_ONCE: Final = 8
FOURTEEN_DAYS: Final = 14 * 24 * 3600

WITHOUT_TOKENS: Final[dict[str, tuple[Changes, str]]] = {
    "the code of nobody": ({"code": "x" * 43}, "invalid_grant"),
    "no code": ({"code": None}, "invalid_request"),
    "a code of another client": ({"client_id": "another"}, "invalid_grant"),
    "no client": ({"client_id": None}, "invalid_client"),
    "the verifier left out": ({"code_verifier": None}, "invalid_request"),
    "another verifier": ({"code_verifier": "a" * 43}, "invalid_grant"),
    "the challenge as verifier": ({"code_verifier": "{CHALLENGE}"}, "invalid_grant"),
    "another address": ({"redirect_uri": f"{CALLBACK}/"}, "invalid_grant"),
    "another resource": ({"resource": "https://evil.example/mcp"}, "invalid_target"),
    "a password": ({"grant_type": "password"}, "unsupported_grant_type"),
    "no kind of grant": ({"grant_type": None}, "invalid_request"),
    "the other kind of grant": ({"grant_type": "refresh_token"}, "invalid_request"),
}
"""Faults of the request for tokens."""


def error_of(answer: httpx.Response) -> str:
    """The error's name. Each has a description, and is not to be kept."""
    said = answer.json()
    assert said.keys() == {"error", "error_description"}
    assert answer.headers["cache-control"] == "no-store"
    error: str = said["error"]
    return error


@pytest.mark.parametrize("attack", WITHOUT_TOKENS)
async def test_no_tokens_without_all_that_the_code_was_given_for(
    attack: str, tmp_path: Path
) -> None:
    """The answer names no secret."""
    changes, error = WITHOUT_TOKENS[attack]
    async with registered(tmp_path) as (hosted, steps):
        code = await steps.code(SANDBOX_KEY)
        challenge = challenge_of(steps.verifier)
        filled = {it: challenge if v == "{CHALLENGE}" else v for it, v in changes.items()}
        refused = await steps.redeem(code, **filled)
        assert refused.status_code == (401 if error == "invalid_client" else 400)
        assert error_of(refused) == error
        assert [it for it in (code, steps.verifier, SANDBOX_KEY) if it in refused.text] == []
        assert hosted.sign_ins() == []


async def test_a_parameter_that_comes_twice_gets_no_tokens(tmp_path: Path) -> None:
    """Even with the same value."""
    async with registered(tmp_path) as (hosted, steps):
        twice = [await steps.code(SANDBOX_KEY)] * 2
        given = {
            "grant_type": "authorization_code",
            "code_verifier": steps.verifier,
            "redirect_uri": steps.redirect_uri,
            "client_id": steps.client_id,
        }
        answer = await steps.http.post("/token", data={**given, "code": twice})
        assert error_of(answer) == "invalid_request"
        assert hosted.sign_ins() == []


async def test_a_code_ends_after_a_minute(tmp_path: Path) -> None:
    """A finder who reads it in a history is late."""
    async with registered(tmp_path) as (hosted, steps):
        early, late = [await steps.code(SANDBOX_KEY) for _ in range(2)]
        hosted.clock.advance(59)
        assert (await steps.redeem(early)).status_code == 200
        hosted.clock.advance(1)
        refused = await steps.redeem(late)
    assert (refused.status_code, error_of(refused)) == (400, "invalid_grant")


async def test_a_code_gives_tokens_once_however_often_it_comes(tmp_path: Path) -> None:
    """At once, as some redirects open twice; and later. The tokens last."""
    async with registered(tmp_path) as (hosted, steps):
        code = await steps.code(SANDBOX_KEY)
        answers = await gather(*(steps.redeem(code) for _ in range(AT_ONCE)))
        refused = [error_of(it) for it in answers if it.status_code != 200]
        assert refused == ["invalid_grant"] * (AT_ONCE - 1)
        (given,) = (it.json() for it in answers if it.status_code == 200)
        assert await hosted.status_of(given["access_token"]) == 200
        hosted.clock.advance(30)
        assert error_of(await steps.redeem(code)) == "invalid_grant"
        assert len(hosted.sign_ins()) <= 1


async def test_a_stolen_code_is_worth_nothing_in_another_sign_in(tmp_path: Path) -> None:
    """The thief sends it at the same moment, or before, from the same client without its verifier.

    Public clients have no secret.
    """
    async with registered(tmp_path) as (hosted, victim), hosted.steps(victim.client_id) as thief:
        stolen = await victim.code(SANDBOX_KEY)
        injected = await gather(*(thief.redeem(stolen) for _ in range(AT_ONCE)))
        assert {error_of(it) for it in injected} == {"invalid_grant"}
        assert hosted.sign_ins() == []


async def test_tokens_come_with_what_they_are_and_how_long_they_live(tmp_path: Path) -> None:
    """For any web page: a code proves who asks, no cookie does. And never from a cache."""
    async with registered(tmp_path) as (_hosted, steps):
        code = await steps.code(SANDBOX_KEY, access="read")
        steps.http.headers["origin"] = "https://inspector.example"
        answer = await steps.redeem(code)
    tokens: dict[str, Any] = answer.json()
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cache-control"] == "no-store"
    assert tokens.pop("access_token").startswith("trax_at_")
    assert tokens.pop("refresh_token").startswith("trax_rt_")
    assert tokens == {"token_type": "Bearer", "expires_in": FOURTEEN_DAYS, "scope": "read"}


RESOURCES: Final = {
    "none": None,
    "empty": "",
    "as the metadata has it": "{RESOURCE}",
    "with a slash": "{RESOURCE}/",
    "with its scheme in capitals": "HTTP{REST}",
}


@pytest.mark.parametrize("spelling", RESOURCES)
async def test_each_spelling_of_the_resource_gets_tokens(spelling: str, tmp_path: Path) -> None:
    """At all three steps. Some clients add the slash."""
    async with registered(tmp_path) as (_hosted, steps):
        named = RESOURCES[spelling]
        resource = named and named.replace("{RESOURCE}", steps.resource)
        resource = resource and resource.replace("{REST}", steps.resource.removeprefix("http"))
        code = await steps.code(SANDBOX_KEY, resource=resource)
        tokens = await steps.redeem(code, resource=resource)
        assert tokens.status_code == 200
        refreshed = await steps.refresh(tokens.json()["refresh_token"], resource=resource)
        assert refreshed.status_code == 200


@pytest.mark.parametrize("path", ["/token", "/revoke"])
async def test_a_body_that_is_no_plain_form_is_refused(path: str, tmp_path: Path) -> None:
    """A part of a form may name an encoding, and so make text that cannot be encoded again."""
    part = '--x\r\nContent-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'
    async with registered(tmp_path) as (_hosted, steps):
        given = {
            "grant_type": "authorization_code",
            "client_id": steps.client_id,
            "code": r"\ud800",
            "token": r"\ud800",
            "code_verifier": steps.verifier,
        }
        body = "".join(part.format(*it) for it in given.items()) + "--x--\r\n"
        kind = "multipart/form-data; boundary=x; charset=raw_unicode_escape"
        answer = await steps.http.post(path, content=body, headers={"Content-Type": kind})
        assert (answer.status_code, error_of(answer)) == (400, "invalid_request")
        as_json = await steps.http.post(path, json=given)
        assert (as_json.status_code, error_of(as_json)) == (400, "invalid_request")
