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

from tests.support.guarded_calls import GO_OFFLINE, STUDIO
from tests.support.product.local_servers import Held, upstream
from tests.support.server_process import PATIENCE_SECONDS
from tests.world.answers import RAN, outcome
from tests.world.world import COLLEAGUE, MINE, open_world

if TYPE_CHECKING:
    from collections.abc import Iterator


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
    async with (
        upstream() as trax,
        open_world(
            MINE, COLLEAGUE, trax=trax, TRAX_BASE_URL=trax.base_url, TRAX_TIMEOUT_SECONDS="20"
        ) as it,
        anyio.create_task_group() as tasks,
    ):
        trax.faults.add(held.fault, times=None, path=path)
        for _ in range(300):
            tasks.start_soon(partial(it[COLLEAGUE].client.call_tool, tool, arguments))
        await held.arrived()
        with anyio.fail_after(PATIENCE_SECONDS):
            assert outcome(await it[MINE].confirmed(GO_OFFLINE)) == RAN
        assert GO_OFFLINE.sent in trax.sent
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
    keys = [f"{COLLEAGUE}_{number}" for number in range(3)]
    async with upstream() as trax:
        for key in keys:
            trax.add_key(key)
        address = trax.base_url.replace("127.0.0.1", "localhost")
        async with open_world(MINE, trax=trax, TRAX_BASE_URL=address) as it:
            await it[MINE].call("list_studios")
            readers = [await it.caller(key) for key in keys]
            async with anyio.create_task_group() as tasks:
                with held_look_ups() as arrived:
                    for reader in readers * 16:
                        tasks.start_soon(reader.client.call_tool, "list_media", {})
                    await anyio.to_thread.run_sync(arrived.wait, PATIENCE_SECONDS)
                    with anyio.fail_after(PATIENCE_SECONDS):
                        stopped = await it[MINE].confirmed(GO_OFFLINE)
                    tasks.cancel_scope.cancel()
    assert outcome(stopped) == RAN
