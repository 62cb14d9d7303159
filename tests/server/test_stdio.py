"""stdio: what a client sees when it starts the command, and how the command ends.

With real processes, for what only pipes can show.
"""

from __future__ import annotations

import asyncio
import json
import os
import select
import sys
from typing import TYPE_CHECKING, Any, Final

import pytest
from mcp.client.stdio import StdioServerParameters

from tests import ROOT
from tests.support import hanging_server
from tests.support.product.commands import run_command
from tests.support.product.local_servers import Held, upstream
from tests.support.product.reference import tool_names
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.server_process import PATIENCE_SECONDS, SIGNALS, Running, environment, running
from tests.support.subscribers import CHAT, CHAT_PATH, STATUS, say, subscriber_on
from tests.world.wire import ERAS, LEGACY, MODERN, opening, request, tool_call

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.product.sandbox import Sandbox

WAITING: Final = 7
LISTENING: Final = 8


def settings(trax: Sandbox) -> dict[str, str]:
    """Settings with a valid key and twenty polls a second."""
    return {
        "TRAX_API_KEY": SANDBOX_KEY,
        "TRAX_BASE_URL": trax.base_url,
        "TRAX_CHAT_POLL_SECONDS": "0.05",
    }


def only_protocol(server: Running) -> bool:
    """Whether every line on stdout is a JSON-RPC message."""
    lines = server.stdout.all
    return bool(lines) and all(json.loads(line)["jsonrpc"] == "2.0" for line in lines)


@pytest.mark.parametrize("mode", [LEGACY, "auto"])
async def test_a_client_starts_the_command_and_uses_tools_prompts_and_subscriptions(
    mode: str, tmp_path: Path
) -> None:
    """With the SDK's client. The key comes from a file, without the newline at its end."""
    file = tmp_path / "key"
    file.write_text(f"{SANDBOX_KEY}\n", encoding="utf-8")
    async with upstream() as trax:
        given = {**settings(trax), "TRAX_API_KEY_FILE": str(file)}
        del given["TRAX_API_KEY"]
        command = StdioServerParameters(
            command=sys.executable, args=["-m", "trax_mcp"], env=environment(given), cwd=ROOT
        )
        async with subscriber_on(command, mode) as subscriber:
            client = subscriber.client
            assert [it.name for it in (await client.list_tools()).tools] == tool_names()
            studios = await client.call_tool("list_studios", {})
            assert "Friday Night Show" in str(studios.structured_content)
            assert (await client.call_tool("get_studio", {"studioId": "no_such"})).is_error
            assert len((await client.list_prompts()).prompts) == 7
            prompt = await client.get_prompt("go_live", {"studio": "Friday Night Show"})
            assert "Friday Night Show" in str(prompt.messages[0].content)
            before = await subscriber.read()
            assert await subscriber.subscribe(CHAT) == [CHAT]
            message = say(trax, "Hello")
            await subscriber.wait_for_updates()
            page = await subscriber.read(after=before["cursor"])
            assert page == {**before, "messages": [message], "cursor": page["cursor"]}
            say(trax, "Hello again")
            await subscriber.wait_for_updates(2)
            assert await subscriber.texts(after=page["cursor"]) == ["Hello again"]
            await subscriber.unsubscribe(CHAT)
        assert subscriber.updates == [CHAT] * 2
    assert {it.key_name for it in trax.requests} == {"full"}


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


async def test_stdout_has_only_protocol_messages_whatever_a_client_sends(tmp_path: Path) -> None:
    """With DEBUG logs, invalid and failing calls. An unreadable line is answered with an error."""
    debug = {"TRAX_SANDBOX": "1", "TRAX_LOG_LEVEL": "DEBUG", "TRAX_API_KEY": "sk_live_ignored"}
    debug["TRAX_AUDIT_LOG"] = str(tmp_path / "audit")
    async with running(settings=debug) as server:
        await server.write("".join(f"{line}\n\n" for line in UNREADABLE))
        works = await server.ask(tool_call(MODERN, "list_studios", number=1))
        fails = await server.ask(tool_call(MODERN, "get_studio", number=2, studioId="no_such"))
        refused = await server.ask(tool_call(MODERN, "get_studio", number=3, nonsense=True))
        no_tool = await server.ask(tool_call(MODERN, "no_such_tool", number=4))
        no_method = await server.ask(request(MODERN, "no/such/method", number=5))
        assert await server.hang_up() == 0
    assert works["result"]["structuredContent"]["data"]
    assert fails["result"]["structuredContent"]["error"]["code"] == "not_found"
    assert refused["result"]["structuredContent"]["error"]["code"] == "invalid_arguments"
    assert no_tool["error"]["code"] == -32602
    assert no_method["error"]["code"] == -32601
    assert only_protocol(server)
    errors = [json.loads(line).get("error", {}) for line in server.stdout.all]
    unread = [it for it in errors if it.get("code") in {-32700, -32600}]
    assert len(unread) == len(UNREADABLE)
    assert all("Nothing was done." in it["message"] for it in unread)
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
    async with running(settings={"TRAX_API_KEY": SANDBOX_KEY}, program=program) as server:
        await server.tell(*opening(LEGACY), tool_call(LEGACY, "list_studios"))
        await server.stderr.match(hanging_server.BEGINS)
        assert await server.hang_up() == 0


