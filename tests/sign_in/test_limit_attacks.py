"""Attacks by number and size: guessed keys, and large bodies.

Each row is one attack, made over HTTP against the whole app on the sandbox.
"""

from __future__ import annotations

from asyncio import gather
from typing import TYPE_CHECKING, Final

import httpx
import pytest

from tests.support.html_forms import text_of
from tests.support.product.sandbox_accounts import REVOKED_KEY
from tests.world.sign_in import registered
from tests.world.world import MINE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}
ENDPOINTS: Final = ("/token", "/revoke", "/register", "/sign-in", "/authorize")
LARGEST: Final = 16_384


@pytest.mark.parametrize("place", ["/sign-in", "/sign-in/sessions"])
async def test_keys_cannot_be_guessed_through_a_page(place: str, tmp_path: Path) -> None:
    """Ten wrong ones in ten minutes, on both pages together; another sign-in is no help."""
    async with registered(tmp_path) as (it, steps):
        page = await steps.page()
        guessed = page if place == "/sign-in" else await steps.browser.get(place)
        for number in range(10):
            refused = await steps.type_key(guessed, f"sk_live_{number}")
            assert refused.status_code == 403
        tried = len(it.keys)
        for limited in (
            await steps.type_key(guessed, MINE),
            await steps.type_key(await steps.page(), MINE),
            await steps.type_key(await steps.browser.get("/sign-in/sessions"), MINE),
        ):
            assert limited.status_code == 429
            assert limited.headers["retry-after"] == "600"
            assert "Try again in 10 minutes." in text_of(limited.text)
        assert len(it.keys) == tried, "TRaX is not asked"
        async with it.steps(steps.client_id, ip="198.51.100.7") as other:
            assert (await other.type_key(await other.page(), MINE)).status_code == 200
        it.hand_clock.advance(599)
        assert (await steps.type_key(await steps.page(), MINE)).status_code == 429
        it.hand_clock.advance(1)
        assert (await steps.type_key(await steps.page(), MINE)).status_code == 200


async def test_wrong_keys_that_are_tried_at_once_count_and_right_ones_do_not(
    tmp_path: Path,
) -> None:
    """Twenty people of one office share an address. Wrong keys of many refuse nobody else."""
    async with registered(tmp_path) as (it, steps):
        page = await steps.page()
        pages = await gather(*(steps.type_key(page, MINE) for _ in range(20)))
        assert {page.status_code for page in pages} == {200}
        for number in range(12):
            async with it.steps(steps.client_id, ip=f"8.8.{number}.8") as stranger:
                asked = len(it.keys)
                await gather(*(stranger.type_key(page, REVOKED_KEY) for _ in range(30)))
                assert len(it.keys) == asked + 10
        assert (await steps.type_key(page, MINE)).status_code == 200


@pytest.mark.parametrize("trusted", ["", "203.0.113.0/24", "127.0.0.1"])
async def test_only_a_trusted_proxy_says_where_a_request_comes_from(
    trusted: str, tmp_path: Path
) -> None:
    """Otherwise anyone could take a new address for each guess.

    It is the address that the proxy adds, not the one that a person writes before it.
    """
    settings = {"TRAX_TRUSTED_PROXIES": trusted} if trusted else {}
    async with (
        registered(tmp_path, **settings) as (it, known),
        it.steps_on_wire(known.client_id) as steps,
    ):
        page = await steps.page()

        async def guess(claimed: str, real: str) -> int:
            headers = {"X-Forwarded-For": f"{claimed}, {real}", "X-Real-IP": claimed}
            headers["Forwarded"] = f"for={claimed}"
            return (await steps.type_key(page, "sk_live_wrong", **headers)).status_code

        statuses = [await guess(f"203.0.113.{number}", "198.51.100.1") for number in range(11)]
        assert statuses == [403] * 10 + [429]
        elsewhere = await guess("198.51.100.1", "198.51.100.2")
        assert elsewhere == (403 if trusted == "127.0.0.1" else 429)


async def test_a_large_body_is_refused_before_it_is_read(tmp_path: Path) -> None:
    """Above 16 KB, whatever its length claims to be."""

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(1000):
            yield b"x=" + b"x" * 65_536

    async with registered(tmp_path) as (it, _):
        for path in ENDPOINTS:
            for content in (b"x" * (LARGEST + 1), endless()):
                try:
                    answer = await it.http.post(path, content=content, headers=FORM)
                except httpx.TransportError:
                    continue  # the connection was closed while it was still sent
                assert answer.status_code in {405, 413}, path
            largest = await it.http.post(path, content=b"a" * LARGEST, headers=FORM)
            assert largest.status_code in {400, 401, 403, 405}, path
