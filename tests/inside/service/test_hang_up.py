"""A client of the stdio server hangs up while a press on the page is being sent."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import anyio

from trax_mcp.api.caller import ANONYMOUS
from trax_mcp.api.client import Client
from trax_mcp.cli import serve
from trax_mcp.server.app import Service
from trax_mcp.settings import read_settings

if TYPE_CHECKING:
    import pytest


async def test_a_press_that_is_being_sent_ends_before_the_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    service = Service(Client(base_url="http://127.0.0.1", timeout_seconds=1))
    events: list[str] = []
    is_ending = anyio.Event()
    drain = service.tasks.drain

    async def drain_tasks(*, seconds: float) -> None:
        is_ending.set()
        await drain(seconds=seconds)

    def exit_process() -> None:
        is_ending.set()
        events.append("exit")

    async def press(*, task_status: anyio.abc.TaskStatus[None]) -> None:
        with service.tasks.shield(deadline=math.inf):
            task_status.started()
            await is_ending.wait()
            events.append("sent")

    async def hang_up(*_: object, **_options: object) -> None:
        await tasks.start(press)

    monkeypatch.setattr(serve, "build_service", lambda *_, **_options: service)
    monkeypatch.setattr(serve, "serve_stdio", hang_up)
    monkeypatch.setattr(service.tasks, "drain", drain_tasks)
    monkeypatch.setattr(serve, "exit_process", exit_process)
    async with anyio.create_task_group() as tasks:
        await serve._serve_stdio(read_settings({"TRAX_SANDBOX": "1"}), ANONYMOUS)
    assert events == ["sent", "exit"]
