"""Attacks with tokens: only a good one, in its place, is a caller, and never another one.

Each row is one attack, made over HTTP against the whole app on the sandbox.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.guarded_calls import GO_LIVE
from tests.world.caller import PREVIEW_SECONDS
from tests.world.sign_in import registered, signing_in
from tests.world.wire import LEGACY, MODERN, HttpWire, tool_call
from tests.world.world import MINE

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from tests.world.wire import Message

Headers = list[tuple[str, str]]

BEARER: Final = "Authorization", "Bearer {ACCESS}"
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
    "two headers with one token": ([BEARER, BEARER], 400),
    "a token and a key": ([BEARER, ("X-API-Key", MINE)], 400),
    "a wrong token and a key": ([("Authorization", "Bearer wrong"), ("X-API-Key", MINE)], 400),
    "a key in place of a token": ([("Authorization", f"Bearer {MINE}")], 401),
    "a key in both headers": ([("Authorization", f"Bearer {MINE}"), ("X-API-Key", MINE)], 401),
    "a token in place of a key": ([("X-API-Key", "{ACCESS}")], 400),
    "a refresh token in place of a key": ([("X-API-Key", "{REFRESH}")], 400),
}
"""Headers, and the status of the answer."""

ELSEWHERE: Final = {
    "the query": ("/mcp?access_token={ACCESS}", 401),
    "the path": ("/mcp/{ACCESS}", 404),
}
"""Addresses are written down in logs and histories, so a token in one counts for nothing."""


async def test_only_a_good_token_in_its_place_is_a_caller(
    tmp_path: Path, subtests: pytest.Subtests
) -> None:
    """Nothing reaches TRaX, and the answer says where to sign in, and no secret."""
    message = tool_call(MODERN, "list_studios")
    async with registered(tmp_path) as (it, steps):
        tokens = await steps.sign_in(MINE)
        access, refresh = tokens["access_token"], tokens["refresh_token"]
        known = {
            "{ACCESS}": access,
            "{REFRESH}": refresh,
            "{RENAMED}": refresh.replace("trax_rt_", "trax_at_"),
            "{SWAPPED}": "trax_at_" + access.removeprefix("trax_at_").swapcase(),
        }

        def filled(text: str) -> str:
            return re.sub(r"\{\w+\}", lambda match: known[match[0]], text)

        own, asked = [*HttpWire(it.http, MODERN).all_headers(message).items()], len(it.keys)
        where = f'resource_metadata="{it.address}/.well-known/oauth-protected-resource/mcp"'

        async def assert_refused(path: str, headers: Headers, status: int) -> None:
            sent = [*own, *((name, filled(value)) for name, value in headers)]
            answer = await it.http.post(filled(path), json=message, headers=sent)
            assert len(it.keys) == asked
            assert answer.status_code == status
            if status == 401:
                challenge = answer.headers["www-authenticate"]
                assert challenge.startswith("Bearer ")
                assert where in challenge
            said = f"{answer.headers} {answer.text}"
            assert [secret for secret in (access, refresh, MINE) if secret in said] == []

        for attack, (headers, status) in REFUSED.items():
            with subtests.test(attack):
                await assert_refused("/mcp", headers, status)
        for attack, (path, status) in ELSEWHERE.items():
            with subtests.test(attack):
                await assert_refused(path, [], status)


# Revocation. Source: RFC 7009


async def revoke(http: httpx.AsyncClient, body: str) -> httpx.Response:
    """The answer to a revocation, which is not to be kept."""
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = await http.post("/revoke", content=body, headers=headers)
    assert answer.headers["cache-control"] == "no-store"
    return answer


@pytest.mark.parametrize(("kind", "era"), [("access_token", LEGACY), ("refresh_token", MODERN)])
async def test_a_revoked_sign_in_opens_nothing_more(kind: str, era: str, tmp_path: Path) -> None:
    """Neither token does, nor the session. It needs no secret, takes any hint, and goes twice.

    Another client cannot revoke it, and hears the same as for a token that nobody has.
    """
    async with registered(tmp_path) as (it, steps):
        tokens = await steps.sign_in(MINE)
        caller = await it.wire(tokens["access_token"], era=era)
        for token in (tokens[kind], "nobody's"):
            refused = await revoke(it.http, f"token={token}&client_id=another")
            assert (refused.status_code, refused.content) == (200, b"")
        assert not (await caller.call("list_studios")).get("isError")
        given = f"token={tokens[kind]}&client_id={steps.client_id}&token_type_hint=x"
        for _ in range(2):
            revoked = await revoke(it.http, given)
            assert (revoked.status_code, revoked.content) == (200, b"")
        asked = len(it.keys)
        assert (await caller.post(tool_call(era, "list_studios"))).status_code == 401
        if era == LEGACY:
            assert await caller.statuses() == (401, 401)
        assert (await steps.refresh(tokens["refresh_token"])).status_code == 400
        assert len(it.keys) == asked
        assert it.sign_ins() == []


async def test_a_revocation_without_token_or_client_is_an_error(tmp_path: Path) -> None:
    """With a body that a client can read."""
    async with signing_in(tmp_path) as it:
        for body, *expected in (
            ("token=x", 401, "invalid_client"),
            ("client_id=x", 400, "invalid_request"),
            ("client_id=x&token=y&token=z", 400, "invalid_request"),
        ):
            answer = await revoke(it.http, body)
            assert [answer.status_code, answer.json()["error"]] == expected, body


# Tokens of others


async def test_a_token_for_another_address_opens_nothing(tmp_path: Path) -> None:
    """Two servers that share file and secret still have tokens of their own."""
    async with (
        registered(tmp_path) as (it, steps),
        signing_in(tmp_path) as other,
        other.steps(steps.client_id) as elsewhere,
    ):
        tokens = await steps.sign_in(MINE)
        assert await other.status_of(tokens) == 401
        assert (await elsewhere.refresh(tokens["refresh_token"])).status_code == 400
        assert await it.status_of(tokens) == 200
        assert other.keys == []


async def test_a_session_belongs_to_the_sign_in_that_opened_it(tmp_path: Path) -> None:
    """A refreshed token goes on with it; another person, another client, or a key does not."""
    call = tool_call(LEGACY, "list_studios")
    async with registered(tmp_path) as (it, steps), it.steps() as others:
        await others.register()
        tokens = await steps.sign_in(MINE)
        owner = await it.wire(tokens["access_token"], era=LEGACY)
        thieves = [
            it.signed_in(await steps.sign_in(MINE), LEGACY),
            it.signed_in(await others.sign_in(MINE), LEGACY),
            HttpWire(it.http, LEGACY, x_api_key=MINE),
        ]
        for thief in thieves:
            thief.session = owner.session
            assert (await thief.post(call)).status_code == 404
            assert await thief.statuses() == (404, 404)
        refreshed = it.signed_in((await steps.refresh(tokens["refresh_token"])).json(), LEGACY)
        refreshed.session = owner.session
        assert (await refreshed.post(call)).status_code == 200


async def test_a_yes_belongs_to_key_and_client(tmp_path: Path) -> None:
    """Another client with the same key cannot use it, nor can the key itself."""

    async def go_live(caller: HttpWire, **more: object) -> Message:
        result = await caller.call(GO_LIVE.tool, **GO_LIVE.arguments, **more)
        content: Message = result["structuredContent"]
        return content

    async with registered(tmp_path) as (it, steps), it.steps() as others:
        await others.register()
        caller = it.signed_in(await steps.sign_in(MINE))
        yes = {"confirm": True, "confirmation": (await go_live(caller))["confirmation"]}
        it.hand_clock.advance(PREVIEW_SECONDS)
        for thief in (it.signed_in(await others.sign_in(MINE)), await it.wire(MINE)):
            assert (await go_live(thief, **yes))["status"] == "confirmation_invalid"
        assert it.sent == []
        assert (await go_live(caller, **yes))["observed"]["state"] == "on_air"
