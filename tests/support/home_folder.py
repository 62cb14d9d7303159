"""A temporary home folder, in which `trax-mcp install` is run as a process."""

from __future__ import annotations

import json
import os
import pty
import stat
import sys
from asyncio import create_subprocess_exec, timeout
from asyncio.subprocess import PIPE
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support.client_configurations import SAMPLES, Sample
from tests.support.server_process import PATIENCE_SECONDS, environment, running
from trax_mcp.cli.install.client_configuration import start_commands

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

KEY: Final = "sk_live_0123456789abcdef"
OTHER_KEY: Final = "sk_live_fedcba9876543210"
FOLDER_VARIABLES: Final = ("XDG_CONFIG_HOME", "CLAUDE_CONFIG_DIR", "CODEX_HOME")
NO_NETWORK: Final = {"HTTPS_PROXY": "http://127.0.0.1:9"}
"""No request leaves this machine, even to the default address: no server listens there."""
COMMAND, *ARGUMENTS = start_commands()[0]

each_client = pytest.mark.parametrize("sample", SAMPLES, ids=lambda it: it.client)
"""Run a test for every client, with its sample configuration."""


@dataclass(frozen=True)
class Outcome:
    """The exit code and the output of a command."""

    code: int
    out: str
    err: str


class Home:
    """A home folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.key_file = path / ".config/trax-mcp/key"

    async def install(
        self, client: str, *arguments: str, typed: str = "", **variables: str
    ) -> Outcome:
        """Run the command here, with `typed` on a stdin that is not a terminal."""
        async with running(
            "install", client, *arguments, settings=self.settings(**variables)
        ) as it:
            await it.write(typed)
            code = await it.finish()
        return Outcome(code, it.stdout.text, it.stderr.text)

    def settings(self, **variables: str) -> dict[str, str]:
        """The environment variables that make this the home folder."""
        own = {"HOME": str(self.path), **dict.fromkeys(FOLDER_VARIABLES, ""), **NO_NETWORK}
        return own | variables

    def write_config(self, sample: Sample, text: str | None = None) -> Path:
        """Write a configuration to the path where its client expects it."""
        file = self.path / sample.path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes((sample.text if text is None else text).encode())
        return file

    def config_with_trax(self, sample: Sample) -> str:
        """The expected configuration after an install here."""
        command = {"command": COMMAND, "args": ARGUMENTS}
        return sample.with_trax({**sample.fields, **command, "env": self.key_file_settings})

    @property
    def key_file_settings(self) -> dict[str, str]:
        """The settings that name the key file and override all other sources of a key."""
        return {"TRAX_API_KEY_FILE": str(self.key_file), "TRAX_API_KEY": "", "TRAX_SANDBOX": ""}

    def all_files(self) -> dict[str, bytes]:
        """The content of every file, by path."""
        return {str(it.relative_to(self.path)): it.read_bytes() for it in self._files()}

    def file_stats(self) -> dict[str, tuple[int, int, int]]:
        """Inode, modification time and mode by path, which any write changes."""
        found = {str(it.relative_to(self.path)): it.lstat() for it in self.path.rglob("*")}
        return {name: (it.st_ino, it.st_mtime_ns, it.st_mode) for name, it in found.items()}

    def _files(self) -> Iterator[Path]:
        return (it for it in self.path.rglob("*") if it.is_file())


def mode(path: Path) -> int:
    """The permission bits of a file."""
    return stat.S_IMODE(path.stat().st_mode)


def entry(file: Path) -> dict[str, Any]:
    """The trax entry of a configuration without comments."""
    found: dict[str, Any] = json.loads(file.read_text())["mcpServers"]["trax"]
    return found


def sample_of(client: str) -> Sample:
    """A client's sample configuration."""
    return next(it for it in SAMPLES if it.client == client)


async def install_on_terminal(
    home: Home, client: str, *, before_answer: Callable[[], object], code: int = 0
) -> bytes:
    """Run the command on a terminal and type the key; returns all output, with the echo.

    `before_answer` is called between the question and the answer. It must exit with `code`.
    """
    controller, terminal = pty.openpty()
    process = await create_subprocess_exec(
        *(sys.executable, "-m", "trax_mcp", "install", client),
        stdin=terminal,
        stdout=PIPE,
        stderr=PIPE,
        env=environment(home.settings()),
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    async with timeout(PATIENCE_SECONDS):
        output = await process.stderr.readuntil(b"Your TRaX key: ")
        before_answer()
        os.write(controller, f"{KEY}\n".encode())
        output += await process.stdout.read() + await process.stderr.read()
        assert await process.wait() == code, output
    os.set_blocking(controller, False)
    os.close(terminal)
    return output + echo(controller)


def echo(controller: int) -> bytes:
    """Read what a terminal has shown, and close it."""
    try:
        return os.read(controller, 4096)
    except OSError:  # nothing was shown, and the other end is closed
        return b""
    finally:
        os.close(controller)
