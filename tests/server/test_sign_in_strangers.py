"""Strangers who fill a server with sign-in hold up nobody who has signed in."""

from __future__ import annotations

import sys
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final

import anyio
import pytest

from tests.server.test_request_limits import FEW_FILES, connected
from tests.support.hosted_process import hosted_server
from tests.support.jsonrpc import MODERN, HttpCaller, request
from tests.support.oauth_steps import OAuthSteps
from tests.support.product.local_servers import Held
from tests.support.product.sandbox_accounts import REVOKED_KEY
from tests.support.served_app import plain_http
from tests.support.served_sign_in import signing_in
from tests.support.server_process import PATIENCE_SECONDS
from trax_mcp.clock import Clock
from trax_mcp.sandbox import SANDBOX_KEY
from trax_mcp.sign_in.client_documents import ClientDocuments

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

pytestmark = pytest.mark.slow

BEGUN: Final = (
    b"POST %b HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\n\r\nx"
)
"""A request whose body never ends."""
STOP: Final = {"studioId": "studio_42", "confirm": True}
HANGING_CLIENT: Final = "https://hanging.example/metadata.json"


async def never(_host: str) -> Sequence[str]:
    """A name server that does not answer."""
    await anyio.sleep_forever()
    return ()


@pytest.mark.skipif(sys.platform == "win32", reason="files are not limited there")
@pytest.mark.parametrize("path", ["/token", "/sign-in", "/mcp"])
async def test_bodies_that_never_end_do_not_hold_up_a_stop(tmp_path: Path, path: str) -> None:
    """More of them than the process may open files. A person has signed in, and is on air."""
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, ({FEW_FILES},) * 2)"
    settings = {"TRAX_SIGN_IN_REGISTRATION": "1", "TRAX_CONFIRM": "flag"}
    program = ("-c", f"{limit}; from trax_mcp.cli import main; main()")
    async with (
        hosted_server(tmp_path, "--sandbox", settings=settings, program=program) as server,
        OAuthSteps(server.address) as steps,
        AsyncExitStack() as stack,
    ):
        await steps.register()
        token = (await steps.sign_in(SANDBOX_KEY))["access_token"]
        async with plain_http(server.address) as http:
            caller = HttpCaller(http, MODERN, authorization=f"Bearer {token}")
            on_air = await caller.call("go_live", **STOP)
            assert on_air["structuredContent"]["observed"]["state"] == "on_air"
        for _ in range(2 * FEW_FILES):
            stranger = await stack.enter_async_context(connected(server.address))
            stranger.send(BEGUN % path.encode())
        async with plain_http(server.address) as http:
            caller = HttpCaller(http, MODERN, authorization=f"Bearer {token}")
            stopped = await caller.call("go_offline", **STOP)
            assert stopped["structuredContent"]["observed"]["state"] == "off_air"


async def test_keys_clients_and_tokens_that_strangers_try_do_not_hold_up_a_stop(
    tmp_path: Path,
) -> None:
    """Neither TRaX nor the hosts of their clients answer."""
    held = Held()
    settings = {"TRAX_CONFIRM": "flag"}
    documents = ClientDocuments(Clock(), resolve=never, timeout_seconds=PATIENCE_SECONDS)
    async with (
        signing_in(tmp_path, documents=documents, settings=settings) as front,
        front.steps() as steps,
        anyio.create_task_group() as strangers,
    ):
        await steps.register()
        token = (await steps.sign_in(SANDBOX_KEY))["access_token"]
        caller = front.caller(MODERN, authorization=f"Bearer {token}")
        assert not (await caller.call("go_live", **STOP))["isError"]
        front.trax.faults.add(held.fault, times=None, path="/v1/studios")

        async def try_key() -> None:
            async with front.steps(steps.client_id) as other:
                await other.type_key(await other.page(), REVOKED_KEY)

        async def try_client() -> None:
            async with front.steps(HANGING_CLIENT) as other:
                await other.authorize()

        async def try_token() -> None:
            async with plain_http(front.address) as http:
                stranger = HttpCaller(http, MODERN, authorization=f"Bearer {token}x")
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
