"""stdio: what a client sees when it starts the command, and how the command ends.

Each test starts a real process, for what only pipes can show.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import TYPE_CHECKING

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters

from tests import ROOT
from tests.support import hanging_server
from tests.support.jsonrpc import LEGACY, MODERN, opening, request, tool_call
from tests.support.product.local_servers import Held, upstream
from tests.support.server_process import PATIENCE_SECONDS, SIGNALS, Running, environment, running
from trax_mcp.sandbox import SANDBOX_KEY
from trax_mcp.server.tool_filter import ToolFilter

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow


PROMPTS = sorted(file.stem for file in (ROOT / "prompts").glob("*.md"))


def only_protocol(server: Running) -> bool:
    """Whether every line on stdout is a JSON-RPC message."""
    lines = server.stdout.all
    return bool(lines) and all(json.loads(line)["jsonrpc"] == "2.0" for line in lines)


@pytest.mark.parametrize("mode", [LEGACY, "auto", MODERN])
async def test_a_client_starts_the_command_and_uses_tools_and_prompts(mode: str) -> None:
    """With the SDK's client."""
    command = StdioServerParameters(
        command=sys.executable,
        args=["-m", "trax_mcp", "--sandbox"],
        env=environment({}),
        cwd=ROOT,
    )
    async with Client(command, mode=mode, cache=None) as client:
        tools = (await client.list_tools()).tools
        assert [tool.name for tool in tools] == [it.tool_name for it in ToolFilter().kinds()]
        studios = await client.call_tool("list_studios", {})
        assert not studios.is_error
        assert "Friday Night Show" in str(studios.structured_content)
        missing = await client.call_tool("get_studio", {"studioId": "no_such"})
        assert missing.is_error
        assert [it.name for it in (await client.list_prompts()).prompts] == PROMPTS
        prompt = await client.get_prompt("go_live", {"studio": "Friday Night Show"})
        assert "Friday Night Show" in str(prompt.messages[0].content)


async def test_stdout_contains_only_protocol_messages(era: str) -> None:
    """With DEBUG logs and successful, failing and invalid calls."""
    settings = {"TRAX_LOG_LEVEL": "DEBUG"}
    async with running("--sandbox", settings=settings) as server:
        await server.tell(*opening(era))
        await server.write("this is no JSON\n\n{}\n")
        works = await server.ask(tool_call(era, "list_studios", number=1))
        fails = await server.ask(tool_call(era, "get_studio", number=2, studioId="no_such"))
        refused = await server.ask(tool_call(era, "get_studio", number=3, nonsense=True))
        no_tool = await server.ask(tool_call(era, "no_such_tool", number=4))
        no_method = await server.ask(request(era, "no/such/method", number=5))
        assert await server.hang_up() == 0
    assert works["result"]["structuredContent"]["data"]
    assert fails["result"]["structuredContent"]["error"]["code"] == "not_found"
    assert refused["result"]["structuredContent"]["error"]["code"] == "invalid_arguments"
    assert no_tool["error"]["code"] == -32602
    assert no_method["error"]["code"] == -32601
    assert only_protocol(server)
    assert "DEBUG" in server.stderr.text


async def test_without_a_key_all_tools_are_listed_and_the_error_says_how_to_get_one(
    era: str,
) -> None:
    """Only the two public calls are sent, without a key; others return `no_key`."""
    async with upstream() as trax, running(settings={"TRAX_BASE_URL": trax.base_url}) as server:
        await server.tell(*opening(era))
        listed = await server.ask(request(era, "tools/list", number=1))
        studios = await server.ask(tool_call(era, "list_studios", number=2))
        health = await server.ask(tool_call(era, "get_health", number=3))
        contract = await server.ask(tool_call(era, "get_openapi", number=4))
        assert await server.hang_up() == 0
    assert len(listed["result"]["tools"]) == len(ToolFilter().kinds())
    error = studios["result"]["structuredContent"]["error"]
    assert (error["code"], error["outcome"]) == ("no_key", "not_applied")
    assert "Developer / API Keys" in error["message"]
    assert "TRAX_API_KEY" in error["message"]
    assert not health["result"].get("isError")
    assert contract["result"]["structuredContent"]["openapi"].startswith("3.")
    assert [it.path for it in trax.requests] == ["/v1/health", "/v1/openapi.json"]
    assert not any({"authorization", "x-api-key"} & set(it.headers) for it in trax.requests)


