"""Each tool returns TRaX's whole answer, and a client accepts any answer.

Each tool is called once, by a real client. Text that viewers wrote is marked as theirs.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import httpx
import mcp
import mcp_types as types
import pytest
from mcp.shared.exceptions import MCPError

from tests.conftest import call, text_of
from tests.support.delimited_text import unfenced
from tests.support.guarded_calls import STUDIO
from tests.support.hostile_texts import NAMES_NOTICE, NOTICE, is_hidden
from tests.support.operation_table import TABLE
from tests.support.product.faults import Fault
from tests.support.product.frozen_sandbox import put_on_air, restore, world_of
from tests.support.product.sandbox_transport import SandboxTransport
from tests.support.product.server import Product
from tests.support.valid_calls import CALLS, SOURCE
from tests.world.wire import LEGACY

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp.server import Server

    from tests.support.operation_table import Entry
    from tests.support.product.sandbox import Sandbox
    from tests.support.product.shared_clock import HandClock

JsonObject = dict[str, Any]

ADDED_BEFORE: Final[dict[str, JsonObject]] = {"list_chat_messages": {"notice": NOTICE}}
ADDED_AFTER: Final[dict[str, JsonObject]] = {
    "go_live": {
        "observed": {
            "state": "on_air",
            "since": "2026-06-05T18:01:03.000Z",
            "checkedAt": "2026-06-05T18:01:03Z",
        }
    },
    "go_offline": {"observed": {"state": "off_air", "checkedAt": "2026-06-05T18:01:01Z"}},
}
"""Additions to TRaX's answers. The sandbox goes live in three seconds and off air in one."""

MEANINGS: Final = {
    **dict.fromkeys(
        ("list_destinations", "list_sources", "list_connections", "list_media"),
        "That is the whole list.",
    ),
    "list_studios": "There are more: call again with `nextCursor` as `cursor`.",
    "get_stream_status": "The studio has been on air for less than a minute (since 18:00 UTC).",
}
"""The sentence before the answer to a read, where it has one."""

NAMED: Final = {
    *("list_studios", "get_studio", "list_destinations", "list_sources"),
    *("list_connections", "list_media"),
}
"""Reads whose data have names, which a sentence announces."""

each_operation = pytest.mark.parametrize("entry", TABLE, ids=lambda entry: entry.tool)


