"""How long tokens live, and what a refresh token gives: to its client, to workers, to a thief."""

from __future__ import annotations

from asyncio import gather
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.served_sign_in import registered
from tests.world.wire import MODERN

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.oauth_steps import OAuthSteps
    from tests.support.served_sign_in import SignInFront

Changes = dict[str, str | None]

AT_ONCE: Final = 8
DAY: Final = 86_400

REFUSED: Final[dict[str, tuple[Changes, str]]] = {
    "an access token in its place": ({"refresh_token": "{ACCESS}"}, "invalid_grant"),
    "a refresh token of nobody": ({"refresh_token": "trax_rt_" + "x" * 64}, "invalid_grant"),
    "a text": ({"refresh_token": "é" * 72}, "invalid_grant"),
    "another client": ({"client_id": "another"}, "invalid_grant"),
    "another resource": ({"resource": "https://evil.example/mcp"}, "invalid_target"),
}
"""Faults of a refresh."""


async def refreshed(steps: OAuthSteps, tokens: dict[str, Any]) -> dict[str, Any]:
    """The next pair of tokens."""
    answer = await steps.refresh(tokens["refresh_token"])
    assert answer.status_code == 200, answer.text
    pair: dict[str, Any] = answer.json()
    return pair


async def assert_ended(hosted: SignInFront, steps: OAuthSteps, *pairs: dict[str, Any]) -> None:
    """None of these tokens opens anything."""
    for it in pairs:
        assert await hosted.status_of(it["access_token"]) == 401
        answer = await steps.refresh(it["refresh_token"])
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize("attack", REFUSED)
async def test_a_wrong_refresh_gives_nothing_and_ends_nothing(attack: str, tmp_path: Path) -> None:
    """Nor does it use the refresh token up."""
    changes, error = REFUSED[attack]
    async with registered(tmp_path) as (hosted, steps):
        tokens = await steps.sign_in(SANDBOX_KEY)
        access = tokens["access_token"]
        filled = {name: access if it == "{ACCESS}" else it for name, it in changes.items()}
        refused = await steps.refresh(tokens["refresh_token"], **filled)
        assert (refused.status_code, refused.json()["error"]) == (400, error)
        hosted.clock.advance(61)
        assert await hosted.status_of(access) == 200
        await refreshed(steps, tokens)


@pytest.mark.parametrize("scope", [None, "read run", "openid"], ids=str)
async def test_a_refresh_gives_another_pair_of_the_same_access(
    scope: str | None, tmp_path: Path
) -> None:
    """Whatever scope is asked for. Until it ends, the old access token is good as well."""
    async with registered(tmp_path) as (hosted, steps):
        first = await steps.sign_in(SANDBOX_KEY, access="read")
        second = (await steps.refresh(first["refresh_token"], scope=scope)).json()
        assert second["scope"] == "read"
        assert second["access_token"] != first["access_token"]
        assert second["refresh_token"] != first["refresh_token"]
        for pair in (first, second):
            caller = await hosted.opened_with(MODERN, pair)
            refused = await caller.call("send_chat_message", studioId="studio_42", text="Hello")
            assert refused["structuredContent"]["error"]["code"] == "read_only"
        assert hosted.trax.mutations == []
        assert len(hosted.sign_ins()) == 1


