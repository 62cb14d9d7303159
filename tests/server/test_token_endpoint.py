"""`/token` and `/revoke`: what clients get and send, as RFC 6749, 7009 and 8707 have it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch

import pytest

from tests.support.jsonrpc import MODERN, request
from tests.support.oauth_steps import CALLBACK
from tests.support.served_sign_in import signing_in
from trax_mcp.sandbox import SANDBOX_KEY
from trax_mcp.sign_in.grants import SignInUnavailable
from trax_mcp.sign_in.store import SignInStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import httpx

    from tests.support.served_sign_in import SignInFront

pytestmark = pytest.mark.slow

FOURTEEN_DAYS: Final = 14 * 24 * 3600
FORM: Final = {"content-type": "application/x-www-form-urlencoded"}
SENTENCE: Final = "Nothing can be kept now."
WRONG_REQUESTS: Final[dict[str, tuple[dict[str, str | None], int, str]]] = {
    "no client": ({"client_id": None}, 401, "invalid_client"),
    "an empty client": ({"client_id": ""}, 401, "invalid_client"),
    "another client": ({"client_id": "another"}, 400, "invalid_grant"),
    "no code": ({"code": None}, 400, "invalid_request"),
    "another code": ({"code": "another"}, 400, "invalid_grant"),
    "no verifier": ({"code_verifier": None}, 400, "invalid_request"),
    "another verifier": ({"code_verifier": "v" * 43}, 400, "invalid_grant"),
    "no redirect address": ({"redirect_uri": None}, 400, "invalid_grant"),
    "another redirect address": ({"redirect_uri": f"{CALLBACK}/"}, 400, "invalid_grant"),
    "another resource": ({"resource": "https://other.example/mcp"}, 400, "invalid_target"),
    "no grant type": ({"grant_type": None}, 400, "invalid_request"),
    "another grant type": ({"grant_type": "password"}, 400, "unsupported_grant_type"),
    "another kind of token": ({"grant_type": "refresh_token"}, 400, "invalid_request"),
}


def error_of(answer: httpx.Response) -> str:
    """The error's name. Each has a description, and is not to be kept."""
    said = answer.json()
    assert said.keys() == {"error", "error_description"}
    assert answer.headers["cache-control"] == "no-store"
    error: str = said["error"]
    return error


async def lists(front: SignInFront, tokens: dict[str, Any]) -> int:
    """The status of a call with an access token."""
    caller = front.caller(MODERN, authorization=f"Bearer {tokens['access_token']}")
    return (await caller.post(request(MODERN, "tools/list"))).status_code


async def test_tokens_come_with_what_they_are_and_how_long_they_live(tmp_path: Path) -> None:
    """For any web page: a code proves who asks, no cookie does. And never from a cache."""
    async with signing_in(tmp_path) as front, front.steps() as steps:
        await steps.register()
        code = await steps.code(SANDBOX_KEY, access="read")
        steps.http.headers["origin"] = "https://inspector.example"
        answer = await steps.redeem(code)
    tokens = answer.json()
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cache-control"] == "no-store"
    assert tokens.pop("access_token").startswith("trax_at_")
    assert tokens.pop("refresh_token").startswith("trax_rt_")
    assert tokens == {"token_type": "Bearer", "expires_in": FOURTEEN_DAYS, "scope": "read"}


@pytest.mark.parametrize("case", WRONG_REQUESTS)
async def test_a_wrong_request_says_what_is_wrong_and_the_code_stays_good(
    case: str, tmp_path: Path
) -> None:
    """No part of a request is repeated that could be a secret."""
    changes, status, error = WRONG_REQUESTS[case]
    async with signing_in(tmp_path) as front, front.steps() as steps:
        await steps.register()
        code = await steps.code(SANDBOX_KEY)
        given: dict[str, str | None] = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": steps.redirect_uri,
            "code_verifier": steps.verifier,
        }
        answer = await steps.token(**given | changes)
        assert (answer.status_code, error_of(answer)) == (status, error)
        assert code not in answer.text
        assert steps.verifier not in answer.text
        assert (await steps.redeem(code)).status_code == 200


@pytest.mark.parametrize("name", ["code", "client_id", "grant_type", "resource", "code_verifier"])
async def test_a_parameter_that_comes_twice_gets_no_tokens(name: str, tmp_path: Path) -> None:
    """Even with the same value. The code stays good."""
    async with signing_in(tmp_path) as front, front.steps() as steps:
        await steps.register()
        code = await steps.code(SANDBOX_KEY)
        given = {
            "grant_type": "authorization_code",
            "code": code,
            "code_verifier": steps.verifier,
            "redirect_uri": steps.redirect_uri,
            "client_id": steps.client_id,
            "resource": steps.resource,
        }
        twice = str(steps.http.build_request("POST", "/", data=given).content, "ascii")
        again = str(
            steps.http.build_request("POST", "/", data={name: given[name]}).content, "ascii"
        )
        answer = await steps.http.post("/token", content=f"{twice}&{again}", headers=FORM)
        assert error_of(answer) == "invalid_request"
        assert (await steps.redeem(code)).status_code == 200


