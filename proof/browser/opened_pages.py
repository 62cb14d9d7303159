"""What trax-mcp opens, in a browser that may be slow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.async_api import Error

if TYPE_CHECKING:
    from playwright.async_api import Page

    from tests.support.opened_addresses import OpenedAddresses


async def follow(page: Page, opened: OpenedAddresses) -> None:
    """Open in a page what trax-mcp opens first.

    That is a file which is gone after four seconds. Then trax-mcp opens the page itself.
    """
    try:
        await page.goto(await opened.next())
    except Error:
        await page.goto(await opened.next(2))
