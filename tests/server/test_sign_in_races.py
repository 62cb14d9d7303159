"""Requests of signing in that come at the same moment, over HTTP."""

from __future__ import annotations

from asyncio import gather
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.jsonrpc import MODERN, request
from tests.support.served_sign_in import signing_in
from trax_mcp.sandbox import SANDBOX_KEY

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.served_sign_in import SignInFront

pytestmark = pytest.mark.slow

AT_ONCE = 8


async def status(front: SignInFront, tokens: dict[str, Any]) -> int:
    """The status of a call with these tokens."""
    caller = front.caller(MODERN, authorization=f"Bearer {tokens['access_token']}")
    return (await caller.post(request(MODERN, "tools/list"))).status_code


async def test_a_code_that_its_client_sends_many_times_at_once_gives_tokens_once(
    tmp_path: Path,
) -> None:
    """Which last: some redirects open twice."""
    async with signing_in(tmp_path) as front, front.steps() as steps:
        await steps.register()
        code = await steps.code(SANDBOX_KEY)
        answers = await gather(*(steps.redeem(code) for _ in range(AT_ONCE)))
        (given,) = (it.json() for it in answers if it.status_code == 200)
        assert await status(front, given) == 200
        assert len(front.store.all()) == 1


async def test_a_code_that_a_thief_sends_at_the_same_moment_gives_nothing_that_lasts(
    tmp_path: Path,
) -> None:
    """Without the verifier, the thief gets nothing either."""
    async with signing_in(tmp_path) as front, front.steps() as steps:
        await steps.register()
        code = await steps.code(SANDBOX_KEY)
        own, *stolen = await gather(
            steps.redeem(code),
            *(steps.redeem(code, code_verifier="v" * 43) for _ in range(AT_ONCE)),
        )
        assert own.status_code == 200
        assert {it.status_code for it in stolen} == {400}
        late = await steps.redeem(code, code_verifier="v" * 43)
        assert late.status_code == 400
        assert await status(front, own.json()) == 401
        assert not front.store.all()


async def test_workers_that_refresh_at_once_all_go_on(tmp_path: Path) -> None:
    async with signing_in(tmp_path) as front, front.steps() as steps:
        await steps.register()
        first = (await steps.sign_in(SANDBOX_KEY))["refresh_token"]
        answers = await gather(*(steps.refresh(first) for _ in range(AT_ONCE)))
        pairs = [it.json() for it in answers if it.status_code == 200]
        assert len({it["access_token"] for it in pairs}) == AT_ONCE
        assert [await status(front, it) for it in pairs] == [200] * AT_ONCE
        (sign_in,) = front.store.all()
        assert front.store.revoke(sign_in.id)
        assert [await status(front, it) for it in pairs] == [401] * AT_ONCE


async def test_a_refresh_at_the_moment_of_a_revocation_leaves_nothing(tmp_path: Path) -> None:
    async with signing_in(tmp_path) as front, front.steps() as steps:
        await steps.register()
        tokens = await steps.sign_in(SANDBOX_KEY)
        revocation = {"token": tokens["access_token"], "client_id": steps.client_id}
        answers = await gather(
            *(steps.refresh(tokens["refresh_token"]) for _ in range(AT_ONCE)),
            steps.http.post("/revoke", data=revocation),
            *(steps.refresh(tokens["refresh_token"]) for _ in range(AT_ONCE)),
        )
        given = [it.json() for it in answers if it.status_code == 200 and it.content]
        assert [await status(front, it) for it in (tokens, *given)] == [401] * (1 + len(given))


async def test_a_button_that_is_pressed_twice_at_once_gives_one_code(tmp_path: Path) -> None:
    async with signing_in(tmp_path) as front, front.steps() as steps:
        await steps.register()
        page = await steps.type_key(await steps.page(), SANDBOX_KEY)
        pages = await gather(*(steps.press(page, path="/sign-in/connect") for _ in range(AT_ONCE)))
        assert len({it.text for it in pages}) == 1
        assert {it.status_code for it in pages} == {200}