async def test_the_key_from_a_file_reaches_trax(tmp_path: Path) -> None:
    """Without the newline at the file's end."""
    file = tmp_path / "key"
    file.write_text(f"{SANDBOX_KEY}\n")
    async with upstream() as trax:
        settings = {"TRAX_API_KEY_FILE": str(file), "TRAX_BASE_URL": trax.base_url}
        async with running(settings=settings) as server:
            answer = await server.ask(tool_call(MODERN, "list_studios"))
    assert answer["result"]["structuredContent"]["data"]
    assert [it.headers["authorization"] for it in trax.requests] == [f"Bearer {SANDBOX_KEY}"]


async def test_the_sandbox_setting_replaces_the_flag() -> None:
    """`TRAX_SANDBOX=1` is `--sandbox`; a key in the environment is ignored."""
    settings = {"TRAX_SANDBOX": "1", "TRAX_API_KEY": "sk_live_of_somebody"}
    async with running(settings=settings) as server:
        answer = await server.ask(tool_call(MODERN, "list_studios"))
    assert answer["result"]["structuredContent"]["data"]


async def test_the_operators_settings_apply(tmp_path: Path) -> None:
    """Offered tools, guarded tools, the consent mode and the audit log."""
    audit_log = tmp_path / "audit.jsonl"
    settings = {
        "TRAX_TOOLS": "chat, get_studio",
        "TRAX_GUARD_ALSO": "send_chat_message",
        "TRAX_CONFIRM": "flag",
        "TRAX_AUDIT_LOG": str(audit_log),
    }
    message = {"studioId": "studio_42", "text": "Hello"}
    async with running("--sandbox", settings=settings) as server:
        await server.tell(*opening(MODERN))
        listed = await server.ask(request(MODERN, "tools/list", number=1))
        hidden = await server.ask(tool_call(MODERN, "go_live", number=2, studioId="studio_42"))
        unconfirmed = await server.ask(tool_call(MODERN, "send_chat_message", number=3, **message))
        confirmed = await server.ask(
            tool_call(MODERN, "send_chat_message", number=4, **message, confirm=True)
        )
        assert await server.hang_up() == 0
    names = [tool["name"] for tool in listed["result"]["tools"]]
    chat = ["list_chat_messages", "send_chat_message", "wait_for_chat_messages"]
    assert names == ["get_studio", *chat]
    assert hidden["result"]["structuredContent"]["error"]["code"] == "not_offered"
    assert unconfirmed["result"]["structuredContent"]["status"] == "confirmation_required"
    assert "confirmation" not in unconfirmed["result"]["structuredContent"]
    assert not confirmed["result"].get("isError")
    lines = [json.loads(line) for line in audit_log.read_text().splitlines()]
    assert {line["operation"] for line in lines} == {"send_chat_message"}
    assert [line["event"] for line in lines] == ["decided", "decided", "sending", "sent"]
    assert server.stderr.text == ""


async def test_the_server_exits_when_stdin_closes_without_input() -> None:
    """End of input is the normal end."""
    async with running("--sandbox") as server:
        assert await server.hang_up() == 0
    assert server.stdout.all == []
    assert server.stderr.text == ""


