"""Attacks by number and size: guessed keys, large bodies, and other names of the server.

Each row is one attack, made over HTTP against the whole app on the sandbox.
"""

from __future__ import annotations

from asyncio import gather
from typing import TYPE_CHECKING, Final

import httpx
import pytest

from tests.support.html_forms import text_of
from tests.support.oauth_steps import answer_of
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.product.sandbox_accounts import REVOKED_KEY
from tests.support.served_sign_in import registered

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize("place", ["/sign-in", "/sign-in/sessions"])
async def test_keys_cannot_be_guessed_through_a_page(place: str, tmp_path: Path) -> None:
    """Ten wrong ones in ten minutes, on both pages together; another sign-in is no help."""
    async with registered(tmp_path) as (hosted, steps):
        page = await steps.page()
        guessed = page if place == "/sign-in" else await steps.browser.get(place)
        for number in range(10):
            refused = await steps.type_key(guessed, f"sk_live_{number}")
            assert refused.status_code == 403
        tried = len(hosted.keys)
        for limited in (
            await steps.type_key(guessed, SANDBOX_KEY),
            await steps.type_key(await steps.page(), SANDBOX_KEY),
            await steps.type_key(await steps.browser.get("/sign-in/sessions"), SANDBOX_KEY),
        ):
            assert limited.status_code == 429
            assert limited.headers["retry-after"] == "600"
            assert "Try again in 10 minutes." in text_of(limited.text)
        assert len(hosted.keys) == tried, "TRaX is not asked"
        async with hosted.steps(steps.client_id, ip="198.51.100.7") as other:
            assert (await other.type_key(await other.page(), SANDBOX_KEY)).status_code == 200
        hosted.clock.advance(599)
        assert (await steps.type_key(await steps.page(), SANDBOX_KEY)).status_code == 429
        hosted.clock.advance(1)
        assert (await steps.type_key(await steps.page(), SANDBOX_KEY)).status_code == 200


async def test_wrong_keys_that_are_tried_at_once_count_too(tmp_path: Path) -> None:
    async with registered(tmp_path) as (hosted, steps):
        page = await steps.page()
        await gather(*(steps.type_key(page, REVOKED_KEY) for _ in range(30)))
        assert len(hosted.keys) == 10


async def test_right_keys_do_not_count_as_wrong_ones(tmp_path: Path) -> None:
    async with registered(tmp_path) as (_hosted, steps):
        for _ in range(12):
            page = await steps.type_key(await steps.page(), SANDBOX_KEY)
            assert page.status_code == 200


async def test_twenty_people_of_one_office_sign_in_at_once(tmp_path: Path) -> None:
    """They share an address. More right keys are tried than there may be wrong ones."""
    async with registered(tmp_path) as (_hosted, steps):
        page = await steps.page()
        pages = await gather(*(steps.type_key(page, SANDBOX_KEY) for _ in range(20)))
        assert {it.status_code for it in pages} == {200}


async def test_wrong_keys_of_many_addresses_refuse_nobody_else(tmp_path: Path) -> None:
    async with registered(tmp_path) as (hosted, steps):
        page = await steps.page()
        for number in range(51):
            async with hosted.steps(steps.client_id, ip=f"8.8.{number}.8") as stranger:
                await gather(*(stranger.type_key(page, REVOKED_KEY) for _ in range(11)))
        assert (await steps.type_key(page, SANDBOX_KEY)).status_code == 200


async def test_sign_ins_that_strangers_begin_end_nobody_else_s(tmp_path: Path) -> None:
    """Nor do clients that register. A thousand of each, from one address."""
    async with registered(tmp_path) as (hosted, steps):
        page = await steps.page()
        async with hosted.steps(steps.client_id) as stranger:
            assert {(await stranger.authorize()).status_code for _ in range(1000)} == {200}
            assert {(await stranger.register()).status_code for _ in range(1000)} == {201}
        checked = await steps.type_key(page, SANDBOX_KEY)
        assert "code" in answer_of(await steps.press(checked, "Connect"))


ONE_CUSTOMER: Final = {
    "the first 64 bits of IPv6": ("2606:4700:1:1::1", "2606:4700:1:1:ffff::2", 429),
    "another spelling": ("2606:4700:1:1::1", "2606:4700:0001:0001:0:0:0:1", 429),
    "IPv4 inside IPv6": ("8.8.8.8", "::ffff:8.8.8.8", 429),
    "another network of IPv6": ("2606:4700:1:1::1", "2606:4700:1:2::1", 403),
    "another address": ("8.8.8.8", "8.8.4.4", 403),
}
"""Two addresses, and the status of a wrong key from the second when the first has tried ten."""


@pytest.mark.parametrize("case", ONE_CUSTOMER)
async def test_one_customer_has_one_number_of_wrong_keys(case: str, tmp_path: Path) -> None:
    one, other, status = ONE_CUSTOMER[case]
    async with registered(tmp_path) as (hosted, steps):
        async with hosted.steps(steps.client_id, ip=one) as first:
            page = await first.page()
            for number in range(10):
                await first.type_key(page, f"sk_live_{number}")
        async with hosted.steps(steps.client_id, ip=other) as second:
            refused = await second.type_key(await second.page(), "sk_live_wrong")
    assert refused.status_code == status


@pytest.mark.parametrize("trusted", ["", "203.0.113.0/24", "127.0.0.1"])
async def test_only_a_trusted_proxy_says_where_a_request_comes_from(
    trusted: str, tmp_path: Path
) -> None:
    """Otherwise anyone could take a new address for each guess.

    It is the address that the proxy adds, not the one that a person writes before it.
    """
    settings = {"TRAX_TRUSTED_PROXIES": trusted} if trusted else {}
    async with (
        registered(tmp_path, **settings) as (hosted, known),
        hosted.steps_on_wire(known.client_id) as steps,
    ):
        page = await steps.page()

        async def guess(claimed: str, real: str) -> int:
            headers = {"X-Forwarded-For": f"{claimed}, {real}", "X-Real-IP": claimed}
            headers["Forwarded"] = f"for={claimed}"
            return (await steps.type_key(page, "sk_live_wrong", **headers)).status_code

        statuses = [await guess(f"203.0.113.{it}", "198.51.100.1") for it in range(11)]
        assert statuses == [403] * 10 + [429]
        elsewhere = await guess("198.51.100.1", "198.51.100.2")
        assert elsewhere == (403 if trusted == "127.0.0.1" else 429)


@pytest.mark.parametrize("path", ["/token", "/revoke", "/register", "/sign-in", "/authorize"])
async def test_a_large_body_is_refused_before_it_is_read(path: str, tmp_path: Path) -> None:
    """Above 16 KB, whatever its length claims to be."""
    async with registered(tmp_path) as (hosted, _steps):

        async def endless() -> AsyncIterator[bytes]:
            for _ in range(1000):
                yield b"x=" + b"x" * 65_536

        for content in (b"x" * 16_385, endless()):
            try:
                answer = await hosted.http.post(path, content=content, headers=FORM)
            except httpx.TransportError:
                continue  # the connection was closed while it was still sent
            assert answer.status_code in {405, 413}
        largest = await hosted.http.post(path, content=b"a" * 16_384, headers=FORM)
        assert largest.status_code in {400, 401, 403, 405}


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
