"""Every text and every list in an argument has a limit, so that no call can fill the memory.

TRaX documents no limits: they are this server's. The table here is written by hand.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Final

import mcp
import pytest

from tests.support.guarded_calls import STUDIO
from tests.support.media_folders import make_media_folder
from tests.support.product.faults import Fault
from tests.support.single_faults import READ, results_of
from tests.support.valid_calls import EVERY
from tests.world.wire import MODERN

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import mcp_types as types
    from mcp.server import Server

    from tests.support.product.sandbox import Sandbox
    from tests.support.product.server import Product

    Call = tuple[str, dict[str, Any]]

LIMITS: Final = {
    **dict.fromkeys(("studioId", "destId", "sourceId", "connectionId"), 512),
    **dict.fromkeys(("name", "platform", "type", "contentType"), 200),
    **dict.fromkeys(("rtmpUrl", "url", "streamKey"), 2_048),
    **dict.fromkeys(("cursor", "after", "path", "folder"), 4_096),
    "filename": 255,
    "text": 2_000,
    "query": 512,
    "confirmation": 512,
}
"""The most characters of each argument that is a text."""

LARGEST_REQUEST_BYTES: Final = 256 << 10
"""The most that the server reads over HTTP."""

VALID: Final = {**EVERY, "upload_media": {"path": "intro.mp4"}}
NEXT: Final = ". Nothing was sent: correct the arguments and call again."


@pytest.fixture
def every_tool(open_product: Callable[..., Product], tmp_path: Path) -> Server[Any]:
    """A server that offers every tool."""
    return open_product(TRAX_MEDIA_DIRS=str(make_media_folder(tmp_path))).server()


async def refusals(server: Server[Any], calls: Sequence[Call]) -> list[str]:
    """The message of each call with invalid arguments; empty if they were valid."""
    async with mcp.Client(server, mode=MODERN, cache=None) as client:
        errors = [
            ((await client.call_tool(*it)).structured_content or {}).get("error", {})
            for it in calls
        ]
    return [str(it["message"]) if it.get("code") == "invalid_arguments" else "" for it in errors]


async def tools_of(server: Server[Any]) -> list[types.Tool]:
    """The tools as listed."""
    async with mcp.Client(server, mode=MODERN, cache=None) as client:
        return (await client.list_tools()).tools


async def texts_of(server: Server[Any]) -> list[tuple[str, str]]:
    """Each argument that is a text, with its tool."""
    return [
        (tool.name, name)
        for tool in await tools_of(server)
        for name, schema in tool.input_schema["properties"].items()
        if schema["type"] == "string"
    ]


def with_text(tool: str, name: str, text: str) -> Call:
    """A valid call with this text in one of its arguments."""
    pairs = {"rtmpUrl": {"streamKey": "k"}, "streamKey": {"rtmpUrl": "rtmps://live.example"}}
    arguments = {**VALID[tool], **pairs.get(name, {}), name: text}
    if name in pairs:
        arguments.pop("connectionId", None)
    return tool, arguments


async def test_the_schema_states_the_limits_of_every_text_and_list(
    every_tool: Server[Any],
) -> None:
    """A client can check them before it sends."""
    lists = []
    for tool in await tools_of(every_tool):
        for name, schema in tool.input_schema["properties"].items():
            if schema["type"] == "string":
                assert schema["maxLength"] == LIMITS[name], (tool.name, name)
            if schema["type"] == "array":
                lists.append((schema["maxItems"], schema["items"].get("maxLength")))
    assert lists == [(50, 200), (10, None)]


async def test_a_call_at_all_limits_fits_into_a_request(every_tool: Server[Any]) -> None:
    """Even if its client escapes every character, with room for what else is in a request."""
    for tool in await tools_of(every_tool):
        longest = {
            name: [widest(schema["items"])] * schema["maxItems"]
            if schema["type"] == "array"
            else widest(schema)
            for name, schema in tool.input_schema["properties"].items()
        }
        assert len(json.dumps(longest)) < LARGEST_REQUEST_BYTES - 64 * 1024, tool.name


def widest(schema: dict[str, Any]) -> str:
    """The text that takes the most bytes as JSON."""
    return "\U0001f525" * int(schema.get("maxLength", 1))


async def test_a_text_over_its_limit_is_refused_and_not_repeated(
    every_tool: Server[Any], sandbox: Sandbox
) -> None:
    """Nothing is sent. The limit is checked before the content, which is too long to look at."""
    texts = await texts_of(every_tool)
    for text in ("x", " "):
        calls = [with_text(*it, text * (LIMITS[it[1]] + 1)) for it in texts]
        assert await refusals(every_tool, calls) == [
            f"`{name}` must be the string that the preview gave{NEXT}"
            if name == "confirmation"
            else f"`{name}` must have at most {LIMITS[name]:,} characters"
            f" (a limit of this server){NEXT}"
            for _, name in texts
        ]
    assert list(sandbox.requests) == []


async def test_a_text_at_its_limit_is_accepted(every_tool: Server[Any]) -> None:
    """Characters count, not bytes, as in JSON Schema."""
    texts = await texts_of(every_tool)
    calls = [with_text(*it, "\U0001f600" * LIMITS[it[1]]) for it in texts]
    assert await refusals(every_tool, calls) == [""] * len(texts)


TOO_MANY: Final = f"`platforms` must have at most 50 items (a limit of this server){NEXT}"
TOO_LONG: Final = f"`platforms` must have at most 200 characters (a limit of this server){NEXT}"
BLANK: Final = f"`platforms` must be a non-empty string{NEXT}"
NO_LIST: Final = f"`platforms` must be a list of non-empty strings{NEXT}"
LISTS: Final[list[tuple[object, str]]] = [
    (["x" * 200] * 50, ""),
    (["kick"] * 51, TOO_MANY),
    ([" "] * 51, BLANK),
    (["x" * 201], TOO_LONG),
    (str(["kick"] * 51).replace("'", '"'), TOO_MANY),
    (f'["{"x" * 201}"]', TOO_LONG),
    ('["' + r"\ud83d\ude00" * 200 + '"]', ""),
    ("[" * 120_201, NO_LIST),
]


async def test_the_number_and_length_of_list_items_are_limited(server: Server[Any]) -> None:
    """Also of a list in a string, as some models send it."""
    calls = [
        ("send_chat_message", {**STUDIO, "text": "Hello", "platforms": platforms})
        for platforms, _ in LISTS
    ]
    assert await refusals(server, calls) == [problem for _, problem in LISTS]


async def test_a_text_of_millions_of_characters_holds_up_nobody(
    server: Server[Any], sandbox: Sandbox
) -> None:
    """What TRaX says is shown in part, and no other call waits for that, above all no stop."""
    texts = [it * (2_000_000 // len(it.encode())) for it in (" ", "a", "\u3000", '"', "\u0301")]
    faults = [Fault.error(400, "invalid_request", it) for it in texts]
    before = time.process_time()
    results = await results_of(server, sandbox, READ, faults)
    assert time.process_time() - before < 1
    assert len(str(results)) < 10_000