class RecordingTransport(SandboxTransport):
    """Keeps the answers of a sandbox to all requests with one method.

    A tool makes one such request. The guard reads further facts with GET.
    """

    def __init__(self, sandbox: Sandbox, method: str) -> None:
        super().__init__(sandbox)
        self.bodies: list[bytes] = []
        self._method = method

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Pass a request on and keep its answer."""
        response = await super().handle_async_request(request)
        if request.method != self._method:
            return response
        self.bodies.append(await response.aread())
        return httpx.Response(response.status_code, content=self.bodies[-1])


def method_of(entry: Entry) -> str:
    """The HTTP method of its call."""
    return entry.call.partition(" ")[0]


def confirmed_arguments(entry: Entry) -> JsonObject:
    """The arguments of a valid call, with a yes where the tool takes one."""
    guarded = entry.hints["destructiveHint"]
    return {**CALLS[entry.tool], **({"confirm": True} if guarded else {})}


def with_visible_escapes(document: str) -> str:
    """A JSON document with escapes in place of invisible characters."""
    return "".join(json.dumps(it)[1:-1] if is_hidden(it) else it for it in document)


@each_operation
async def test_a_tool_returns_the_answer_of_trax(
    sandbox: Sandbox, clock: HandClock, entry: Entry
) -> None:
    """Structured content is TRaX's JSON, and the text is the same as compact JSON.

    The text fences viewers' words and has no invisible characters. The SDK's client refuses a
    result that does not match the output schema.
    """
    tool, recording = entry.tool, RecordingTransport(sandbox, method_of(entry))
    product = Product(sandbox, clock, {"TRAX_CONFIRM": "flag"}, transport=recording)
    put_on_air(sandbox)
    async with mcp.Client(product.server(), cache=None) as client:
        await client.list_tools()
        result = await client.call_tool(tool, confirmed_arguments(entry))
    (body,) = recording.bodies
    answer = {**ADDED_BEFORE.get(tool, {}), **json.loads(body), **ADDED_AFTER.get(tool, {})}
    assert not result.is_error
    assert result.structured_content == answer
    said = json.loads(body) if tool in ADDED_BEFORE else answer
    text = unfenced(text_of(result)) if tool in ADDED_BEFORE else text_of(result)
    if tool in MEANINGS:
        meaning, _, text = text.partition("\n")
        assert meaning == MEANINGS[tool]
    if tool in NAMED:
        announced, _, text = text.partition("\n")
        assert announced == NAMES_NOTICE
    if method_of(entry) != "GET":
        done, _, text = text.rpartition("\n")
        done = done.partition("\n")[0]
        approved = done.endswith(" Approved by confirm: true (TRAX_CONFIRM=flag).")
        assert approved is ("live.traxstreaming/approvedIn" in (result.meta or {})), done
    assert text == with_visible_escapes(json.dumps(said, ensure_ascii=False, separators=(",", ":")))


@pytest.mark.parametrize("tool", ADDED_AFTER)
async def test_the_observed_state_is_in_the_metadata_too(
    flag_server: Server[Any], sandbox: Sandbox, tool: str
) -> None:
    """A host can show it without reading the answer."""
    put_on_air(sandbox)
    result = await call(flag_server, tool, {**CALLS[tool], "confirm": True})
    ours = {name: it for name, it in (result.meta or {}).items() if name.startswith("live.")}
    assert ours == {
        "live.traxstreaming/outcome": ADDED_AFTER[tool]["observed"]["state"],
        "live.traxstreaming/approvedIn": "flag",
    }


async def test_invisible_characters_are_escaped_in_the_text_only(
    server: Server[Any], sandbox: Sandbox
) -> None:
    """A model sees escapes in every answer. A program gets the characters themselves."""
    name = "Show\u202e \U0001f44b\u200b\U000e0041"
    sandbox.add_studio(name)
    result = await call(server, "list_studios")
    structured, text = result.structured_content or {}, text_of(result).partition("\n")[2]
    assert name in [studio["name"] for studio in structured["data"]]
    assert '"name":"Show\\u202e \U0001f44b\\u200b\\udb40\\udc41"' in text
    assert json.loads(text.rpartition("\n")[2]) == structured


def _without_fields(answer: JsonObject) -> None:
    answer.clear()


def _with_nulls(answer: JsonObject) -> None:
    answer.update(dict.fromkeys(answer))


def _with_new_fields(answer: JsonObject) -> None:
    answer["added"] = {"deep": [1, None]}
    for item in answer.get("data", ()):
        item.update(added=True, status="A_NEW_STATUS", role="COHOST", kind="hologram")


def _with_empty_items(answer: JsonObject) -> None:
    answer["data"] = [{} for _ in answer.get("data", ())]


@each_operation
async def test_a_client_accepts_every_answer_of_trax(
    flag_server: Server[Any], sandbox: Sandbox, entry: Entry
) -> None:
    """Fields may be missing, null or new, or have new values. The call succeeded all the same."""
    before = world_of(sandbox)
    async with mcp.Client(flag_server, mode=LEGACY, cache=None) as client:
        await client.list_tools()
        for change in (_without_fields, _with_nulls, _with_new_fields, _with_empty_items):
            sandbox.faults.add(Fault.patched(change), method=method_of(entry))
            result = await client.call_tool(entry.tool, confirmed_arguments(entry))
            assert not result.is_error, change
            assert sandbox.faults.pending == 0
            restore(sandbox, before)


async def test_an_unknown_tool_is_a_protocol_error(server: Server[Any]) -> None:
    """The code is that of invalid parameters, and the name is not repeated."""
    async with mcp.Client(server, cache=None) as client:
        with pytest.raises(MCPError) as caught:
            await client.call_tool("delete_studio", STUDIO)
    assert caught.value.error == types.ErrorData(
        code=types.INVALID_PARAMS, message="There is no such tool."
    )


async def test_without_a_key_only_the_public_calls_are_sent(
    open_product: Callable[..., Product], sandbox: Sandbox
) -> None:
    """All tools are listed, and the error says how to get a key."""
    async with mcp.Client(open_product().server(None), cache=None) as client:
        assert "go_live" in {it.name for it in (await client.list_tools()).tools}
        refused = await client.call_tool("list_studios", {})
        for tool in ("get_health", "get_openapi"):
            assert not (await client.call_tool(tool, {})).is_error
    error = (refused.structured_content or {})["error"]
    assert (error["code"], error["outcome"]) == ("no_key", "not_applied")
    assert "Developer / API Keys" in error["message"]
    assert "TRAX_API_KEY" in error["message"]
    assert [it.path for it in sandbox.requests] == ["/v1/health", "/v1/openapi.json"]
    assert not any({"authorization", "x-api-key"} & set(it.headers) for it in sandbox.requests)


async def test_a_change_names_the_studio_if_a_list_was_read_lately(
    server: Server[Any], sandbox: Sandbox
) -> None:
    """Without a read of its own."""
    change = {**SOURCE, "name": "Wide shot"}
    texts = []
    async with mcp.Client(server, cache=None) as client:
        for _ in range(2):
            texts.append(text_of(await client.call_tool("update_source", change)))
            await client.list_resources()
    assert [text.splitlines()[0] for text in texts] == [
        f'Changed the source "Wide shot" of {studio}: `name` is "Wide shot".'
        for studio in ("the studio", '"Friday Night Show"')
    ]
    assert [it.method for it in sandbox.requests] == ["PATCH", "GET", "PATCH"]
