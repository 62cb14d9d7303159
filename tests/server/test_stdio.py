"""stdio: what a client sees when it starts the command, and how the command ends.

With real processes, for what only pipes can show.
"""

from __future__ import annotations

import asyncio
import json
import os
import select
import signal
import sys
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests import ROOT
from tests.support import hanging_server
from tests.support.chat_polls import CHAT_PATH, cursor_of, texts_after
from tests.support.product.commands import run_command
from tests.support.product.local_servers import Held, upstream
from tests.support.product.reference import tool_names
from tests.support.resource_reads import CHAT, STATUS
from tests.support.server_process import PATIENCE_SECONDS, SIGNALS, Running, environment, running
from tests.world.answers import data_of, error_in
from tests.world.wire import ERAS, LEGACY, MODERN, opening, request, tool_call
from tests.world.world import MINE, Over, open_world

if TYPE_CHECKING:
    from pathlib import Path

WAITING: Final = 7
LISTENING: Final = 8


def messages(server: Running) -> list[dict[str, Any]]:
    """All lines on stdout, each of which must be a JSON-RPC message."""
    read = [json.loads(line) for line in server.stdout.all]
    assert {it["jsonrpc"] for it in read} == {"2.0"}
    return read


@pytest.mark.parametrize("mode", [LEGACY, "auto"])
async def test_a_client_starts_the_command_and_uses_tools_prompts_and_subscriptions(
    mode: str, tmp_path: Path
) -> None:
    """With the SDK's client. The key comes from a file, without the newline at its end."""
    file = tmp_path / "key"
    file.write_text(f"{MINE}\n", encoding="utf-8")
    fast: dict[str, Any] = {"TRAX_CHAT_POLL_SECONDS": "0.05", "TRAX_API_KEY_FILE": str(file)}
    async with open_world(over=Over.STDIO, era=mode, **fast) as it:
        mine = await it.caller("")
        assert [tool.name for tool in (await mine.client.list_tools()).tools] == tool_names()
        assert "Friday Night Show" in str(data_of(await mine.call("list_studios")))
        assert error_in(await mine.call("get_studio", studioId="no_such"))["code"] == "not_found"
        assert len((await mine.client.list_prompts()).prompts) == 7
        prompt = await mine.client.get_prompt("start_stream", {"studio": "Friday Night Show"})
        assert "Friday Night Show" in str(prompt.messages[0].content)
        cursor = await cursor_of(mine)
        assert await mine.subscribe(CHAT) == [CHAT]
        it.trax.say("Hello")
        await mine.wait_for_updates()
        assert await texts_after(mine, cursor) == ["Hello"]
        await mine.unsubscribe(CHAT)
        assert set(it.keys) == {MINE}


UNREADABLE: Final = (
    "{bad",
    "[" * 100_000,
    '{"jsonrpc":"2.0","id":"x","method":"ping","params":{"name":"\\ud800"}}',
    '{"jsonrpc":"2.0","id":"\\ud800","method":"ping"}',
    '{"jsonrpc":"2.0","id":77,"method":"ping","params":[1]}',
    '{"jsonrpc":"1.0","id":88,"method":"ping"}',
    '{"jsonrpc":"2.0","id":true,"method":5}',
    '{"jsonrpc":"2.0","id":99,"result":"the answer to nothing"}',
    "[]",
)
"""Lines that are no message. Blank ones stand between them."""

ANSWERED: Final[tuple[tuple[dict[str, Any], object], ...]] = (
    (tool_call(MODERN, "list_studios", number=1), None),
    (tool_call(MODERN, "get_studio", number=2, studioId="no_such"), "not_found"),
    (tool_call(MODERN, "get_studio", number=3, nonsense=True), "invalid_arguments"),
    (tool_call(MODERN, "no_such_tool", number=4), -32602),
    (request(MODERN, "no/such/method", number=5), -32601),
)
"""Requests with the code of their error."""


async def test_stdout_has_only_protocol_messages_whatever_a_client_sends(tmp_path: Path) -> None:
    """With DEBUG logs, invalid and failing calls. An unreadable line is left without an answer."""
    debug = {"TRAX_SANDBOX": "1", "TRAX_LOG_LEVEL": "DEBUG", "TRAX_API_KEY": "sk_live_ignored"}
    debug["TRAX_AUDIT_LOG"] = str(tmp_path / "audit")
    async with running(settings=debug) as server:
        await server.write("".join(f"{line}\n\n" for line in UNREADABLE))
        for message, code in ANSWERED:
            answer = await server.ask(message)
            data = answer.get("result", {}).get("structuredContent", answer)
            assert data.get("error", {}).get("code") == code
        assert await server.hang_up() == 0
    assert len(messages(server)) == len(ANSWERED)
    assert "DEBUG" in server.stderr.text
    assert "Traceback" not in server.stderr.text


