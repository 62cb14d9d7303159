"""What deployments start, without containers: the same commands and variables, on loopback."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from proof.replicas.proxied_replicas import shipped_proxy
from tests.support.guarded_calls import GO_LIVE
from tests.support.http_clients import plain_http
from tests.support.product.local_servers import listening
from tests.support.product.sandbox import SANDBOX_KEY, Sandbox
from tests.support.server_process import PATIENCE_SECONDS, running
from tests.world.wire import MODERN, HttpWire, request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

HOST: Final = "mcp.example.com"
_PAUSE_SECONDS: Final = 0.02


@asynccontextmanager
async def engine(command: Sequence[str], probe: str) -> AsyncIterator[None]:
    """The engine, from when its probe succeeds.

    Raises:
        ChildProcessError: it ends.
    """
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.DEVNULL)
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not await _succeeds(probe):
                if process.returncode is not None:
                    raise ChildProcessError(process.returncode)
                await asyncio.sleep(_PAUSE_SECONDS)
        yield
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _succeeds(probe: str) -> bool:
    asked = await asyncio.create_subprocess_shell(probe, stderr=asyncio.subprocess.DEVNULL)
    return await asked.wait() == 0


async def check_replicas(both: Sequence[Mapping[str, str]], token: str) -> None:
    """Start two replicas with these settings, as the image does, behind the shipped proxy.

    A yes from one is good at the other; a wrong token or name opens nothing.
    """
    trax = Sandbox(rate_limit=None)
    async with listening(trax.app) as trax.base_url, AsyncExitStack() as stack:
        addresses = []
        for settings in both:
            here = {**settings, "TRAX_BASE_URL": trax.base_url}
            started = running("http", "--host", "0.0.0.0", "--port", "0", settings=here)  # noqa: S104  as the image does
            replica = await stack.enter_async_context(started)
            addresses.append((await replica.address()).replace("0.0.0.0", "127.0.0.1"))  # noqa: S104
        names = [it.removeprefix("http://") for it in addresses]
        proxy, _ = await stack.enter_async_context(shipped_proxy(*names))
        a, b, at_proxy = [
            HttpWire(
                await stack.enter_async_context(plain_http(it)),
                MODERN,
                host=HOST,
                x_api_key=SANDBOX_KEY,
                authorization=f"Bearer {token}",
            )
            for it in (*addresses, proxy)
        ]
        shown = await a.call(GO_LIVE.tool, **GO_LIVE.arguments)
        evidence = {"confirm": True, "confirmation": shown["structuredContent"]["confirmation"]}
        done = await b.call(GO_LIVE.tool, **GO_LIVE.arguments, **evidence)
        assert not done.get("isError"), done
        assert trax.sent == [GO_LIVE.sent]
        listing = request(MODERN, "tools/list", {})
        assert (await at_proxy.post(listing)).status_code == HTTPStatus.OK
        for refused, status in (
            ({"host": "another.example"}, HTTPStatus.MISDIRECTED_REQUEST),
            ({"authorization": "Bearer another"}, HTTPStatus.UNAUTHORIZED),
        ):
            assert (await at_proxy.post(listing, **refused)).status_code == status
