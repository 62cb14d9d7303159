"""A real Chromium, and addresses that trax-mcp would open in it."""

from __future__ import annotations

import shutil
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
import pytest_asyncio
from playwright.async_api import async_playwright

from tests.support.opened_addresses import OpenedAddresses

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser, Playwright

_NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
_ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let all tests of this folder share one event loop, as they share the browser."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@asynccontextmanager
async def launch(playwright: Playwright) -> AsyncIterator[Browser]:
    """A headless Chromium, of the system's packages."""
    program = next(filter(None, map(shutil.which, _NAMES)), None)
    assert program, "there is no Chromium: see `make proof PART=browser`"
    browser = await playwright.chromium.launch(executable_path=program, args=_ARGUMENTS)
    yield browser
    await browser.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """A headless Chromium. Each test has windows of its own."""
    async with async_playwright() as playwright, launch(playwright) as chromium:
        yield chromium


@pytest.fixture
def opened(tmp_path: Path) -> OpenedAddresses:
    """The addresses that trax-mcp opens."""
    return OpenedAddresses(tmp_path)
