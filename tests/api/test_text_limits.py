"""Every text and every list in an argument has a limit, so that no call can fill the memory.

TRaX documents no limits: they are this server's. The table here is written by hand.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.conftest import OWNER, call
from tests.support.generated_files import as_json, listings
from tests.support.valid_calls import EVERY, STUDIO
from trax_mcp.server.app import ServerDeps, build_server
from trax_mcp.server.request_limits import LARGEST_REQUEST_BYTES
from trax_mcp.server.tool_filter import ToolFilter

if TYPE_CHECKING:
    from mcp.server import Server

    from tests.support.recorded_sandbox import Sandbox
    from trax_mcp.api.client import Client

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


async def refusal(server: Server[Any], tool: str, arguments: dict[str, Any]) -> str:
    """The message of a call with invalid arguments; empty if they were valid."""
    error = ((await call(server, tool, arguments)).structured_content or {}).get("error", {})
    return str(error["message"]) if error.get("code") == "invalid_arguments" else ""


def with_text(tool: str, name: str, text: str) -> dict[str, Any]:
    """The arguments of a valid call with this text in one of them."""
    pairs = {"rtmpUrl": {"streamKey": "k"}, "streamKey": {"rtmpUrl": "rtmps://live.example"}}
    arguments = {**VALID[tool], **pairs.get(name, {}), name: text}
    if name in pairs:
        arguments.pop("connectionId", None)
    return arguments


@pytest.mark.parametrize(("tool", "name"), TEXTS)
async def test_the_schema_states_the_limit_of_every_text(tool: str, name: str) -> None:
    """A client can check it before it sends."""
    assert SCHEMAS[tool][name]["maxLength"] == LIMITS[name]


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


@pytest.mark.parametrize(("tool", "name"), TEXTS)
async def test_a_text_over_its_limit_is_refused_and_not_repeated(
    local_server: Server[Any], sandbox: Sandbox, tool: str, name: str
) -> None:
    """Nothing is sent. The limit is checked before the content, which is too long to look at."""
    limit = LIMITS[name]
    problem = (
        "must be the string that the preview gave"
        if name == "confirmation"
        else f"must have at most {limit:,} characters (a limit of this server)"
    )
    for text in ("x" * (limit + 1), "x" * 1_000_000, " " * (limit + 1)):
        message = await refusal(local_server, tool, with_text(tool, name, text))
        assert message == f"`{name}` {problem}{NEXT}"
    assert list(sandbox.requests) == []


@pytest.mark.parametrize(("tool", "name"), TEXTS)
async def test_a_text_at_its_limit_is_accepted(
    local_server: Server[Any], tool: str, name: str
) -> None:
    """Characters count, not bytes, as in JSON Schema."""
    text = "\U0001f600" * LIMITS[name]
    assert await refusal(local_server, tool, with_text(tool, name, text)) == ""


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
    assert await refusal(server, "send_chat_message", arguments) == problem
    assert bool(sandbox.requests) is not bool(problem)


def test_the_schema_states_the_limits_of_every_list() -> None:
    """The number of items, and the characters of each."""
    lists = [it for tool in SCHEMAS.values() for it in tool.values() if it["type"] == "array"]
    assert [(it["maxItems"], it["items"]["maxLength"]) for it in lists] == [(50, 200)]
