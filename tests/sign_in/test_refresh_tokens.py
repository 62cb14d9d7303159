"""What a refresh token gives: to its client, to workers, to a thief.

`tests/units/sign_in/test_lifetimes.py` has how long tokens live.
"""

from __future__ import annotations

from asyncio import gather
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.world.sign_in import registered
from tests.world.world import MINE

if TYPE_CHECKING:
    from pathlib import Path

    from tests.world.oauth import OAuthSteps
    from tests.world.sign_in import SignInWorld

Changes = dict[str, str | None]

AT_ONCE: Final = 8

REFUSED: Final[dict[str, tuple[Changes, str]]] = {
    "an access token in its place": ({"refresh_token": "{ACCESS}"}, "invalid_grant"),
    "a refresh token of nobody": ({"refresh_token": "trax_rt_" + "x" * 64}, "invalid_grant"),
    "a text": ({"refresh_token": "é" * 72}, "invalid_grant"),
    "another client": ({"client_id": "another"}, "invalid_grant"),
    "another resource": ({"resource": "https://evil.example/mcp"}, "invalid_target"),
}
"""Faults of a refresh."""


async def refreshed(steps: OAuthSteps, tokens: dict[str, Any]) -> dict[str, Any]:
    answer = await steps.refresh(tokens["refresh_token"])
    assert answer.status_code == 200, answer.text
    pair: dict[str, Any] = answer.json()
    return pair


async def assert_ended(it: SignInWorld, steps: OAuthSteps, *pairs: dict[str, Any]) -> None:
    """None of these tokens opens anything."""
    for pair in pairs:
        assert await it.status_of(pair) == 401
        answer = await steps.refresh(pair["refresh_token"])
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


async def test_a_wrong_refresh_gives_nothing_and_ends_nothing(
    tmp_path: Path, subtests: pytest.Subtests
) -> None:
    """Nor does it use the refresh token up."""
    async with registered(tmp_path) as (it, steps):
        tokens = await steps.sign_in(MINE)
        access = tokens["access_token"]
        for attack, (changes, error) in REFUSED.items():
            filled = {name: v and v.replace("{ACCESS}", access) for name, v in changes.items()}
            refused = await steps.refresh(tokens["refresh_token"], **filled)
            with subtests.test(attack):
                assert (refused.status_code, refused.json()["error"]) == (400, error)
        it.hand_clock.advance(61)
        assert await it.status_of(tokens) == 200
        await refreshed(steps, tokens)


@pytest.mark.parametrize("scope", [None, "read run"], ids=str)
async def test_a_refresh_gives_another_pair_of_the_same_access(
    scope: str | None, tmp_path: Path
) -> None:
    """Whatever scope is asked for. Until it ends, the old access token is good as well."""
    async with registered(tmp_path) as (it, steps):
        first = await steps.sign_in(MINE, access="read")
        second = (await steps.refresh(first["refresh_token"], scope=scope)).json()
        assert second["scope"] == "read"
        assert second["access_token"] != first["access_token"]
        assert second["refresh_token"] != first["refresh_token"]
        for pair in (first, second):
            said = {"studioId": "studio_42", "text": "Hello"}
            refused = await it.signed_in(pair).call("send_chat_message", **said)
            assert refused["structuredContent"]["error"]["code"] == "read_only"
        assert it.sent == []
        assert len(it.sign_ins()) == 1


async def test_a_refresh_token_that_is_used_later_again_ends_its_sign_in(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """One of the two users is a thief. Other sign-ins of the person go on.

    Within a minute it is a retry: an answer was lost, or workers of one client refresh at once.
    """
    async with registered(tmp_path) as (it, steps):
        other, first = await steps.sign_in(MINE), await steps.sign_in(MINE)
        pairs = await gather(*(refreshed(steps, first) for _ in range(AT_ONCE)))
        it.hand_clock.advance(60)
        pairs.append(await refreshed(steps, first))
        assert {await it.status_of(pair) for pair in (first, *pairs)} == {200}
        it.hand_clock.advance(1)
        await steps.refresh(first["refresh_token"])
        await assert_ended(it, steps, first, *pairs)
        assert await it.status_of(other) == 200
        assert len(it.sign_ins()) == 1
    assert "revoked" in caplog.text
