"""Attacks with tokens: only a good one, in its place, is a caller, and never another one.

Each row is one attack, made over HTTP against the whole app on the sandbox.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.guarded_calls import GO_LIVE
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.served_sign_in import registered, signing_in
from tests.world.wire import LEGACY, MODERN, tool_call

if TYPE_CHECKING:
    from pathlib import Path

Headers = list[tuple[str, str]]

REFUSED: Final[dict[str, tuple[Headers, int]]] = {
    "nothing": ([], 401),
    "a scheme alone": ([("Authorization", "Bearer")], 401),
    "a token of nobody": ([("Authorization", f"Bearer trax_at_{'x' * 64}")], 401),
    "a token of another server": ([("Authorization", "Bearer eyJhbGciOiJub25lIn0.e30.")], 401),
    "the refresh token": ([("Authorization", "Bearer {REFRESH}")], 401),
    "the refresh token under another name": ([("Authorization", "Bearer {RENAMED}")], 401),
    "the token and a bit more": ([("Authorization", "Bearer {ACCESS}x")], 401),
    "the token in other letters": ([("Authorization", "Bearer {SWAPPED}")], 401),
    "two tokens in one header": ([("Authorization", "Bearer {ACCESS}, Bearer {ACCESS}")], 401),
    "another scheme": ([("Authorization", "Basic {ACCESS}")], 401),
    "no scheme": ([("Authorization", "{ACCESS}")], 401),
    "a cookie": ([("Cookie", "access_token={ACCESS}; token={ACCESS}")], 401),
    "two headers with one token": ([("Authorization", "Bearer {ACCESS}")] * 2, 400),
    "a token and a key": ([("Authorization", "Bearer {ACCESS}"), ("X-API-Key", SANDBOX_KEY)], 400),
    "a wrong token and a key": (
        [("Authorization", "Bearer wrong"), ("X-API-Key", SANDBOX_KEY)],
        400,
    ),
    "a key in place of a token": ([("Authorization", f"Bearer {SANDBOX_KEY}")], 400),
    "a token in place of a key": ([("X-API-Key", "{ACCESS}")], 400),
    "a refresh token in place of a key": ([("X-API-Key", "{REFRESH}")], 400),
}
"""Headers, and the status of the answer."""


def filled_in(headers: Headers, tokens: dict[str, str]) -> Headers:
    """The headers, with real tokens."""
    access, refresh = tokens["access_token"], tokens["refresh_token"]
    known = {
        "{ACCESS}": access,
        "{REFRESH}": refresh,
        "{RENAMED}": refresh.replace("trax_rt_", "trax_at_"),
        "{SWAPPED}": "trax_at_" + access.removeprefix("trax_at_").swapcase(),
    }
    return [(name, re.sub(r"\{\w+\}", lambda it: known[it[0]], value)) for name, value in headers]


@pytest.mark.parametrize("attack", REFUSED)
async def test_only_a_good_token_in_its_place_is_a_caller(attack: str, tmp_path: Path) -> None:
    """Nothing reaches TRaX, and the answer says where to sign in, and no secret."""
    headers, status = REFUSED[attack]
    async with registered(tmp_path) as (hosted, steps):
        tokens = await steps.sign_in(SANDBOX_KEY)
        asked = len(hosted.keys)
        message = tool_call(MODERN, "list_studios")
        sent = [*hosted.caller(MODERN).all_headers(message).items()]
        answer = await hosted.http.post(
            "/mcp", json=message, headers=[*sent, *filled_in(headers, tokens)]
        )
        assert len(hosted.keys) == asked
    assert answer.status_code == status
    if status == 401:
        challenge = answer.headers["www-authenticate"]
        where = f'resource_metadata="{hosted.address}/.well-known/oauth-protected-resource/mcp"'
        assert challenge.startswith("Bearer ")
        assert where in challenge
    secrets = [tokens["access_token"], tokens["refresh_token"], SANDBOX_KEY]
    assert [it for it in secrets if it in f"{answer.headers} {answer.text}"] == []


@pytest.mark.parametrize("where", ["query", "form", "path"])
async def test_a_token_elsewhere_than_in_its_header_counts_for_nothing(
    where: str, tmp_path: Path
) -> None:
    """Addresses are written down in logs and histories."""
    async with registered(tmp_path) as (hosted, steps):
        token = (await steps.sign_in(SANDBOX_KEY))["access_token"]
        message = tool_call(MODERN, "list_studios")
        headers = hosted.caller(MODERN).all_headers(message)
        http = hosted.http
        match where:
            case "query":
                query = {"access_token": token}
                answer = await http.post("/mcp", json=message, params=query, headers=headers)
            case "form":
                answer = await http.post("/mcp", data={"access_token": token})
            case _:
                answer = await http.post(f"/mcp/{token}", json=message, headers=headers)
    assert answer.status_code in {401, 404}
    assert token not in answer.text


REVOKED: Final = {
    "access_token": LEGACY,
    "refresh_token": MODERN,
}
"""Which token a client names when it ends its sign-in, and the era of that client."""


@pytest.mark.parametrize("kind", REVOKED)
async def test_a_revoked_sign_in_opens_nothing_more(kind: str, tmp_path: Path) -> None:
    """Neither token does, nor the session. It needs no secret, takes any hint, and goes twice."""
    era = REVOKED[kind]
    async with registered(tmp_path) as (hosted, steps):
        tokens = await steps.sign_in(SANDBOX_KEY)
        caller = await hosted.opened_with(era, tokens)
        await caller.call("list_studios")
        given = {"token": tokens[kind], "client_id": steps.client_id, "token_type_hint": "x"}
        for _ in range(2):
            revoked = await steps.http.post("/revoke", data=given)
            assert (revoked.status_code, revoked.content) == (200, b"")
            assert revoked.headers["cache-control"] == "no-store"
        asked = len(hosted.keys)
        assert (await caller.post(tool_call(era, "list_studios"))).status_code == 401
        if era == LEGACY:
            assert await caller.statuses() == (401, 401)
        assert (await steps.refresh(tokens["refresh_token"])).status_code == 400
        assert len(hosted.keys) == asked
        assert hosted.sign_ins() == []


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ("token=x", 401, "invalid_client"),
        ("client_id=x", 400, "invalid_request"),
        ("client_id=x&token=y&token=z", 400, "invalid_request"),
    ],
)
async def test_a_revocation_without_token_or_client_is_an_error(
    body: str, status: int, error: str, tmp_path: Path
) -> None:
    """With a body that a client can read."""
    headers = {"content-type": "application/x-www-form-urlencoded"}
    async with signing_in(tmp_path) as hosted:
        answer = await hosted.http.post("/revoke", content=body, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (status, error)


async def test_nobody_can_revoke_the_tokens_of_another_client(tmp_path: Path) -> None:
    """The answer is the same as for a token that nobody has. Source: RFC 7009."""
    async with registered(tmp_path) as (hosted, steps):
        tokens = await steps.sign_in(SANDBOX_KEY)
        answers = [
            await steps.http.post("/revoke", data={"token": it, "client_id": "another"})
            for it in (tokens["access_token"], "nobody's")
        ]
        assert len({(it.status_code, it.text) for it in answers}) == 1
        assert await hosted.status_of(tokens["access_token"]) == 200


async def test_a_token_for_another_address_opens_nothing(tmp_path: Path) -> None:
    """Two servers that share file and secret still have tokens of their own."""
    async with (
        registered(tmp_path) as (hosted, steps),
        signing_in(tmp_path) as other,
        other.steps(steps.client_id) as elsewhere,
    ):
        tokens = await steps.sign_in(SANDBOX_KEY)
        assert await other.status_of(tokens["access_token"]) == 401
        assert (await elsewhere.refresh(tokens["refresh_token"])).status_code == 400
        assert await hosted.status_of(tokens["access_token"]) == 200
        assert other.keys == []


async def test_a_session_belongs_to_the_sign_in_that_opened_it(tmp_path: Path) -> None:
    """A refreshed token goes on with it; another person, another client, or a key does not."""
    async with registered(tmp_path) as (hosted, steps), hosted.steps() as others:
        await others.register()
        tokens = await steps.sign_in(SANDBOX_KEY)
        owner = await hosted.opened_with(LEGACY, tokens)
        again = await steps.sign_in(SANDBOX_KEY)
        of_other_client = await others.sign_in(SANDBOX_KEY)
        for stolen_by in (again, of_other_client):
            thief = hosted.signed_in(LEGACY, stolen_by)
            thief.session = owner.session
            assert (await thief.post(tool_call(LEGACY, "list_studios"))).status_code == 404
            assert await thief.statuses() == (404, 404)
        with_key = hosted.caller(LEGACY, x_api_key=SANDBOX_KEY)
        with_key.session = owner.session
        assert (await with_key.post(tool_call(LEGACY, "list_studios"))).status_code == 404
        refreshed = hosted.signed_in(LEGACY, (await steps.refresh(tokens["refresh_token"])).json())
        refreshed.session = owner.session
        assert (await refreshed.post(tool_call(LEGACY, "list_studios"))).status_code == 200


async def test_a_yes_belongs_to_key_and_client(tmp_path: Path) -> None:
    """Another client with the same key cannot use it, nor can the key itself."""
    async with registered(tmp_path) as (hosted, steps), hosted.steps() as others:
        await others.register()
        caller = hosted.signed_in(MODERN, await steps.sign_in(SANDBOX_KEY))
        shown = await caller.call(GO_LIVE.tool, **GO_LIVE.arguments)
        confirmation = shown["structuredContent"]["confirmation"]
        yes = {**GO_LIVE.arguments, "confirm": True, "confirmation": confirmation}
        for thief in (
            hosted.signed_in(MODERN, await others.sign_in(SANDBOX_KEY)),
            hosted.caller(MODERN, x_api_key=SANDBOX_KEY),
        ):
            refused = await thief.call(GO_LIVE.tool, **yes)
            assert refused["structuredContent"]["status"] == "confirmation_invalid"
        assert hosted.trax.mutations == []
        done = await caller.call(GO_LIVE.tool, **yes)
        assert done["structuredContent"]["observed"]["state"] == "on_air"