@pytest.mark.parametrize(
    ("named", "value"),
    [("TRAX_BASE_URL", "http://trax.example"), ("TRAX_API_KEY", "sk_live_with a space")],
)
def test_an_invalid_setting_stops_the_start_with_one_sentence(named: str, value: str) -> None:
    """On stderr, naming the setting without its value."""
    ended = run_command(settings={named: value})
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith(f"trax-mcp: {named}")
    assert ended.err.count("\n") == 1
    assert value not in ended.err


# The end


async def test_the_server_exits_although_a_name_server_does_not_answer() -> None:
    """A thread looks the name up for a call, and cannot be interrupted when stdin closes."""
    program = ("-m", "tests.support.hanging_server", hanging_server.NAMES)
    async with running(settings={"TRAX_API_KEY": MINE}, program=program) as server:
        await server.tell(*opening(LEGACY), tool_call(LEGACY, "list_studios"))
        await server.stderr.match(hanging_server.BEGINS)
        assert await server.hang_up() == 0


async def started(stdout: int) -> asyncio.subprocess.Process:
    """The command, whose answers go into this pipe."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "trax_mcp", "--sandbox"),
        stdin=asyncio.subprocess.PIPE,
        stdout=stdout,
        stderr=asyncio.subprocess.PIPE,
        env=environment({}),
        cwd=ROOT,
    )
    os.close(stdout)
    return process


def lists(number: int) -> bytes:
    """As many requests for all tools."""
    requests = [json.dumps(request(MODERN, "tools/list", number=it)) for it in range(number)]
    return "".join(f"{it}\n" for it in requests).encode()


async def test_the_server_exits_when_stdout_cannot_be_written() -> None:
    """The client has crashed; that is not logged as an error."""
    reading, writing = os.pipe()
    os.close(reading)
    process = await started(writing)
    async with asyncio.timeout(PATIENCE_SECONDS):
        _, log = await process.communicate(lists(1))
    assert (process.returncode, log) == (0, b"")


@pytest.mark.parametrize("hangs_up", [True, False])
async def test_the_server_exits_although_its_client_reads_nothing(*, hangs_up: bool) -> None:
    """It hangs up, or a signal comes. More was answered than a pipe holds."""
    reading, writing = os.pipe()
    process = await started(writing)
    assert process.stdin is not None
    process.stdin.write(lists(9))
    await asyncio.to_thread(select.select, [reading], [], [], PATIENCE_SECONDS)
    if hangs_up:
        process.stdin.close()
    else:
        process.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert await process.wait() == 0
    finally:
        os.close(reading)


@pytest.mark.parametrize(("number", "era"), list(zip(SIGNALS, ERAS, strict=True)))
async def test_a_signal_answers_all_open_requests_and_ends_the_server(
    number: int, era: str
) -> None:
    """A call that waits for TRaX fails; a stream of the later era ends with its result."""
    held = Held()
    wait: dict[str, Any] = {"studioId": "studio_42", "after": "start", "timeoutSeconds": 55}
    async with upstream() as trax:
        settings = {"TRAX_API_KEY": MINE, "TRAX_BASE_URL": trax.base_url}
        async with running(settings=settings) as server:
            await server.tell(*opening(era))
            await subscribe(server, era)
            trax.faults.add(held.fault, path=CHAT_PATH)
            await server.tell(tool_call(era, "wait_for_chat_messages", number=WAITING, **wait))
            await held.arrived()
            assert await server.stop(number) == 0
            held.release()
    answers = {it["id"]: it for it in messages(server) if "id" in it}
    error = answers[WAITING]["error"]
    assert (error["code"], "server is shutting down" in error["message"]) == (-32000, True)
    if era == MODERN:
        about = {"io.modelcontextprotocol/subscriptionId": LISTENING}
        assert answers[LISTENING]["result"]["_meta"].items() >= about.items()
    assert server.stderr.text == ""


async def subscribe(server: Running, era: str) -> None:
    """Subscribe with plain messages, and wait for the acknowledgement."""
    if era == LEGACY:
        subscribing = request(LEGACY, "resources/subscribe", {"uri": STATUS})
        assert (await server.ask(subscribing))["result"] == {}
        return
    wanted = {"notifications": {"resourceSubscriptions": [STATUS]}}
    await server.tell(request(MODERN, "subscriptions/listen", wanted, number=LISTENING))
    await server.stdout.match("notifications/subscriptions/acknowledged")
