"""Strangers who fill a server with sign-in hold up nobody who has signed in."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Final

import anyio
import httpx

from tests.support.http_clients import plain_http
from tests.support.product.limits import smaller_limits
from tests.support.product.local_servers import Held
from tests.support.product.sandbox_accounts import REVOKED_KEY
from tests.support.product.sign_in import Internet
from tests.support.raw_connections import CONTINUE, connected
from tests.support.server_process import PATIENCE_SECONDS
from tests.world.sign_in import registered
from tests.world.wire import MODERN, HttpWire, request
from tests.world.world import MINE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.world.oauth import OAuthSteps
    from tests.world.sign_in import SignInWorld

CHANGE: Final = {"studioId": "studio_42", "confirm": True}
HANGING_CLIENT: Final = "https://chatgpt.com/oauth/hanging/client.json"
BEGUN: Final = (
    b"POST /token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\n" + CONTINUE + b"\r\n"
)
"""A request whose body never ends."""


class Never(httpx.AsyncBaseTransport):
    """No host ends its answer."""

    async def handle_async_request(self, _request: httpx.Request) -> httpx.Response:
        await anyio.sleep_forever()
        raise AssertionError


@asynccontextmanager
async def on_air(folder: Path) -> AsyncIterator[tuple[SignInWorld, OAuthSteps]]:
    """A person who has signed in is on air, and can stop after all that happens in the block."""
    internet = Internet(transport=Never(), timeout_seconds=PATIENCE_SECONDS)
    async with registered(folder, internet=internet, TRAX_ASK="confirm_alone") as (it, steps):
        caller = it.signed_in(await steps.sign_in(MINE))
        assert not (await caller.call("go_live", **CHANGE))["isError"]
        yield it, steps
        with anyio.fail_after(PATIENCE_SECONDS):
            assert not (await caller.call("go_offline", **CHANGE))["isError"]
        assert it.sent[-1].endswith("/go-offline")


async def test_keys_clients_and_tokens_that_strangers_try_do_not_hold_up_a_stop(
    tmp_path: Path,
) -> None:
    """Neither TRaX nor the hosts of their clients answer."""
    held = Held()
    async with anyio.create_task_group() as strangers:
        async with on_air(tmp_path) as (it, steps):
            it.trax.faults.add(held.fault, times=None, path="/v1/studios")

            async def try_key() -> None:
                async with it.steps_on_wire(steps.client_id) as other:
                    await other.type_key(await other.page(), REVOKED_KEY)

            async def try_client() -> None:
                async with it.steps_on_wire(HANGING_CLIENT) as other:
                    await other.authorize()

            async def try_token() -> None:
                async with plain_http(it.address) as http:
                    stranger = HttpWire(http, MODERN, authorization="Bearer trax_at_x")
                    await stranger.post(request(MODERN, "tools/list"))

            for attempt in (try_key, try_client, try_token):
                for _ in range(12):
                    strangers.start_soon(attempt)
            await held.arrived()
        strangers.cancel_scope.cancel()
        held.release()


async def test_bodies_that_never_end_do_not_hold_up_a_stop(tmp_path: Path) -> None:
    """At an endpoint that needs no token. The oldest ends where there are too many."""
    async with AsyncExitStack() as stack:
        with smaller_limits(requests_of_all=12):
            async with on_air(tmp_path) as (it, _):
                begun = [await stack.enter_async_context(connected(it.address)) for _ in range(4)]
                for stranger in begun:
                    stranger.send(BEGUN)
                    assert await stranger.status() == 100
                assert b" 503 " in await begun[0].response()
