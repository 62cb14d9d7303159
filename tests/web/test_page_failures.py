"""The page where something is in its way: no browser, no folder, no port, several questions.

Signals, pipes and the environment of the browser are those of real processes.
"""

from __future__ import annotations

import signal
import subprocess
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch
from urllib.parse import urlsplit

import anyio
import pytest

from tests.support.guarded_calls import GO_LIVE, STUDIO, YES
from tests.support.opened_addresses import OpenedAddresses
from tests.support.product.local_servers import Held, upstream
from tests.support.product.pages import PROBLEMS, open_in_browser, problem
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.server_process import PATIENCE_SECONDS, running
from tests.world.answers import outcome
from tests.world.page import PageClient, address_behind
from tests.world.wire import LEGACY, opening, tool_call
from tests.world.world import MINE, open_world

if TYPE_CHECKING:
    from anyio.abc import SocketStream

    from tests.world.world import World

MAX_CONNECTIONS: Final = 32
KEY: Final = "sk_live_canary_of_the_page"
with_page: Final = partial(open_world, MINE, page=True, TRAX_ASK="page,preview")


async def shown(it: World, count: int) -> list[dict[str, Any]]:
    """What the page shows, once it shows so many questions."""
    await it.open_page.next()
    with anyio.fail_after(PATIENCE_SECONDS):
        while len(approvals := (await it.open_page.tab.state())["approvals"]) < count:
            await anyio.lowlevel.checkpoint()
    return list(approvals)


@pytest.mark.parametrize("name", PROBLEMS)
async def test_a_call_falls_back_if_the_page_cannot_be_opened(name: str) -> None:
    """To a preview. The server goes on."""
    async with with_page() as it:
        with problem(name):
            call = it[MINE].start(GO_LIVE)
            await it.hand_clock.pass_until(lambda: call.has_ended)
        assert outcome(await call.result()) == ("confirmation_required", None)
        assert not (await it[MINE].call("get_stream_status")).is_error


async def test_silent_connections_of_others_use_up_nothing() -> None:
    """Another user of the computer can open them: a stop would find no file any more."""
    ended, enough = 0, anyio.Event()

    async def wait_for_end(stream: SocketStream) -> None:
        nonlocal ended
        async with stream:
            with suppress(anyio.EndOfStream, anyio.BrokenResourceError):
                await stream.receive()
            ended += 1
            if ended == 100 - MAX_CONNECTIONS:
                enough.set()

    async with with_page() as it, anyio.create_task_group() as tasks:
        call = it[MINE].start(GO_LIVE)
        question = await it.open_page.next()
        port = urlsplit(it.open_page.tab.origin).port
        for _ in range(100):
            tasks.start_soon(wait_for_end, await anyio.connect_tcp("127.0.0.1", port or 0))
        with anyio.fail_after(PATIENCE_SECONDS):
            await enough.wait()
        it.hand_clock.advance(1)
        await question.press(question.no)
        assert outcome(await call.result()) == ("declined", "declined")
        tasks.cancel_scope.cancel()


async def test_the_end_of_a_question_stays_on_the_page_until_another_one_comes() -> None:
    """Two questions at once open one page, without a warning."""
    async with with_page() as it:
        it[MINE].start(GO_LIVE)
        question = await it.open_page.next()
        it.hand_clock.advance(1)
        await question.press(question.no)
        (ended,) = (await it.open_page.tab.state())["approvals"]
        assert ended["outcome"] == "You said no. Nothing was sent."
        for destination in ("dest_1", "dest_2"):
            it[MINE].start("delete_destination", destId=destination)
        approvals = await shown(it, 2)
        assert [each["phase"] for each in approvals] == ["open", "open"]
        assert len(it.open_page.browser.opened) == 1
        assert (await it.open_page.tab.state())["openedTwice"] is False


async def test_many_stops_do_not_remove_an_open_question_from_the_page() -> None:
    async with with_page() as it:
        it[MINE].start(GO_LIVE)
        go_live = await it.open_page.next()
        for _ in range(9):
            await it[MINE].call("go_offline")
        tickets = [each["ticket"] for each in (await it.open_page.tab.state())["approvals"]]
        assert go_live.data["ticket"] in tickets


async def test_a_signal_right_after_the_opening_leaves_no_file_with_the_address(
    tmp_path: Path,
) -> None:
    opened = OpenedAddresses(tmp_path)
    async with running(settings=opened.environment) as process:
        await process.tell(*opening(LEGACY), tool_call(LEGACY, "go_offline", number=2, **STUDIO))
        file = Path((await opened.next()).removeprefix("file://"))
        assert file.parent.exists()
        await process.stop(signal.SIGTERM)
        assert not file.parent.exists()


async def test_a_person_is_told_what_became_of_a_press_when_the_client_hangs_up(
    tmp_path: Path,
) -> None:
    """They have closed its window while their yes is being sent, and TRaX has not answered yet."""
    opened, held = OpenedAddresses(tmp_path), Held()
    outcomes: list[str] = []

    async def press() -> None:
        while not outcomes:  # no yes counts in the first second
            (shown,) = (await tab.press(question, YES)).json()["approvals"]
            outcomes.extend(filter(None, [shown["outcome"]]))

    async with upstream() as trax, anyio.create_task_group() as tasks:
        trax.faults.add(held.fault, path=GO_LIVE.sent.split()[1])
        own = {"TRAX_SANDBOX": "", "TRAX_API_KEY": SANDBOX_KEY, "TRAX_BASE_URL": trax.base_url}
        async with running(settings={**opened.environment, **own}) as process:
            await process.tell(*opening(LEGACY), tool_call(LEGACY, "go_live", number=2, **STUDIO))
            tab = PageClient(address_behind(await opened.next()))
            await tab.redeem()
            (question,) = (await tab.state())["approvals"]
            await tab.report(question)
            tasks.start_soon(press)
            await held.arrived()
            assert await process.hang_up() == 0
        held.release()
    assert outcomes == [
        (
            "It isn't known whether it worked. The call was cut short before TRaX answered."
            " Ask your assistant to look."
        )
    ]


def test_the_browser_is_opened_by_no_module_of_the_present_folder_and_without_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder is whatever a person has opened in their editor."""
    (tmp_path / "webbrowser.py").write_text("open('taken', 'w')", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BROWSER", "true")
    monkeypatch.setenv("DISPLAY", ":7")
    monkeypatch.setenv("TRAX_API_KEY", KEY)
    with patch.object(subprocess, "Popen") as start:
        open_in_browser("about:blank")
    command, environment = start.call_args.args[0], start.call_args.kwargs["env"]
    subprocess.run(command, check=False, timeout=PATIENCE_SECONDS)  # noqa: S603  it is ours
    assert not (tmp_path / "taken").exists()
    assert environment["DISPLAY"] == ":7"
    assert KEY not in environment.values()
