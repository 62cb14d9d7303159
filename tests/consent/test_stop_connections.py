"""Over real sockets: a stop has connections that no flood of other requests can take."""

from __future__ import annotations

from functools import partial

import anyio
import pytest

from tests.support.guarded_calls import GO_OFFLINE, STUDIO
from tests.support.product.local_servers import Held, upstream
from tests.support.server_process import PATIENCE_SECONDS
from tests.world.answers import RAN, outcome
from tests.world.world import COLLEAGUE, MINE, open_world


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
