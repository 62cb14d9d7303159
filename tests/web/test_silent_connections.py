"""Another user of this computer opens connections to the page's port and says nothing on them.

The server is a process of its own, which may open few files, and a stop needs one of them.
"""

from __future__ import annotations

import re
import signal
import socket
import sys
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final

import anyio
import pytest

from tests.support.guarded_calls import GO_LIVE, GO_OFFLINE
from tests.support.hermetic import need_open_files
from tests.support.opened_addresses import OpenedAddresses
from tests.support.product.local_servers import upstream
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.server_process import PATIENCE_SECONDS, Running, running
from tests.world.page import address_behind
from tests.world.wire import MODERN, StdioWire

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="files are not limited there")

AT_ONCE: Final = 2500
ONE_BY_ONE: Final = 100
FILES: Final = {"few files": (1024, 1024), "a low limit that can be raised": (36, 4096)}
"""The soft and the hard limit. 1,024 is what most systems give a program."""


async def connect(stack: AsyncExitStack, server: Running, port: int) -> None:
    """Open many while the server is busy with something else, and then some more."""
    server.process.send_signal(signal.SIGSTOP)
    for _ in range(AT_ONCE):
        one = stack.enter_context(socket.socket())
        one.settimeout(0)
        one.connect_ex(("127.0.0.1", port))
    server.process.send_signal(signal.SIGCONT)
    for _ in range(ONE_BY_ONE):
        await stack.enter_async_context(await anyio.connect_tcp("127.0.0.1", port))


@pytest.mark.parametrize("limits", FILES.values(), ids=FILES)
async def test_silent_connections_to_the_page_hold_up_no_stop(
    limits: tuple[int, int], tmp_path: Path
) -> None:
    """Nor do they use up the files of a server that may open more than it does at its start."""
    need_open_files(4096)
    limit = f"resource.setrlimit(resource.RLIMIT_NOFILE, {limits})"
    program = ("-c", f"import resource; {limit}; from trax_mcp.cli import main; main()")
    opened = OpenedAddresses(tmp_path)
    async with upstream() as trax:
        own = {
            "TRAX_SANDBOX": "",
            "TRAX_API_KEY": SANDBOX_KEY,
            "TRAX_BASE_URL": trax.base_url,
            "TRAX_ASK": "page,preview",
        }
        settings = {**opened.environment, **own}
        async with (
            running(settings=settings, program=program) as server,
            AsyncExitStack() as stack,
        ):
            caller = StdioWire(server, MODERN)
            await caller.send("tools/call", name=GO_LIVE.tool, arguments=GO_LIVE.arguments)
            address = address_behind(await opened.next())
            port = int(re.findall(r":(\d+)", address)[0])
            with anyio.fail_after(PATIENCE_SECONDS):
                await connect(stack, server, port)
                asked = await caller.call(GO_OFFLINE.tool, **GO_OFFLINE.arguments)
                confirmation = asked["structuredContent"]["confirmation"]
                consent = {"confirm": True, "confirmation": confirmation}
                await caller.call(GO_OFFLINE.tool, **GO_OFFLINE.arguments, **consent)
            assert GO_OFFLINE.sent in trax.sent
        assert "Too many open files" not in server.stderr.text
