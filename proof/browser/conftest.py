"""A real Chromium, and addresses that trax-mcp would open in it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

import anyio
import pytest
import pytest_asyncio
from playwright.async_api import async_playwright

from tests.support.server_process import PATIENCE_SECONDS, environment

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser

_NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
_ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest_asyncio.fixture
async def browser() -> AsyncIterator[Browser]:
    """A headless Chromium, of the system's packages."""
    program = next(filter(None, map(shutil.which, _NAMES)), None)
    assert program, "there is no Chromium: see `make browser`"
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=program, args=_ARGUMENTS)
        yield chromium
        await chromium.close()


class OpenedAddresses:
    """Stands in for the browser command: trax-mcp "opens" an address by writing it to a file."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "opened"
        program = folder / "browser"
        program.write_text(f'#!/bin/sh\necho "$1" >> {self._file}\n', encoding="utf-8")
        program.chmod(0o700)
        self.environment = {
            **environment({"TRAX_SANDBOX": "1", "TRAX_ASK": "form,panel,page"}),
            "DISPLAY": ":99",
            "BROWSER": f"{program} %s",
        }
        self.environment.pop("SSH_CONNECTION", None)

    async def next(self, number: int = 1) -> str:
        """The address that was opened as the first, or as the given one."""
        with anyio.fail_after(PATIENCE_SECONDS):
            while len(lines := self._lines()) < number:
                await anyio.lowlevel.checkpoint()
        return lines[number - 1]

    def _lines(self) -> list[str]:
        return self._file.read_text(encoding="utf-8").splitlines() if self._file.exists() else []


@pytest.fixture
def opened(tmp_path: Path) -> OpenedAddresses:
    """The addresses that trax-mcp opens."""
    return OpenedAddresses(tmp_path)


@pytest.fixture
def pictures() -> Path | None:
    """Where to write the pictures in the documentation, if anywhere."""
    folder = os.environ.get("WRITE_PICTURES")
    return Path(folder) if folder else None
