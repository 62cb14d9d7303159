"""The page where something is in its way: no browser, no folder, no port, several questions."""

from __future__ import annotations

import socket
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn
from unittest.mock import patch

import anyio
import pytest
import uvicorn
from mcp import Client

from tests.conftest import OWNER
from tests.support.guarded_calls import STUDIO
from tests.support.jsonrpc import LEGACY, opening, tool_call
from tests.support.opened_addresses import OpenedAddresses
from tests.support.page_client import PageClient, address_behind
from tests.support.server_process import PATIENCE_SECONDS, SIGNALS, running
from trax_mcp.server.app import ServerDeps, build_server
from trax_mcp.web import approval_page, browser
from trax_mcp.web.approval_page import open_page

if TYPE_CHECKING:
    import signal
    from collections.abc import AsyncIterator

    from tests.support.product.shared_clock import HandClock
    from trax_mcp.api.client import Client as Trax

pytestmark = pytest.mark.slow


@asynccontextmanager
async def _client(trax: Trax, clock: HandClock) -> AsyncIterator[Client]:
    with patch.object(approval_page, "has_browser", lambda: True):
        async with open_page(clock) as page:
            deps = ServerDeps(clock=clock, page=page, ask=frozenset({"page"}))
            server = build_server(trax, own=OWNER, deps=deps)
            with anyio.fail_after(3 * PATIENCE_SECONDS):
                async with Client(server, cache=None) as client:
                    yield client


def _fails(*_: object, **_options: object) -> NoReturn:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize(
    ("where", "name"),
    [
        (browser, "open_browser"),
        (browser, "mkdtemp"),
        (socket, "create_server"),
        (uvicorn.Server, "serve"),
    ],
    ids=["no child process", "no temporary folder", "no port", "no server"],
)
async def test_a_call_falls_back_if_the_page_cannot_be_opened(
    trax: Trax, clock: HandClock, monkeypatch: pytest.MonkeyPatch, where: object, name: str
) -> None:
    monkeypatch.setattr(browser, "open_browser", lambda _address: None)
    results: list[Any] = []
    async with _client(trax, clock) as client:
        with patch.object(where, name, _fails):
            async with anyio.create_task_group() as tasks:

                async def call() -> None:
                    results.append(await client.call_tool("go_live", STUDIO))

                tasks.start_soon(call)
                await clock.pass_until(lambda: bool(results))
        assert results[0].structured_content["status"] == "confirmation_required"
        assert not (await client.call_tool("get_stream_status", STUDIO)).is_error


async def test_two_questions_at_once_open_one_page_without_a_warning(
    trax: Trax, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(
        browser, "open_browser", lambda address: opened.append(address_behind(address))
    )
    async with _client(trax, clock) as client, anyio.create_task_group() as tasks:
        for destination in ("dest_1", "dest_2"):
            arguments = {**STUDIO, "destId": destination}
            tasks.start_soon(client.call_tool, "delete_destination", arguments)
        await clock.pass_until(lambda: bool(opened))
        tab = PageClient(opened[0])
        state: dict[str, Any] = {"approvals": []}
        await tab.redeem()
        while len(state["approvals"]) < 2:
            state = await tab.state()
        for approval in state["approvals"]:
            await tab.report(approval)
        await anyio.wait_all_tasks_blocked()
        for address in opened[1:]:
            await PageClient(address).redeem()
        assert len(opened) == 1
        assert (await tab.state())["openedTwice"] is False
        tasks.cancel_scope.cancel()


async def test_the_end_of_a_question_stays_on_the_page_until_another_one_comes(
    trax: Trax, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(
        browser, "open_browser", lambda address: opened.append(address_behind(address))
    )
    async with _client(trax, clock) as client, anyio.create_task_group() as tasks:
        tasks.start_soon(client.call_tool, "go_live", STUDIO)
        await clock.pass_until(lambda: bool(opened))
        tab = PageClient(opened[0])
        await tab.redeem()
        (ended,) = (await tab.state())["approvals"]
        await tab.report(ended)
        await tab.press(ended, ended["no"])
        (ended,) = (await tab.state())["approvals"]
        assert ended["outcome"] == "You said no. Nothing was sent."
        for destination in ("dest_1", "dest_2"):
            arguments = {**STUDIO, "destId": destination}
            tasks.start_soon(client.call_tool, "delete_destination", arguments)
        while len(shown := (await tab.state())["approvals"]) < 2:
            await anyio.lowlevel.checkpoint()
        assert [it["phase"] for it in shown] == ["open", "open"]
        tasks.cancel_scope.cancel()


async def test_many_stops_do_not_remove_an_open_question_from_the_page(
    trax: Trax, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(
        browser, "open_browser", lambda address: opened.append(address_behind(address))
    )
    async with _client(trax, clock) as client, anyio.create_task_group() as tasks:
        tasks.start_soon(client.call_tool, "go_live", STUDIO)
        await clock.pass_until(lambda: bool(opened))
        tab = PageClient(opened[0])
        await tab.redeem()
        (go_live,) = (await tab.state())["approvals"]
        await tab.report(go_live)
        for _ in range(9):
            await client.call_tool("go_offline", STUDIO)
        tickets = [it["ticket"] for it in (await tab.state())["approvals"]]
        assert go_live["ticket"] in tickets
        tasks.cancel_scope.cancel()


@pytest.mark.parametrize("number", SIGNALS, ids=lambda it: it.name)
async def test_a_signal_right_after_the_opening_leaves_no_file_with_the_address(
    tmp_path: Path, number: signal.Signals
) -> None:
    opened = OpenedAddresses(tmp_path)
    async with running(settings=opened.environment) as process:
        await process.tell(*opening(LEGACY), tool_call(LEGACY, "go_offline", number=2, **STUDIO))
        file = Path((await opened.next()).removeprefix("file://"))
        assert file.parent.exists()
        await process.stop(number)
        assert not file.parent.exists()