@pytest.mark.parametrize("path", ["/token", "/revoke", "/register", "/sign-in"])
async def test_a_body_that_is_too_large_is_refused(path: str, tmp_path: Path) -> None:
    """Whether its length is told before or not."""

    async def in_parts() -> AsyncIterator[bytes]:
        for _ in range(17):
            yield b"a" * 1024

    async with signing_in(tmp_path) as front:
        told = await front.http.post(path, content=b"a" * 16_385, headers=FORM)
        untold = await front.http.post(path, content=in_parts(), headers=FORM)
        largest = await front.http.post(path, content=b"a" * 16_384, headers=FORM)
    assert (told.status_code, untold.status_code) == (413, 413)
    assert largest.status_code in {400, 401, 403}


async def test_a_json_body_is_no_token_request(tmp_path: Path) -> None:
    """It names no client that this server reads."""
    async with signing_in(tmp_path) as front:
        answer = await front.http.post("/token", json={"client_id": "x", "code": "y"})
    assert (answer.status_code, error_of(answer)) == (400, "invalid_request")


@pytest.mark.parametrize("scope", [None, "read", "read run", "openid"], ids=str)
async def test_a_refresh_gives_another_pair_of_the_same_access(
    scope: str | None, tmp_path: Path
) -> None:
    """Whatever scope is asked for. Until it ends, the old access token is good as well."""
    async with signing_in(tmp_path) as front, front.steps() as steps:
        await steps.register()
        first = await steps.sign_in(SANDBOX_KEY)
        answer = await steps.refresh(first["refresh_token"], scope=scope)
        second = answer.json()
        assert answer.status_code == 200
        assert second["scope"] == "run"
        assert second["access_token"] != first["access_token"]
        assert second["refresh_token"] != first["refresh_token"]
        assert [await lists(front, it) for it in (first, second)] == [200, 200]


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
async def test_a_client_ends_its_sign_in_with_either_token(kind: str, tmp_path: Path) -> None:
    """Without a secret, with any hint, and twice."""
    async with signing_in(tmp_path) as front, front.steps() as steps:
        await steps.register()
        tokens = await steps.sign_in(SANDBOX_KEY)
        given = {"token": tokens[kind], "client_id": steps.client_id, "token_type_hint": "x"}
        for _ in range(2):
            answer = await steps.http.post("/revoke", data=given)
            assert (answer.status_code, answer.content) == (200, b"")
            assert answer.headers["cache-control"] == "no-store"
        assert await lists(front, tokens) == 401
        assert error_of(await steps.refresh(tokens["refresh_token"])) == "invalid_grant"
        assert front.store.all() == []


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ("token=x", 401, "invalid_client"),
        ("client_id=x", 400, "invalid_request"),
        ("client_id=x&token=y&token=z", 400, "invalid_request"),
        ("", 401, "invalid_client"),
    ],
)
async def test_a_revocation_without_token_or_client_is_an_error(
    body: str, status: int, error: str, tmp_path: Path
) -> None:
    """An unknown token is none: it is good no more."""
    async with signing_in(tmp_path) as front:
        answer = await front.http.post("/revoke", content=body, headers=FORM)
        unknown = await front.http.post("/revoke", data={"client_id": "x", "token": "y"})
    assert (answer.status_code, error_of(answer)) == (status, error)
    assert unknown.status_code == 200


async def test_while_nothing_can_be_kept_a_client_hears_when_to_try_again(tmp_path: Path) -> None:
    """And its code stays good."""
    fails = SignInUnavailable(SENTENCE)
    async with signing_in(tmp_path) as front, front.steps() as steps:
        await steps.register()
        code = await steps.code(SANDBOX_KEY)
        with patch.object(SignInStore, "issue", side_effect=fails):
            answers = [await steps.redeem(code)]
        tokens = (await steps.redeem(code)).json()
        given = {"token": tokens["access_token"], "client_id": steps.client_id}
        with (
            patch.object(SignInStore, "refresh", side_effect=fails),
            patch.object(SignInStore, "revoke_token", side_effect=fails),
            patch.object(SignInStore, "add_client", side_effect=fails),
        ):
            answers += [
                await steps.refresh(tokens["refresh_token"]),
                await steps.http.post("/revoke", data=given),
                await steps.register(),
            ]
        assert await lists(front, tokens) == 200
    for answer in answers:
        assert (answer.status_code, error_of(answer)) == (503, "temporarily_unavailable")
        assert answer.json()["error_description"] == SENTENCE
        assert int(answer.headers["retry-after"]) > 0
