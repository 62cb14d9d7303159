"""The real look-up of a client's host: one name server that doesn't answer holds up nobody else."""

from __future__ import annotations

import socket
import threading
from functools import partial
from typing import TYPE_CHECKING, NoReturn

import anyio
import httpx

from tests.support.product.sign_in import Internet
from tests.support.server_process import PATIENCE_SECONDS
from tests.world.sign_in import signing_in
from trax_mcp.sign_in.clients import _resolve

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


async def test_a_slow_name_server_holds_up_one_request_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it is asked for the host of one client, other requests are answered."""
    asked, answered = threading.Event(), threading.Event()
    threads: list[threading.Thread] = []

    def slow(_host: str, *_more: object, **_options: object) -> NoReturn:
        threads.append(threading.current_thread())
        asked.set()
        if threading.current_thread() is not threading.main_thread():
            answered.wait(PATIENCE_SECONDS)
        raise socket.gaierror

    refused: list[httpx.Response] = []
    async with (
        signing_in(tmp_path, internet=Internet(addresses=_resolve)) as it,
        it.steps("https://client.example/client.json") as slow_one,
        it.steps() as other,
    ):
        monkeypatch.setattr(socket, "getaddrinfo", slow)

        async def come_in() -> None:
            refused.append(await slow_one.authorize())

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(come_in)
            try:
                waiting = partial(asked.wait, PATIENCE_SECONDS)
                assert await anyio.to_thread.run_sync(waiting)
                assert threads != [threading.main_thread()]
                registered = await other.register()
            finally:
                answered.set()
    assert registered.status_code == httpx.codes.CREATED
    assert "has no address on the internet" in refused[0].text
