"""A home folder for `trax-mcp install`: the command is run there as a person runs it.

Nothing of the machine's own home is read or written.
"""

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

from tests.configurations import SAMPLES, Sample
from tests.processes import PATIENCE_SECONDS, environment, running
from trax_mcp.cli.entries import Installation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

KEY: Final = "sk_live_0123456789abcdef"
OTHER_KEY: Final = "sk_live_fedcba9876543210"
COMMAND, *ARGUMENTS = Installation.this().commands[0]

each_client = pytest.mark.parametrize("sample", SAMPLES, ids=lambda it: it.client)
"""A test of every client, with the sample of its configuration."""


@dataclass(frozen=True)
class Outcome:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str


class Home:
    """A person's home folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.key_file = path / ".config/trax-mcp/key"

    async def install(
        self, client: str, *arguments: str, typed: str = "", **variables: str
    ) -> Outcome:
        """Run the command here, with this on a stdin that is no terminal."""
        async with running(
            "install", client, *arguments, settings=self.settings(**variables)
        ) as it:
            await it.write(typed)
            code = await it.hang_up()
        return Outcome(code, it.stdout.text, it.stderr.text)

    def settings(self, **variables: str) -> dict[str, str]:
        """The environment that makes this the home folder."""
        here = {"HOME": str(self.path), "XDG_CONFIG_HOME": "", "CLAUDE_CONFIG_DIR": ""}
        return here | variables

    def has(self, sample: Sample, text: str | None = None) -> Path:
        """Put a configuration where its client has it."""
        file = self.path / sample.place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes((sample.text if text is None else text).encode())
        return file

    def grown(self, sample: Sample) -> str:
        """What a sample is to become here."""
        assert ARGUMENTS == []
        return sample.grown(command=COMMAND, key_file=str(self.key_file))

    @property
    def only_the_key_file(self) -> dict[str, str]:
        """The settings that name it and leave no other say in the matter."""
        return {"TRAX_API_KEY_FILE": str(self.key_file), "TRAX_API_KEY": "", "TRAX_SANDBOX": ""}

    def all_files(self) -> dict[str, bytes]:
        """All that there is, by its path."""
        return {str(it.relative_to(self.path)): it.read_bytes() for it in self._files()}

    def state(self) -> dict[str, tuple[int, int, int]]:
        """What would differ if anything was written, even the same."""
        found = {str(it.relative_to(self.path)): it.lstat() for it in self.path.rglob("*")}
        return {name: (it.st_ino, it.st_mtime_ns, it.st_mode) for name, it in found.items()}

    def _files(self) -> Iterator[Path]:
        return (it for it in self.path.rglob("*") if it.is_file())


def mode(path: Path) -> int:
    """Who may do what with a file."""
    return stat.S_IMODE(path.stat().st_mode)


def entry(file: Path, servers: str = "mcpServers") -> dict[str, Any]:
    """The entry of trax in a configuration without comments."""
    found: dict[str, Any] = json.loads(file.read_text())[servers]["trax"]
    return found


def sample_of(client: str) -> Sample:
    """The sample of a client."""
    return next(it for it in SAMPLES if it.client == client)


async def on_a_terminal(home: Home, client: str, *, meanwhile: Callable[[], object]) -> bytes:
    """Run the command on a terminal and type the key; return all that it and the terminal say.

    Something may happen between the question and the answer.
    """
    ours, theirs = pty.openpty()
    process = await create_subprocess_exec(
        *(sys.executable, "-m", "trax_mcp", "install", client),
        stdin=theirs,
        stdout=PIPE,
        stderr=PIPE,
        env=environment(home.settings()),
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    async with timeout(PATIENCE_SECONDS):
        said = await process.stderr.readuntil(b"Your TRaX key: ")
        meanwhile()
        os.write(ours, f"{KEY}\n".encode())
        said += await process.stdout.read() + await process.stderr.read()
        assert await process.wait() == 0, said
    os.set_blocking(ours, False)
    os.close(theirs)
    return said + echo(ours)


def echo(terminal: int) -> bytes:
    """What a terminal has shown, and the end of it."""
    try:
        return os.read(terminal, 4096)
    except OSError:  # nobody is there any more, and nothing was shown
        return b""
    finally:
        os.close(terminal)
