"""Over real sockets: a stop has connections that no flood of other requests can take."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import anyio
import pytest
from mcp import Client

from tests.support.consent_clients import SECOND_KEY, status_and_reason
from tests.support.guarded_calls import GO_OFFLINE, STUDIO
from tests.support.product.local_servers import Held, upstream
from tests.support.product.server import Product
from tests.support.server_process import PATIENCE_SECONDS
from tests.world.wire import MODERN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp.types import CallToolResult


@pytest.mark.parametrize(
    ("tool", "arguments", "path"),
    [
        ("send_chat_message", {**STUDIO, "text": "Hello"}, "*/chat/messages"),
        ("list_media", {}, "*/media"),
    ],
    ids=["changes", "reads"],
)
async def test_a_stop_is_sent_while_300_other_calls_are_in_flight(
    tool: str, arguments: dict[str, object], path: str
) -> None:
    """Of another key; the upstream answers none of them."""
    held = Held()
    async with upstream() as sandbox:
        sandbox.add_key(SECOND_KEY)
        settings = {"TRAX_BASE_URL": sandbox.base_url, "TRAX_TIMEOUT_SECONDS": "20"}
        product = Product(sandbox, settings=settings)
        sandbox.faults.add(held.fault, times=None, path=path)
        async with (
            Client(product.server(), mode=MODERN, cache=None) as mine,
            Client(product.server(SECOND_KEY), mode=MODERN, cache=None) as other,
            anyio.create_task_group() as tasks,
        ):
            for _ in range(300):
                tasks.start_soon(partial(other.call_tool, tool, arguments))
            await held.arrived()
            with anyio.fail_after(PATIENCE_SECONDS):
                stopped = await _stop(mine)
            assert status_and_reason(stopped) == ("ran", None)
            assert GO_OFFLINE.sent in sandbox.sent
            held.release()
            tasks.cancel_scope.cancel()


@contextmanager
def held_look_ups() -> Iterator[threading.Event]:
    """Each look-up of a name takes a thread until the end. The event says that one has come."""
    arrived, over, look_up = threading.Event(), threading.Event(), socket.getaddrinfo

    def wait(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401  as the original
        arrived.set()
        over.wait(PATIENCE_SECONDS)
        return look_up(*arguments, **options)

    with patch.object(socket, "getaddrinfo", wait):
        try:
            yield arrived
        finally:
            over.set()


async def test_a_stop_waits_for_no_name_server() -> None:
    """48 reads have all threads that look names up."""
    async with upstream() as sandbox:
        keys = [f"{SECOND_KEY}_{number}" for number in range(3)]
        for key in keys:
            sandbox.add_key(key)
        settings = {"TRAX_BASE_URL": sandbox.base_url.replace("127.0.0.1", "localhost")}
        product = Product(sandbox, settings=settings)
        async with Client(product.server(), mode=MODERN, cache=None) as mine:
            await mine.call_tool("list_studios", {})
            async with (
                Client(product.server(keys[0]), mode=MODERN, cache=None) as first,
                Client(product.server(keys[1]), mode=MODERN, cache=None) as second,
                Client(product.server(keys[2]), mode=MODERN, cache=None) as third,
                anyio.create_task_group() as tasks,
            ):
                with held_look_ups() as arrived:
                    for reader in (first, second, third) * 16:
                        tasks.start_soon(reader.call_tool, "list_media", {})
                    await anyio.to_thread.run_sync(arrived.wait, PATIENCE_SECONDS)
                    with anyio.fail_after(PATIENCE_SECONDS):
                        stopped = await _stop(mine)
                    tasks.cancel_scope.cancel()
    assert status_and_reason(stopped) == ("ran", None)


async def _stop(client: Client) -> CallToolResult:
    shown = await client.call_tool(GO_OFFLINE.tool, GO_OFFLINE.arguments)
    confirmation = (shown.structured_content or {})["confirmation"]
    evidence = {"confirm": True, "confirmation": confirmation}
    return await client.call_tool(GO_OFFLINE.tool, {**GO_OFFLINE.arguments, **evidence})
