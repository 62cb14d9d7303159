"""Addresses that a real trax-mcp process would open in a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from tests.support.server_process import PATIENCE_SECONDS, environment

if TYPE_CHECKING:
    from pathlib import Path


class OpenedAddresses:
    """Stands in for the browser command: trax-mcp "opens" an address by writing it to a file."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "opened"
        program = folder / "browser"
        program.write_text(f'#!/bin/sh\necho "$1" >> {self._file}\n', encoding="utf-8")
        program.chmod(0o700)
        self.environment = {
            **environment({"TRAX_SANDBOX": "1", "TRAX_ASK": "form,panel,page,preview"}),
            "DISPLAY": ":99",
            "BROWSER": f"{program} %s",
            "SSH_CONNECTION": "",
            "SSH_TTY": "",
        }

    async def next(self, number: int = 1) -> str:
        """The address that was opened as the first, or as the given one."""
        with anyio.fail_after(PATIENCE_SECONDS):
            while len(lines := self._lines()) < number:  # noqa: ASYNC110  it can only be asked
                await anyio.sleep(0.01)
        return lines[number - 1]

    def forget(self) -> None:
        """Count from here on."""
        self._file.unlink(missing_ok=True)

    def _lines(self) -> list[str]:
        return self._file.read_text(encoding="utf-8").splitlines() if self._file.exists() else []
