"""Strangers who fill a server with sign-in hold up nobody who has signed in."""

from __future__ import annotations

import sys
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final

import pytest

from tests.server.test_request_limits import FEW_FILES, connected
from tests.support.hosted_process import hosted_server
from tests.support.jsonrpc import MODERN, HttpCaller
from tests.support.oauth_steps import OAuthSteps
from tests.support.served_app import plain_http
from trax_mcp.sandbox import SANDBOX_KEY

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

BEGUN: Final = (
    b"POST %b HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\n\r\nx"
)
"""A request whose body never ends."""


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
        sent = {"studioId": "studio_42", "confirm": True}
        async with plain_http(server.address) as http:
            caller = HttpCaller(http, MODERN, authorization=f"Bearer {token}")
            on_air = await caller.call("go_live", **sent)
            assert on_air["structuredContent"]["observed"]["state"] == "on_air"
        for _ in range(2 * FEW_FILES):
            stranger = await stack.enter_async_context(connected(server.address))
            stranger.send(BEGUN % path.encode())
        async with plain_http(server.address) as http:
            caller = HttpCaller(http, MODERN, authorization=f"Bearer {token}")
            stopped = await caller.call("go_offline", **sent)
            assert stopped["structuredContent"]["observed"]["state"] == "off_air"
