"""Attacks by number and size: guesses, floods, large bodies, and other names of the server.

Each row is one attack, made over HTTP against the whole app on the sandbox.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.support.html_forms import forms_of
from tests.support.served_sign_in import registered
from trax_mcp.sandbox import SANDBOX_KEY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("place", ["/sign-in", "/sign-in/sessions"])
async def test_keys_cannot_be_guessed_through_a_page(place: str, tmp_path: Path) -> None:
    """Ten wrong ones in ten minutes, on both pages together; what the sender claims is no help."""
    async with registered(tmp_path) as (hosted, steps):
        page = await steps.page()
        if place != "/sign-in":
            page = await steps.browser.get(place)
        (form,) = (it for it in forms_of(page.text) if it.passwords)
        fields = form.filled(key="", access="run")
        addresses = (f"203.0.113.{it}" for it in count(1))

        async def guess(key: str) -> httpx.Response:
            claimed = next(addresses)
            return await steps.browser.post(
                form.action or place,
                data=fields | dict.fromkeys(form.passwords, key),
                headers={
                    "Origin": hosted.address,
                    "X-Forwarded-For": claimed,
                    "Forwarded": f"for={claimed}",
                    "X-Real-IP": claimed,
                },
            )

        statuses = [(await guess(f"sk_live_{it}")).status_code for it in range(10)]
        assert statuses == [403] * 10
        tried = len(hosted.keys)
        limited = await guess(SANDBOX_KEY)
        assert limited.status_code == 429
        assert 0 < int(limited.headers["retry-after"]) <= 600
        assert len(hosted.keys) == tried
        other = await steps.type_key(await steps.page(), SANDBOX_KEY)
        assert other.status_code == 429
        hosted.clock.advance(601)
        assert (await guess("sk_live_again")).status_code in {403, 410, 404, 400}


async def test_behind_a_trusted_proxy_each_person_has_their_own_limit(tmp_path: Path) -> None:
    """The address is the one that the proxy adds, not the one that a person writes before it."""
    settings = {"TRAX_TRUSTED_PROXIES": "127.0.0.1"}
    async with registered(tmp_path, settings) as (hosted, steps):
        page = await steps.page()
        (form,) = (it for it in forms_of(page.text) if it.passwords)

        async def guess(claimed: str, real: str) -> int:
            answer = await steps.browser.post(
                form.action,
                data=form.filled(key="sk_live_wrong", access="run"),
                headers={"Origin": hosted.address, "X-Forwarded-For": f"{claimed}, {real}"},
            )
            return answer.status_code

        statuses = [await guess(f"203.0.113.{it}", "198.51.100.1") for it in range(11)]
        assert statuses == [403] * 10 + [429]
        assert await guess("198.51.100.1", "198.51.100.2") == 403


async def test_a_flood_of_requests_ends_in_a_page_that_says_when_to_come_back(
    tmp_path: Path,
) -> None:
    """Sixty sign-ins begun from one address in ten minutes."""
    async with registered(tmp_path) as (_hosted, steps):
        statuses = [(await steps.authorize()).status_code for _ in range(60)]
        assert statuses == [302] * 60
        limited = await steps.authorize()
        assert limited.status_code == 429
        assert int(limited.headers["retry-after"]) > 0


@pytest.mark.parametrize("path", ["/token", "/revoke", "/register", "/sign-in", "/authorize"])
async def test_a_large_body_is_refused_before_it_is_read(path: str, tmp_path: Path) -> None:
    """Above 16 KB, whatever its length claims to be."""
    async with registered(tmp_path) as (hosted, steps):

        async def endless() -> AsyncIterator[bytes]:
            for _ in range(1000):
                yield b"x=" + b"x" * 65_536

        headers = {"Content-Type": "application/x-www-form-urlencoded", "Origin": hosted.address}
        for content in (b"x" * 20_000, endless()):
            try:
                answer = await steps.http.post(path, content=content, headers=headers)
            except httpx.TransportError:
                continue  # the connection was closed while it was still sent
            assert 400 <= answer.status_code < 500
        assert (await steps.http.get("/healthz")).status_code == 200


@pytest.mark.parametrize(
    "path", ["/authorize", "/sign-in", "/token", "/.well-known/oauth-authorization-server"]
)
async def test_no_page_is_served_under_another_name(path: str, tmp_path: Path) -> None:
    """Another name that leads to this server may be DNS rebinding."""
    async with registered(tmp_path) as (hosted, steps):
        for host in (
            "evil.example",
            "127.0.0.1.evil.example",
            f"evil.example:{hosted.address.rpartition(':')[2]}",
        ):
            answer = await steps.http.get(path, headers={"Host": host})
            assert answer.status_code == 421
