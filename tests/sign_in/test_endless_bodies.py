"""Bodies that never end, at a server with sign-in: more of them than it may open files."""

from __future__ import annotations

import sys
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.hermetic import need_open_files
from tests.support.hosted_process import hosted_server
from tests.support.oauth_steps import OAuthSteps
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.raw_connections import connected
from tests.support.served_app import plain_http
from tests.world.wire import MODERN, HttpWire

if TYPE_CHECKING:
    from pathlib import Path

FEW_FILES: Final = 512
BEGUN: Final = (
    b"POST /token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\n\r\nx"
)
"""A request whose body never ends."""
STOP: Final = {"studioId": "studio_42", "confirm": True}


@pytest.mark.skipif(sys.platform == "win32", reason="files are not limited there")
async def test_bodies_that_never_end_do_not_hold_up_a_stop(tmp_path: Path) -> None:
    """More of them than the process may open files. A person has signed in, and is on air."""
    need_open_files(4 * FEW_FILES)
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
            caller = HttpWire(http, MODERN, authorization=f"Bearer {token}")
            on_air = await caller.call("go_live", **STOP)
            assert on_air["structuredContent"]["observed"]["state"] == "on_air"
        for _ in range(2 * FEW_FILES):
            stranger = await stack.enter_async_context(connected(server.address))
            stranger.send(BEGUN)
        async with plain_http(server.address) as http:
            caller = HttpWire(http, MODERN, authorization=f"Bearer {token}")
            stopped = await caller.call("go_offline", **STOP)
            assert stopped["structuredContent"]["observed"]["state"] == "off_air"
