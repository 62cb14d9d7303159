"""What breaks around a room in mid-show, in an app and on its page, with a press meanwhile."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import anyio
import pytest

from proof.browser.room_views import WHERE, open_view
from tests.support.product.faults import Fault
from tests.world.world import MINE

if TYPE_CHECKING:
    from playwright.async_api import Browser

    from proof.browser.room_views import RoomView, Where
    from tests.support.opened_addresses import OpenedAddresses


async def has_no_contact(view: RoomView, why: str) -> None:
    """Wait until the room says why it has no contact. Its light claims nothing of now."""
    await view.shows("#contact", why)
    await view.shows("#standing", "as of ")
    await view.shows("#light", "ON AIR ?")
    assert await view.text("#air") == "Go offline"


async def test_trax_fails_and_comes_back(browser: Browser, opened: OpenedAddresses) -> None:
    """A stop is asked about, though nothing can be read for it."""
    async with open_view(browser, opened, "app") as view:
        view.world.trax.faults.add(Fault.status(502), times=None)
        await view.shows("#light", "ON AIR ?")
        await has_no_contact(view, "TRaX has a problem (HTTP 502).")
        await view.click("#air")
        await view.shows("#questions", "Take studio_42 off air?")
        await view.click("button.no:enabled")
        await view.shows("#said", "You said no. Nothing was sent.")
        view.world.trax.faults.clear()
        await view.shows("#light", "ON AIR 0:")
        await view.is_gone("#contact")
        assert view.world.sent == []


@pytest.mark.parametrize("where", WHERE)
async def test_the_server_ends(browser: Browser, opened: OpenedAddresses, where: Where) -> None:
    """An app goes on with another server, since all state is in its calls. A page has ended."""
    async with open_view(browser, opened, where) as view:
        view.world.trax.say("before", author="Ada")
        await view.shows("#log li", "before")
        assert await view.process.stop(signal.SIGINT) == 0
        await has_no_contact(view, "trax-mcp hasn't answered since")
        await view.click("#air")
        await view.shows("#said", "Check whether it was done before you press again.")
        if where == "page":
            return
        view.world.trax.say("meanwhile", author="Ada")
        await view.world.start_replica()
        await view.shows("#light", "ON AIR 0:")
        await view.is_gone("#contact")
        await view.shows("#log li", "meanwhile")
        assert await view.room.locator("#log li", has_text="before").count() == 1


async def test_the_key_is_revoked(browser: Browser, opened: OpenedAddresses) -> None:
    async with open_view(browser, opened, "page") as view:
        view.world.trax.remove_key()
        await has_no_contact(view, "TRaX doesn't accept this API key")
        before = len(view.world.trax.requests)
        await anyio.sleep(2)  # nothing can be waited for
        assert len(view.world.trax.requests) == before
        view.world.trax.add_key(MINE)
        await view.click("#contact button")
        await view.shows("#light", "ON AIR 0:")
        await view.is_gone("#contact")
        view.world.trax.remove_key()
        await has_no_contact(view, "TRaX doesn't accept this API key")
        await view.click("#air")
        await view.shows("#said", "The change wasn't sent.")


async def test_the_studio_is_deleted(browser: Browser, opened: OpenedAddresses) -> None:
    async with open_view(browser, opened, "page") as view:
        view.world.trax.remove("studio_42")
        await has_no_contact(view, "doesn't find this studio")
        await view.shows("#contact button", "Try again")
        before = len(view.world.trax.requests)
        await anyio.sleep(2)  # nothing can be waited for
        assert len(view.world.trax.requests) == before
        await view.click("#air")
        await view.shows("#said", "The change wasn't sent.")
