"""Strangers who fill a server with sign-in hold up nobody who has signed in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import anyio

from tests.support.product.local_servers import Held
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.product.sandbox_accounts import REVOKED_KEY
from tests.support.product.sign_in import Internet
from tests.support.served_app import plain_http
from tests.support.served_sign_in import signing_in
from tests.support.server_process import PATIENCE_SECONDS
from tests.world.wire import MODERN, HttpWire, request

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

STOP: Final = {"studioId": "studio_42", "confirm": True}
HANGING_CLIENT: Final = "https://hanging.example/metadata.json"


async def never(_host: str) -> Sequence[str]:
    """A name server that does not answer."""
    await anyio.sleep_forever()
    return ()


async def test_keys_clients_and_tokens_that_strangers_try_do_not_hold_up_a_stop(
    tmp_path: Path,
) -> None:
    """Neither TRaX nor the hosts of their clients answer."""
    held = Held()
    internet = Internet(addresses=never, timeout_seconds=PATIENCE_SECONDS)
    async with (
        signing_in(tmp_path, internet=internet, TRAX_CONFIRM="flag") as front,
        front.steps_on_wire() as steps,
        anyio.create_task_group() as strangers,
    ):
        await steps.register()
        token = (await steps.sign_in(SANDBOX_KEY))["access_token"]
        caller = front.caller(MODERN, authorization=f"Bearer {token}")
        assert not (await caller.call("go_live", **STOP))["isError"]
        front.trax.faults.add(held.fault, times=None, path="/v1/studios")

        async def try_key() -> None:
            async with front.steps_on_wire(steps.client_id) as other:
                await other.type_key(await other.page(), REVOKED_KEY)

        async def try_client() -> None:
            async with front.steps_on_wire(HANGING_CLIENT) as other:
                await other.authorize()

        async def try_token() -> None:
            async with plain_http(front.address) as http:
                stranger = HttpWire(http, MODERN, authorization=f"Bearer {token}x")
                await stranger.post(request(MODERN, "tools/list"))

        for attempt in (try_key, try_client, try_token):
            for _ in range(12):
                strangers.start_soon(attempt)
        await held.arrived()
        with anyio.fail_after(PATIENCE_SECONDS):
            assert not (await caller.call("go_offline", **STOP))["isError"]
        assert [it.path for it in front.trax.mutations if "go-offline" in it.path]
        strangers.cancel_scope.cancel()
        held.release()
