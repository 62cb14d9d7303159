"""A temporary home folder, in which `trax-mcp` commands are run."""

from __future__ import annotations

import json
import re
import stat
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support.client_configurations import SAMPLES, Sample
from tests.support.loopback_ports import closed_port
from tests.support.product.commands import START_COMMAND, run_command, run_command_beside
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.product.sandbox_accounts import MODERATOR_KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from tests.support.product.commands import Outcome

KEY: Final = "sk_live_0123456789abcdef"
ADDRESS: Final = "https://api-dev.traxstreaming.live"
"""Where TRaX is by default."""
OTHER_KEY: Final = "sk_live_fedcba9876543210"
ODD_KEY: Final = "eyJhbGciOiJSUzI1NiJ9.e30.c2lnbmF0dXJl"
BLIND_KEY: Final = "sk_live_blind"
SECRETS: Final = (
    *(KEY, OTHER_KEY, ODD_KEY, BLIND_KEY, SANDBOX_KEY, MODERATOR_KEY),
    *("hunter2", "sk_live_5555"),
)
"""All keys, and a password in a client's configuration: never in the output."""
NO_NETWORK: Final = {"HTTPS_PROXY": f"http://127.0.0.1:{closed_port()}"}
"""No request leaves this machine, even to the default address: no server listens there."""
COMMAND, *ARGUMENTS = START_COMMAND

each_client = pytest.mark.parametrize("sample", SAMPLES, ids=lambda it: it.client)
"""Run a test for every client, with its sample configuration."""


class Home:
    """A home folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.key_file = path / ".config/trax-mcp/key"

    def install(
        self,
        *arguments: str,
        typed: str | Callable[[], str] | None = "",
        chosen: str = "",
        terminal: bool = False,
        settings: Mapping[str, str] | None = None,
    ) -> Outcome:
        """Run `install` here, where TRaX cannot be reached."""
        given = self.settings(**settings or {})
        return run_command(
            "install", *arguments, settings=given, typed=typed, chosen=chosen, terminal=terminal
        )

    def doctor(self, *arguments: str) -> dict[str, dict[str, str]]:
        """Run `doctor` here; returns its checks by name."""
        done = run_command("doctor", "--json", *arguments, settings=self.settings())
        return {it["name"]: it for it in json.loads(done.out)["checks"]}

    async def run_beside(
        self,
        *arguments: str,
        typed: str | Callable[[], str] | None = "",
        chosen: str = "",
        terminal: bool = False,
        settings: Mapping[str, str] | None = None,
    ) -> Outcome:
        """Run any command here, while a sandbox answers from the event loop of the test."""
        given = self.settings(**settings or {})
        return await run_command_beside(
            *arguments, settings=given, typed=typed, chosen=chosen, terminal=terminal
        )

    def settings(self, **variables: str) -> dict[str, str]:
        """The environment variables that make this the home folder."""
        return {"HOME": str(self.path), **NO_NETWORK, **variables}

    def write_config(self, sample: Sample, text: str | None = None) -> Path:
        """Write a configuration to the path where its client expects it."""
        file = self.path / sample.path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes((sample.text if text is None else text).encode())
        return file

    def write_entry(self, client: str, **fields: object) -> Path:
        """Write a configuration with this entry for trax alone."""
        sample = sample_of(client)
        return self.write_config(sample, json.dumps({sample.servers: {"trax": fields}}))

    def configure(self, client: str, *arguments: str, **env: str) -> None:
        """Configure a client to start this installation with these arguments and settings."""
        started = {"command": COMMAND, "args": [*ARGUMENTS, *arguments], "env": env}
        self.write_entry(client, **sample_of(client).fields, **started)

    def write_codex(self, env: Mapping[str, str]) -> None:
        """Write the configuration of Codex by hand, beside another setting."""
        entry = {"command": COMMAND, "args": ARGUMENTS}
        tables = [
            'model = "gpt-5"  # mine',
            "[mcp_servers.trax]",
            *(f"{name} = {json.dumps(value)}" for name, value in entry.items()),
            "[mcp_servers.trax.env]",
            *(f"{name} = {json.dumps(value)}" for name, value in env.items()),
        ]
        file = self.path / ".codex/config.toml"
        file.parent.mkdir()
        file.write_text("\n".join(tables), encoding="utf-8")

    def config_with_trax(self, sample: Sample) -> str:
        """The expected configuration after an install here."""
        return sample.with_trax({**sample.fields, "command": COMMAND, "args": ARGUMENTS})

    def write_key(self, key: str, address: str | None = ADDRESS) -> None:
        """Write the key file as `install` does, or by hand, without an address."""
        self.key_file.parent.mkdir(parents=True, exist_ok=True)
        self.key_file.write_text(f"{key}\n{address}\n" if address else f"{key}\n", encoding="utf-8")
        self.key_file.chmod(0o600)

    def all_files(self) -> dict[str, bytes]:
        """The content of every file, by path."""
        return {str(it.relative_to(self.path)): it.read_bytes() for it in self._files()}

    def file_stats(self) -> dict[str, tuple[int, int, int]]:
        """Inode, modification time and mode by path, which any write changes."""
        found = {str(it.relative_to(self.path)): it.lstat() for it in self.path.rglob("*")}
        return {name: (it.st_ino, it.st_mtime_ns, it.st_mode) for name, it in found.items()}

    def _files(self) -> Iterator[Path]:
        return (it for it in self.path.rglob("*") if it.is_file())


def without_ports(text: str) -> str:
    """A text with a placeholder for each port of this machine."""
    return re.sub(r"(?<=//127\.0\.0\.1):\d+", ":PORT", text)


def mode(path: Path) -> int:
    """The permission bits of a file."""
    return stat.S_IMODE(path.stat().st_mode)


def entry(file: Path) -> dict[str, Any]:
    """The trax entry of a configuration without comments."""
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))["mcpServers"]["trax"]
    return found


def sample_of(client: str) -> Sample:
    """A client's sample configuration."""
    return next(it for it in SAMPLES if it.client == client)