async def test_the_server_exits_when_stdout_cannot_be_written() -> None:
    """The client has crashed; that is not logged as an error."""
    reading, writing = os.pipe()
    os.close(reading)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "trax_mcp",
        "--sandbox",
        stdin=asyncio.subprocess.PIPE,
        stdout=writing,
        stderr=asyncio.subprocess.PIPE,
        env=environment({}),
        cwd=ROOT,
    )
    os.close(writing)
    line = f"{json.dumps(request(MODERN, 'tools/list'))}\n"
    async with asyncio.timeout(PATIENCE_SECONDS):
        _, log = await process.communicate(line.encode())
    assert (process.returncode, log) == (0, b"")


async def test_the_server_exits_when_its_client_hangs_up_without_reading() -> None:
    """More was answered than a pipe holds."""
    reading, writing = os.pipe()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "trax_mcp",
        "--sandbox",
        stdin=asyncio.subprocess.PIPE,
        stdout=writing,
        env=environment({}),
        cwd=ROOT,
    )
    os.close(writing)
    assert process.stdin is not None
    for number in range(9):
        message = request(MODERN, "tools/list", number=number)
        process.stdin.write(f"{json.dumps(message)}\n".encode())
    await asyncio.to_thread(select.select, [reading], [], [], PATIENCE_SECONDS)
    process.stdin.close()
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert await process.wait() == 0
    finally:
        os.close(reading)


@pytest.mark.timing
@pytest.mark.parametrize(("number", "era"), list(zip(SIGNALS, ERAS, strict=True)))
async def test_a_signal_answers_all_open_requests_and_ends_the_server(
    number: int, era: str
) -> None:
    """A call that waits for TRaX fails; a stream of the later era ends with its result."""
    held = Held()
    wait: dict[str, Any] = {"studioId": "studio_42", "after": "start", "timeoutSeconds": 55}
    async with upstream() as trax, running(settings=settings(trax)) as server:
        await server.tell(*opening(era))
        await _subscribe(server, era)
        trax.faults.add(held.fault, path=CHAT_PATH)
        await server.tell(tool_call(era, "wait_for_chat_messages", number=WAITING, **wait))
        await held.arrived()
        assert await server.stop(number) == 0
        held.release()
    assert only_protocol(server)
    error = _answer_to(server, WAITING)["error"]
    assert (error["code"], "server is shutting down" in error["message"]) == (-32000, True)
    if era == MODERN:
        about = {"io.modelcontextprotocol/subscriptionId": LISTENING}
        assert _answer_to(server, LISTENING)["result"]["_meta"].items() >= about.items()
    assert server.stderr.text == ""


async def _subscribe(server: Running, era: str) -> None:
    """Subscribe with plain messages, and wait for the acknowledgement."""
    if era == LEGACY:
        subscribe = request(LEGACY, "resources/subscribe", {"uri": STATUS})
        assert (await server.ask(subscribe))["result"] == {}
        return
    wanted = {"notifications": {"resourceSubscriptions": [STATUS]}}
    await server.tell(request(MODERN, "subscriptions/listen", wanted, number=LISTENING))
    await server.stdout.match("notifications/subscriptions/acknowledged")


def _answer_to(server: Running, number: int) -> dict[str, Any]:
    """The only answer to a request."""
    messages = [json.loads(line) for line in server.stdout.all]
    (answer,) = [it for it in messages if it.get("id") == number]
    return dict(answer)
