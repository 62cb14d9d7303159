"""What Compose starts, without containers: the same commands and variables, on loopback."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from contextlib import AsyncExitStack, asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import pytest
import yaml

from proof.replicas.presses import RAN, press, preview
from proof.replicas.proxied_replicas import shipped_proxy
from tests import ROOT
from tests.support.guarded_calls import GO_LIVE
from tests.support.jsonrpc import MODERN, HttpCaller, request
from tests.support.product.local_servers import listening
from tests.support.product.sandbox import SANDBOX_KEY, Sandbox
from tests.support.raw_upstream import closed_port
from tests.support.served_app import plain_http
from tests.support.server_process import PATIENCE_SECONDS, Running, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

HOST: Final = "mcp.example.com"
_FOLDER: Final = ROOT / "deploy"
_SECRETS: Final = "/run/secrets/"


def compose(folder: Path) -> dict[str, Any]:
    """The file, beside secrets that were made as its head says."""
    for name in ("compose.yaml", "new_secrets.sh", "valkey.conf"):
        shutil.copy(_FOLDER / name, folder)
    subprocess.run(["sh", folder / "new_secrets.sh"], check=True)  # noqa: S607  what is shipped
    text = (folder / "compose.yaml").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(text.replace("${HOSTS:-localhost}", HOST))
    return found


def mounted(service: dict[str, Any], folder: Path) -> dict[str, str]:
    """The places of a container that are files of the folder."""
    mounts = (it.removesuffix(":ro").split(":") for it in service["volumes"])
    return {inside: str(folder / outside) for outside, inside in mounts}


@asynccontextmanager
async def engine(service: dict[str, Any], port: int, folder: Path) -> AsyncIterator[None]:
    """The engine, from when its health check succeeds."""
    files = mounted(service, folder)
    words = [files.get(it, it) for it in service["command"]]
    process = await asyncio.create_subprocess_exec(
        *words,
        *("--port", str(port), "--dir", str(folder)),
        stdout=asyncio.subprocess.DEVNULL,
    )
    _, check = service["healthcheck"]["test"]
    check = check.replace("valkey-cli", f"valkey-cli -p {port}")
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                asked = await asyncio.create_subprocess_shell(check)
                if await asked.wait() == 0:
                    break
        yield
    finally:
        process.kill()
        await process.wait()


def settings_of(service: dict[str, Any], secrets: dict[str, Any], folder: Path) -> dict[str, str]:
    """The settings of a replica, with its secrets where they lie here."""
    files = {f"{_SECRETS}{it}": str(folder / secrets[it]["file"]) for it in service["secrets"]}
    return {name: files.get(it, it) for name, it in service["environment"].items()}


@pytest.mark.skipif(shutil.which("valkey-server") is None, reason="only Redis is installed")
async def test_what_compose_starts_works_together(tmp_path: Path) -> None:
    """A yes from one replica is good at the other; a wrong token or name opens nothing."""
    found, trax, port = compose(tmp_path), Sandbox(rate_limit=None), closed_port()
    services = found["services"]
    address, token = (tmp_path / "secrets" / it for it in ("store-url", "token"))
    address.write_text(address.read_text("utf-8").replace("valkey:6379", f"127.0.0.1:{port}"))
    async with (
        engine(services["valkey"], port, tmp_path),
        listening(trax.app) as trax.base_url,
        AsyncExitStack() as stack,
    ):
        replicas: list[Running] = []
        for name in ("replica-1", "replica-2"):
            settings = settings_of(services[name], found["secrets"], tmp_path)
            settings["TRAX_BASE_URL"] = trax.base_url
            started = running("http", "--host", "0.0.0.0", "--port", "0", settings=settings)  # noqa: S104  as the image does
            replicas.append(await stack.enter_async_context(started))
        addresses = [(await it.address()).replace("0.0.0.0", "127.0.0.1") for it in replicas]  # noqa: S104
        names = [it.removeprefix("http://") for it in addresses]
        proxy, _ = await stack.enter_async_context(shipped_proxy(*names))
        a, b, at_proxy = [
            HttpCaller(
                await stack.enter_async_context(plain_http(it)),
                MODERN,
                host=HOST,
                x_api_key=SANDBOX_KEY,
                authorization=f"Bearer {token.read_text('utf-8').strip()}",
            )
            for it in (*addresses, proxy)
        ]
        assert await press(b, GO_LIVE, await preview(a, GO_LIVE)) == RAN
        listing = request(MODERN, "tools/list", {})
        assert (await at_proxy.post(listing)).status_code == HTTPStatus.OK
        for refused, status in (
            ({"host": "another.example"}, HTTPStatus.MISDIRECTED_REQUEST),
            ({"authorization": "Bearer another"}, HTTPStatus.UNAUTHORIZED),
        ):
            assert (await at_proxy.post(listing, **refused)).status_code == status
