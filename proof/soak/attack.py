"""Stops under attack: `python -m proof.soak.attack`. It ends with 1 if a stop is late.

In real time, on real sockets, against a `trax-mcp http` whose stderr is not read. Keys without
access stop the studio, clients without a key open sessions and write long headers, and another
customer floods TRaX, while the studio's owner goes live and stops ten times.
"""

import asyncio
import logging
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from typing import Final

import anyio
import httpx

from bench.harness.process import Process, allow_open_files, python_module
from tests.support.loopback_ports import held_port
from tests.support.product.faults import Fault, Request, RequestHandler, Response
from tests.support.product.local_servers import listening
from tests.support.product.sandbox import Sandbox
from tests.support.product.sandbox_accounts import ANOTHER_ACCOUNT
from tests.world.wire import LEGACY, MODERN, HttpWire, hello
from trax_mcp.sandbox import SANDBOX_KEY

_ROUNDS: Final = 10
_LATEST_SECONDS: Final = 2.5
_MOST_GROWTH_MIB: Final = 24.0
_STUDIO: Final = "studio_42"
_NO_ACCESS: Final = "sk_live_sandbox_no_access"
_CUSTOMER: Final = "sk_live_sandbox_customer"
_SLOW_SECONDS: Final = {"/go-live": 4.0, "/chat/messages": 5.0}
_FLOODERS: Final = 40
_ATTACKERS: Final = 8
_PAUSE_SECONDS: Final = 0.1


class SlowTrax:
    """A sandbox that is slow to answer some calls, and records when each stop arrives."""

    def __init__(self) -> None:
        self.sandbox = Sandbox(rate_limit=None)
        self.sandbox.add_key(_NO_ACCESS, account="another account", scopes={"stream:golive"})
        self.sandbox.add_key(_CUSTOMER, account=ANOTHER_ACCOUNT)
        self.sandbox.faults.add(Fault("slow", self._handle), times=None)
        self.stops: list[float] = []

    @property
    def is_live(self) -> bool:
        """Whether the studio is on air or about to be."""
        return self.sandbox.is_running(_STUDIO)

    async def _handle(self, request: Request, handle: RequestHandler) -> Response:
        if request.path.endswith(f"{_STUDIO}/go-offline") and request.secret == SANDBOX_KEY:
            self.stops.append(time.monotonic())
        for path, seconds in _SLOW_SECONDS.items():
            if request.path.endswith(path) and request.method == "POST":
                await asyncio.sleep(seconds)
        return await handle(request)


@asynccontextmanager
async def _caller(address: str, key: str | None, era: str = MODERN) -> AsyncIterator[HttpWire]:
    headers = {} if key is None else {"x_api_key": key}
    limits = httpx.Limits(max_connections=200)
    async with httpx.AsyncClient(base_url=address, timeout=60, limits=limits) as http:
        yield HttpWire(http, era, **headers)


async def _repeat(call: Callable[[], Coroutine[object, object, object]]) -> None:
    while True:
        with suppress(httpx.HTTPError):  # the server may turn an attacker away
            await call()
        await asyncio.sleep(_PAUSE_SECONDS)


async def _flood(customer: HttpWire, studio: str) -> None:
    await customer.call("send_chat_message", studioId=studio, text="Hello")


async def _stop_without_access(no_access: HttpWire) -> None:
    shown = (await no_access.call("go_offline", studioId=_STUDIO)).get("structuredContent", {})
    evidence = {"confirm": True, "confirmation": shown.get("confirmation", "")}
    await no_access.call("go_offline", studioId=_STUDIO, **evidence)


async def _open_session(keyless: HttpWire) -> None:
    await keyless.post(hello({}))


async def _write_long_headers(keyless: HttpWire) -> None:
    await keyless.post(hello({}), host="x" * 4000)


async def _go_live_and_stop(owner: HttpWire, trax: SlowTrax) -> float:
    """Go live and stop a second later. Return the seconds from the yes until TRaX has the stop."""
    shown = await owner.call("go_live", studioId=_STUDIO)
    confirmation = shown["structuredContent"]["confirmation"]
    go_live = asyncio.create_task(
        owner.call("go_live", studioId=_STUDIO, confirm=True, confirmation=confirmation)
    )
    await asyncio.sleep(1)
    shown = await owner.call("go_offline", studioId=_STUDIO)
    confirmation = shown["structuredContent"]["confirmation"]
    pressed, before = time.monotonic(), len(trax.stops)
    await owner.call("go_offline", studioId=_STUDIO, confirm=True, confirmation=confirmation)
    await go_live
    return trax.stops[before] - pressed


async def _attack() -> int:
    trax = SlowTrax()
    _, unread = os.pipe()
    async with listening(trax.sandbox.app) as upstream, AsyncExitStack() as stack:
        port = stack.enter_context(held_port())
        address = f"http://127.0.0.1:{port}"
        command, settings = ("trax_mcp", "http", "--port", str(port)), {"TRAX_BASE_URL": upstream}
        with python_module(*command, settings=settings, stderr=unread) as server:
            await anyio.to_thread.run_sync(server.wait_for_port, port)
            async with (
                _caller(address, SANDBOX_KEY) as owner,
                _caller(address, _CUSTOMER) as customer,
                _caller(address, _NO_ACCESS) as no_access,
                _caller(address, None, LEGACY) as keyless,
                anyio.create_task_group() as attack_tasks,
            ):
                made = await customer.call("create_studio", name="Another show")
                studio = made["structuredContent"]["id"]
                for _ in range(_FLOODERS):
                    attack_tasks.start_soon(_repeat, partial(_flood, customer, studio))
                for _ in range(_ATTACKERS):
                    attack_tasks.start_soon(_repeat, partial(_stop_without_access, no_access))
                    attack_tasks.start_soon(_repeat, partial(_open_session, keyless))
                attack_tasks.start_soon(_repeat, partial(_write_long_headers, keyless))
                verdict = await _run_rounds(owner, trax, server)
                attack_tasks.cancel_scope.cancel()
    return verdict


async def _run_rounds(owner: HttpWire, trax: SlowTrax, server: Process) -> int:
    print(f"{'round':>5} {'stop after':>10} {'memory':>11}")
    waits, memory = [], []
    for round_number in range(1, _ROUNDS + 1):
        waits.append(await _go_live_and_stop(owner, trax))
        memory.append(server.resident_mib())
        print(f"{round_number:>5} {waits[-1]:>8.2f} s {memory[-1]:>7.1f} MiB", flush=True)
        if trax.is_live:
            print("The studio is live after the stop.")
            return 1
    growth = memory[-1] - memory[_ROUNDS // 3]
    print(f"Latest stop: {max(waits):.2f} s after its yes; memory grew by {growth:.1f} MiB.")
    is_fine = max(waits) < _LATEST_SECONDS and growth < _MOST_GROWTH_MIB
    print("Every stop was in time, and memory is flat." if is_fine else "That is too much.")
    return 0 if is_fine else 1


def main() -> None:
    """Run the attack, print a line for each round, and exit with the verdict."""
    allow_open_files(4096)
    # The attack ends during requests, which the upstream would log as errors.
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL + 1)
    sys.exit(asyncio.run(_attack()))


if __name__ == "__main__":
    main()