async def test_the_server_exits_when_stdin_closes_during_a_call(era: str) -> None:
    """No client is left to read the result, so the server does not wait for it."""
    async with upstream() as trax:
        held = Held()
        trax.faults.add(held.fault)
        settings = {"TRAX_API_KEY": SANDBOX_KEY, "TRAX_BASE_URL": trax.base_url}
        async with running(settings=settings) as server:
            await server.tell(*opening(era), tool_call(era, "list_studios"))
            await held.arrived()
            assert await server.hang_up() == 0
        held.release()
    assert "Traceback" not in server.stderr.text


async def test_the_server_exits_although_a_name_server_does_not_answer() -> None:
    """A thread looks the name of TRaX up, and cannot be interrupted."""
    program = ("-m", "tests.support.hanging_server", hanging_server.NAMES)
    async with running(settings={"TRAX_API_KEY": SANDBOX_KEY}, program=program) as server:
        await server.tell(*opening(MODERN), tool_call(MODERN, "list_studios"))
        await server.stderr.match(hanging_server.BEGINS)
        assert await server.hang_up() == 0


async def test_the_server_exits_when_stdout_cannot_be_written(era: str) -> None:
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
    lines = "".join(f"{json.dumps(it)}\n" for it in (*opening(era), request(era, "tools/list")))
    async with asyncio.timeout(PATIENCE_SECONDS):
        _, log = await process.communicate(lines.encode())
    assert (process.returncode, log) == (0, b"")


@pytest.mark.parametrize("number", SIGNALS)
async def test_a_signal_stops_an_idle_server(number: int) -> None:
    """With exit code 0 and at once, although a thread waits on stdin."""
    async with running("--sandbox") as server:
        await server.ask(request(MODERN, "tools/list"))
        assert await server.stop(number) == 0
    assert only_protocol(server)
    assert server.stderr.text == ""


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"TRAX_BASE_URL": "http://trax.example"}, "TRAX_BASE_URL"),
        ({"TRAX_API_KEY": "sk_live_with a space"}, "TRAX_API_KEY"),
    ],
)
async def test_an_invalid_setting_stops_the_start_with_one_sentence(
    settings: dict[str, str], named: str
) -> None:
    """On stderr, naming the setting without its value."""
    async with running(settings=settings) as server:
        assert await server.end() == 1
    assert server.stdout.all == []
    assert len(server.stderr.all) == 1
    assert server.stderr.text.startswith(f"trax-mcp: {named}")
    assert settings[named] not in server.stderr.text


UNREADABLE = {
    "{bad": (None, -32700),
    "[" * 100_000: (None, -32700),
    '{"jsonrpc":"2.0","id":"x","method":"ping","params":{"name":"\\ud800"}}': ("x", -32700),
    '{"jsonrpc":"2.0","id":"\\ud800","method":"ping"}': (None, -32700),
    '{"jsonrpc":"2.0","id":7,"method":"ping","params":[1]}': (7, -32600),
    '{"jsonrpc":"1.0","id":8,"method":"ping"}': (8, -32600),
    '{"jsonrpc":"2.0","id":true,"method":5}': (None, -32600),
    '{"jsonrpc":"2.0","id":9,"result":"the answer to nothing"}': (None, -32600),
    "[]": (None, -32600),
}
"""A line -> the id and the code of its error."""


async def test_an_unreadable_line_is_answered_with_an_error(era: str) -> None:
    """With its id if readable. Blank lines are ignored, and the next request is served."""
    async with running("--sandbox") as server:
        await server.tell(*opening(era))
        await server.write("".join(f"{line}\n\n" for line in UNREADABLE))
        works = await server.ask(tool_call(era, "list_studios", number=10))
        assert await server.hang_up() == 0
    responses = [json.loads(line) for line in server.stdout.all]
    errors = [(it["id"], it["error"]["code"]) for it in responses if "error" in it]
    assert errors == list(UNREADABLE.values())
    assert works["result"]["structuredContent"]["data"]
    assert all("Nothing was done." in it["error"]["message"] for it in responses if "error" in it)
