"""Every text and every list in an argument has a limit, so that no call can fill the memory.

TRaX documents no limits: they are this server's. The table here is written by hand.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import mcp
import pytest

from tests.conftest import OWNER
from tests.support.generated_files import as_json, listings
from tests.support.guarded_calls import STUDIO
from tests.support.jsonrpc import MODERN
from tests.support.valid_calls import EVERY
from trax_mcp.server.app import ServerDeps, build_server
from trax_mcp.server.http.request_limits import LARGEST_REQUEST_BYTES
from trax_mcp.server.tool_filter import ToolFilter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp.server import Server

    from tests.support.product.sandbox import Sandbox
    from trax_mcp.api.client import Client

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

SCHEMAS: Final = {tool.name: as_json(tool)["inputSchema"]["properties"] for tool in listings()}
VALID: Final = {**EVERY, "upload_media": {"path": "intro.mp4"}}
TEXTS: Final = [
    (tool, name)
    for tool, arguments in SCHEMAS.items()
    for name, schema in arguments.items()
    if schema["type"] == "string"
]
NEXT: Final = ". Nothing was sent: correct the arguments and call again."


@pytest.fixture
def local_server(trax: Client) -> Server[Any]:
    """A server that offers every tool."""
    return build_server(trax, own=OWNER, deps=ServerDeps(tool_filter=ToolFilter(local=True)))


async def refusals(server: Server[Any], calls: Sequence[Call]) -> list[str]:
    """The message of each call with invalid arguments; empty if they were valid."""
    async with mcp.Client(server, mode=MODERN, cache=None) as client:
        errors = [
            ((await client.call_tool(*it)).structured_content or {}).get("error", {})
            for it in calls
        ]
    return [str(it["message"]) if it.get("code") == "invalid_arguments" else "" for it in errors]


def with_text(tool: str, name: str, text: str) -> dict[str, Any]:
    """The arguments of a valid call with this text in one of them."""
    pairs = {"rtmpUrl": {"streamKey": "k"}, "streamKey": {"rtmpUrl": "rtmps://live.example"}}
    arguments = {**VALID[tool], **pairs.get(name, {}), name: text}
    if name in pairs:
        arguments.pop("connectionId", None)
    return arguments


def test_the_schema_states_the_limit_of_every_text() -> None:
    """A client can check it before it sends."""
    stated = {(tool, name): SCHEMAS[tool][name]["maxLength"] for tool, name in TEXTS}
    assert stated == {(tool, name): LIMITS[name] for tool, name in TEXTS}


@pytest.mark.parametrize("tool", SCHEMAS)
def test_a_call_at_all_limits_fits_into_a_request(tool: str) -> None:
    """Even if its client escapes every character, with room for what else is in a request."""
    longest = {
        name: [widest(schema["items"])] * schema["maxItems"]
        if schema["type"] == "array"
        else widest(schema)
        for name, schema in SCHEMAS[tool].items()
    }
    assert len(json.dumps(longest)) < LARGEST_REQUEST_BYTES - 64 * 1024


def widest(schema: dict[str, Any]) -> str:
    """The text that takes the most bytes as JSON."""
    return "\U0001f525" * int(schema.get("maxLength", 1))


TOOLS: Final = sorted({tool for tool, _ in TEXTS})


@pytest.mark.parametrize("tool", TOOLS)
async def test_a_text_over_its_limit_is_refused_and_not_repeated(
    local_server: Server[Any], sandbox: Sandbox, tool: str
) -> None:
    """Nothing is sent. The limit is checked before the content, which is too long to look at."""
    names = [name for it, name in TEXTS if it == tool]
    calls = [
        (tool, with_text(tool, name, text))
        for name in names
        for text in ("x" * (LIMITS[name] + 1), "x" * 1_000_000, " " * (LIMITS[name] + 1))
    ]
    problems = {
        name: f"must have at most {LIMITS[name]:,} characters (a limit of this server)"
        for name in names
    } | {"confirmation": "must be the string that the preview gave"}
    assert await refusals(local_server, calls) == [
        f"`{name}` {problems[name]}{NEXT}" for name in names for _ in range(3)
    ]
    assert list(sandbox.requests) == []


@pytest.mark.parametrize("tool", TOOLS)
async def test_a_text_at_its_limit_is_accepted(local_server: Server[Any], tool: str) -> None:
    """Characters count, not bytes, as in JSON Schema."""
    names = [name for it, name in TEXTS if it == tool]
    calls = [(tool, with_text(tool, name, "\U0001f600" * LIMITS[name])) for name in names]
    assert await refusals(local_server, calls) == [""] * len(names)


TOO_MANY: Final = f"`platforms` must have at most 50 items (a limit of this server){NEXT}"
TOO_LONG: Final = f"`platforms` must have at most 200 characters (a limit of this server){NEXT}"
LONG_JSON: Final = (
    f"`platforms` must have at most 120,200 characters (a limit of this server){NEXT}"
)
LISTS: Final[list[tuple[object, str]]] = [
    (["kick"] * 50, ""),
    (["x" * 200] * 50, ""),
    (["kick"] * 51, TOO_MANY),
    (["kick"] * 100_000, TOO_MANY),
    ([" "] * 51, TOO_MANY),
    (["x" * 201], TOO_LONG),
    (str(["kick"] * 51).replace("'", '"'), TOO_MANY),
    (f'["{"x" * 201}"]', TOO_LONG),
    ('["' + r"\ud83d\ude00" * 200 + '"]', ""),
    ("[" * 120_201, LONG_JSON),
]


@pytest.mark.parametrize(("platforms", "problem"), LISTS, ids=range(len(LISTS)))
async def test_the_number_and_length_of_list_items_are_limited(
    server: Server[Any], sandbox: Sandbox, *, platforms: object, problem: str
) -> None:
    """A list in a string, as some models send it, is limited before it is read."""
    arguments = {**STUDIO, "text": "Hello", "platforms": platforms}
    assert await refusals(server, [("send_chat_message", arguments)]) == [problem]
    assert bool(sandbox.requests) is not bool(problem)


def test_the_schema_states_the_limits_of_every_list() -> None:
    """The number of items, and the characters of each."""
    lists = [it for tool in SCHEMAS.values() for it in tool.values() if it["type"] == "array"]
    assert [(it["maxItems"], it["items"]["maxLength"]) for it in lists] == [(50, 200)]
