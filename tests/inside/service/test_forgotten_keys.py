"""Keys that people have typed are in memory for ten minutes, and not until somebody else comes."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.served_sign_in import registered
from trax_mcp.server.oauth.ended_sign_ins import CHECK_SECONDS
from trax_mcp.sign_in.codes import CODE_SECONDS
from trax_mcp.sign_in.grants import Grant
from trax_mcp.sign_in.pending import PENDING_SECONDS, AcceptedKey
from trax_mcp.web.sign_in_list_page import _OpenList

if TYPE_CHECKING:
    from pathlib import Path


def held(kind: type) -> int:
    """How many of a kind are in memory."""
    gc.collect()
    return sum(type(it) is kind for it in gc.get_objects())


async def test_the_key_of_a_sign_in_that_is_left_alone_is_forgotten(tmp_path: Path) -> None:
    before = held(AcceptedKey)
    async with registered(tmp_path) as (front, steps):
        await steps.type_key(await steps.page(), SANDBOX_KEY)
        assert held(AcceptedKey) == before + 1
        await front.clock.pass_by(CHECK_SECONDS)
        front.clock.advance(PENDING_SECONDS - CHECK_SECONDS)
        await front.clock.pass_by(CHECK_SECONDS)
        assert held(AcceptedKey) == before


async def test_the_key_of_a_code_that_no_client_used_is_forgotten(tmp_path: Path) -> None:
    before = held(Grant)
    async with registered(tmp_path) as (front, steps):
        await steps.code(SANDBOX_KEY)
        assert held(Grant) == before + 1
        await front.clock.pass_by(CODE_SECONDS + CHECK_SECONDS)
        assert held(Grant) == before


async def test_the_key_of_a_list_that_is_left_open_is_forgotten(tmp_path: Path) -> None:
    before = held(_OpenList)
    async with registered(tmp_path) as (front, steps):
        await steps.sign_in(SANDBOX_KEY)
        page = await steps.browser.get("/sign-in/sessions")
        await steps.type_key(page, SANDBOX_KEY)
        assert held(_OpenList) == before + 1
        await front.clock.pass_by(CHECK_SECONDS)
        front.clock.advance(PENDING_SECONDS - CHECK_SECONDS)
        await front.clock.pass_by(CHECK_SECONDS)
        assert held(_OpenList) == before