async def test_a_refresh_token_that_is_used_later_again_ends_its_sign_in(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """One of the two users is a thief. Other sign-ins of the person go on."""
    async with registered(tmp_path) as (hosted, steps):
        other = await steps.sign_in(SANDBOX_KEY)
        first = await steps.sign_in(SANDBOX_KEY)
        second = await refreshed(steps, first)
        hosted.clock.advance(61)
        reused = await steps.refresh(first["refresh_token"])
        assert (reused.status_code, reused.json()["error"]) == (400, "invalid_grant")
        await assert_ended(hosted, steps, first, second)
        assert await hosted.status_of(other["access_token"]) == 200
        assert len(hosted.sign_ins()) == 1
    assert "revoked" in caplog.text


async def test_a_retry_within_a_minute_is_no_theft(tmp_path: Path) -> None:
    """An answer was lost, or workers of one client refresh at the same moment. All go on."""
    async with registered(tmp_path) as (hosted, steps):
        first = await steps.sign_in(SANDBOX_KEY)
        pairs = await gather(*(refreshed(steps, first) for _ in range(AT_ONCE)))
        hosted.clock.advance(60)
        pairs.append(await refreshed(steps, first))
        for it in (first, *pairs):
            assert await hosted.status_of(it["access_token"]) == 200
        await refreshed(steps, pairs[-1])
        (sign_in,) = hosted.sign_ins()
        hosted.revoke(sign_in["id"])
        await assert_ended(hosted, steps, first, *pairs)


async def test_a_retry_does_not_make_the_time_for_retries_longer(tmp_path: Path) -> None:
    """It counts from the first use."""
    async with registered(tmp_path) as (hosted, steps):
        first = await steps.sign_in(SANDBOX_KEY)
        pairs = [await refreshed(steps, first)]
        hosted.clock.advance(50)
        pairs.append(await refreshed(steps, first))
        hosted.clock.advance(50)
        await steps.refresh(first["refresh_token"])
        await assert_ended(hosted, steps, *pairs)


async def test_a_flood_of_retries_ends_no_sign_in_and_fills_no_file(tmp_path: Path) -> None:
    """Its client has lost no token that it got. Reuse after the time for retries still ends it."""
    async with registered(tmp_path) as (hosted, steps):
        first = await steps.sign_in(SANDBOX_KEY)
        answers = [await steps.refresh(first["refresh_token"]) for _ in range(40)]
        given = [it.json() for it in answers if it.status_code == 200]
        for it in (first, given[0], given[-1]):
            assert await hosted.status_of(it["access_token"]) == 200
        hosted.clock.advance(61)
        later = await refreshed(steps, given[-1])
        await steps.refresh(first["refresh_token"])
        await assert_ended(hosted, steps, later)


async def test_a_thief_cannot_make_the_server_forget_a_stolen_refresh_token(
    tmp_path: Path,
) -> None:
    """By refreshing on and on: its owner's next use still reveals the theft."""
    async with registered(tmp_path) as (hosted, steps):
        stolen = tokens = await steps.sign_in(SANDBOX_KEY)
        for _ in range(40):
            tokens = await refreshed(steps, tokens)
        hosted.clock.advance(61)
        await steps.refresh(stolen["refresh_token"])
        await assert_ended(hosted, steps, tokens)


async def test_a_refresh_at_the_moment_of_a_revocation_leaves_nothing(tmp_path: Path) -> None:
    async with registered(tmp_path) as (hosted, steps):
        tokens = await steps.sign_in(SANDBOX_KEY)
        revocation = {"token": tokens["access_token"], "client_id": steps.client_id}
        answers = await gather(
            *(steps.refresh(tokens["refresh_token"]) for _ in range(AT_ONCE)),
            steps.http.post("/revoke", data=revocation),
            *(steps.refresh(tokens["refresh_token"]) for _ in range(AT_ONCE)),
        )
        given = [it.json() for it in answers if it.status_code == 200 and it.content]
        await assert_ended(hosted, steps, tokens, *given)


# Lifetimes


async def test_an_access_token_ends_after_14_days_without_use(tmp_path: Path) -> None:
    """To the second. Its sign-in goes on by a refresh."""
    async with registered(tmp_path) as (hosted, steps):
        used, unused = [await steps.sign_in(SANDBOX_KEY) for _ in range(2)]
        hosted.clock.advance(14 * DAY - 1)
        assert await hosted.status_of(used["access_token"]) == 200
        hosted.clock.advance(1)
        assert await hosted.status_of(unused["access_token"]) == 401
        assert await hosted.status_of(used["access_token"]) == 200
        again = await refreshed(steps, unused)
        assert await hosted.status_of(again["access_token"]) == 200


async def test_an_access_token_ends_after_30_days_however_much_it_is_used(tmp_path: Path) -> None:
    """A client that is used gets new ones by itself."""
    async with registered(tmp_path) as (hosted, steps):
        tokens = await steps.sign_in(SANDBOX_KEY)
        for days in (10, 10, 9):
            hosted.clock.advance(days * DAY)
            assert await hosted.status_of(tokens["access_token"]) == 200
        hosted.clock.advance(DAY)
        assert await hosted.status_of(tokens["access_token"]) == 401


async def test_a_sign_in_ends_90_days_after_the_last_refresh(tmp_path: Path) -> None:
    """To the second, and is listed no more. One that was not used again is no theft."""
    async with registered(tmp_path) as (hosted, steps):
        lost, kept = [await steps.sign_in(SANDBOX_KEY) for _ in range(2)]
        hosted.clock.advance(90 * DAY - 1)
        kept = await refreshed(steps, kept)
        hosted.clock.advance(1)
        assert (await steps.refresh(lost["refresh_token"])).status_code == 400
        assert await hosted.status_of(kept["access_token"]) == 200
        assert len(hosted.sign_ins()) == 1


# A clock that jumps


async def test_a_clock_that_is_set_back_a_little_ends_nothing(tmp_path: Path) -> None:
    """As a time server does it."""
    async with registered(tmp_path) as (hosted, steps):
        tokens = await steps.sign_in(SANDBOX_KEY)
        hosted.clock.set_back(600)
        assert await hosted.status_of(tokens["access_token"]) == 200
        again = await refreshed(steps, tokens)
        assert await hosted.status_of(again["access_token"]) == 200


async def test_a_token_from_the_future_opens_nothing(tmp_path: Path) -> None:
    """A wrong clock would let it live for as long as it was wrong."""
    async with registered(tmp_path) as (hosted, steps):
        tokens = await steps.sign_in(SANDBOX_KEY)
        hosted.clock.set_back(1000 * DAY)
        await assert_ended(hosted, steps, tokens)


async def test_a_clock_that_is_set_back_does_not_stretch_the_time_for_retries(
    tmp_path: Path,
) -> None:
    """An hour before its first use, a stolen refresh token is not a retry."""
    async with registered(tmp_path) as (hosted, steps):
        first = await steps.sign_in(SANDBOX_KEY)
        second = await refreshed(steps, first)
        hosted.clock.set_back(3600)
        await steps.refresh(first["refresh_token"])
        await assert_ended(hosted, steps, second)
