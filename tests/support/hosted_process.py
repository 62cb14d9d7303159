"""`trax-mcp http --sign-in` as a real process on loopback, with its files in a given folder."""

from __future__ import annotations

from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import httpx

from tests.support.loopback_ports import held_port
from tests.support.server_process import PATIENCE_SECONDS, Running, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from pathlib import Path

FILE: Final = "sign-in.sqlite"
SECRET_FILE: Final = "sign-in.secret"


@dataclass(frozen=True)
class HostedServer:
    """The process, its public address, and its two files."""

    process: Running
    address: str
    file: Path
    secret_file: Path


@asynccontextmanager
async def hosted_server(
    folder: Path,
    *arguments: str,
    settings: Mapping[str, str] | None = None,
    program: Sequence[str] = ("-m", "trax_mcp"),
    port: int | None = None,
) -> AsyncIterator[HostedServer]:
    """Start it. Its address is known before, as that of a server behind a name is.

    Without a `port`, on one that is free.
    """
    files = {
        "TRAX_SIGN_IN_FILE": str(folder / FILE),
        "TRAX_SIGN_IN_SECRET_FILE": str(folder / SECRET_FILE),
    }
    with held_port() if port is None else nullcontext(port) as known:
        address = f"http://127.0.0.1:{known}"
        options = ("--sign-in", "--public-url", address, "--port", str(known))
        started = running(
            "http", *options, *arguments, settings={**files, **(settings or {})}, program=program
        )
        async with started as process:
            await answering(process)
            yield HostedServer(process, address, folder / FILE, folder / SECRET_FILE)


async def answering(process: Running) -> str:
    """The address of a server, once it answers. From then on it handles signals."""
    address = await process.address()
    async with httpx.AsyncClient(base_url=address, timeout=PATIENCE_SECONDS) as http:
        assert (await http.get("/healthz")).status_code == 200
    return address
