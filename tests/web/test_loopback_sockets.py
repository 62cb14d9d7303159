"""The server of the page: no other program of this computer has any of its addresses."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from unittest.mock import patch

import anyio
import pytest

from trax_mcp.web.local_server import serve_pages

pytestmark = pytest.mark.slow


async def test_the_page_is_on_no_port_where_another_program_has_the_ipv6_address() -> None:
    real = socket.create_server
    with ExitStack() as opened:
        other = opened.enter_context(real(("::1", 0), family=socket.AF_INET6))
        taken = other.getsockname()[1]
        ports = iter([taken])

        def create(
            address: tuple[str, int], *, family: socket.AddressFamily = socket.AF_INET
        ) -> socket.socket:
            host, port = address
            return real((host, port or next(ports, 0)), family=family)

        with patch.object(socket, "create_server", create):
            async with anyio.create_task_group() as tasks:
                origin = await tasks.start(serve_pages, "page.html", (), {})
                tasks.cancel_scope.cancel()
    assert int(origin.rpartition(":")[2]) != taken


def test_a_page_that_ends_writes_nothing_to_the_terminal(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def serve() -> None:
        async with anyio.create_task_group() as tasks:
            await tasks.start(serve_pages, "page.html", (), {})
            await anyio.sleep(0.1)
            tasks.cancel_scope.cancel()

    anyio.run(serve)
    assert caplog.text == ""
