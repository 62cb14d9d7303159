"""What Compose starts, without containers: the same commands and variables, on loopback."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
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

PASSWORD, TOKEN, HOST = "pass-word", "a-token", "mcp.example.com"
GIVEN: Final = {"STORE_PASSWORD": PASSWORD, "TOKEN": TOKEN, "HOSTS": HOST}
"""What the person who starts it gives."""


def services() -> dict[str, Any]:
    """The services of the file, with what is given."""
    text = (ROOT / "deploy/compose.yaml").read_text(encoding="utf-8")
    filled = re.sub(r"(?<!\$)\$\{(\w+):[^}]*\}", lambda it: GIVEN[it[1]], text)
    found: dict[str, Any] = yaml.safe_load(filled)["services"]
    return found


@asynccontextmanager
async def engine(service: dict[str, Any], port: int, folder: Path) -> AsyncIterator[None]:
    """The engine, from when its health check succeeds."""
    words = [*service["command"], "--port", str(port), "--dir", str(folder)]
    process = await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.DEVNULL)
    _, check = service["healthcheck"]["test"]
    check = check.replace("$$", "$").replace("valkey-cli", f"valkey-cli -p {port}")
    environment = os.environ | service["environment"]
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                asked = await asyncio.create_subprocess_shell(check, env=environment)
                if await asked.wait() == 0:
                    break
        yield
    finally:
        process.kill()
        await process.wait()


@pytest.mark.skipif(shutil.which("valkey-server") is None, reason="only Redis is installed")
async def test_what_compose_starts_works_together(tmp_path: Path) -> None:
    """A yes from one replica is good at the other; a wrong token or name opens nothing."""
    found, trax, port = services(), Sandbox(rate_limit=None), closed_port()
    async with (
        engine(found["valkey"], port, tmp_path),
        listening(trax.app) as trax.base_url,
        AsyncExitStack() as stack,
    ):
        replicas: list[Running] = []
        for name in ("replica-1", "replica-2"):
            settings = {**found[name]["environment"], "TRAX_BASE_URL": trax.base_url}
            url = settings["TRAX_STORE_URL"].replace("valkey:6379", f"127.0.0.1:{port}")
            settings["TRAX_STORE_URL"] = url
            started = running("http", "--host", "0.0.0.0", "--port", "0", settings=settings)  # noqa: S104  as the image does
            replicas.append(await stack.enter_async_context(started))
        addresses = [(await it.address()).replace("0.0.0.0", "127.0.0.1") for it in replicas]  # noqa: S104
        ports = [int(it.rpartition(":")[2]) for it in addresses]
        address, _ = await stack.enter_async_context(shipped_proxy(*ports))
        a, b, at_proxy = [
            HttpCaller(
                await stack.enter_async_context(plain_http(it)),
                MODERN,
                host=HOST,
                x_api_key=SANDBOX_KEY,
                authorization=f"Bearer {TOKEN}",
            )
            for it in (*addresses, address)
        ]
        assert await press(b, GO_LIVE, await preview(a, GO_LIVE)) == RAN
        listing = request(MODERN, "tools/list", {})
        assert (await at_proxy.post(listing)).status_code == HTTPStatus.OK
        for refused, status in (
            ({"host": "another.example"}, HTTPStatus.MISDIRECTED_REQUEST),
            ({"authorization": "Bearer another"}, HTTPStatus.UNAUTHORIZED),
        ):
            assert (await at_proxy.post(listing, **refused)).status_code == status
