"""What a client sees of the tools before it calls one.

The table says once more, by hand, what the interface promises of each tool; every word of the
listings is in the snapshots in `toolsnaps/`, which `test_generated` keeps.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import mcp
import pytest

from tests.conftest import OWNER
from tests.generated import as_json, listings
from tests.jsonrpc import LEGACY, MODERN
from tests.schemas import everything
from trax_mcp.api.caller import ANONYMOUS
from trax_mcp.api.contract import CONTRACT
from trax_mcp.server.app import INSTRUCTIONS, ServerDeps, build_server
from trax_mcp.server.tool_filter import ToolFilter

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcp.server import Server

    from trax_mcp.api.caller import Caller
    from trax_mcp.api.client import Client

JsonObject = dict[str, Any]

READ, ADD, GUARDED_ADD, GUARDED_CHANGE = (
    {"readOnlyHint": read, "destructiveHint": guarded, "idempotentHint": idempotent}
    | {"openWorldHint": True}
    for read, guarded, idempotent in (
        (True, False, True),
        (False, False, False),
        (False, True, False),
        (False, True, True),
    )
)

TOOLS: Final[dict[str, tuple[str, str | None, dict[str, bool]]]] = {
    "get_health": ("GET /v1/health", None, READ),
    "get_openapi": ("GET /v1/openapi.json", None, READ),
    "list_studios": ("GET /v1/studios", "studios:read", READ),
    "create_studio": ("POST /v1/studios", "studios:write", ADD),
    "get_studio": ("GET /v1/studios/{id}", "studios:read", READ),
    "update_studio": ("PATCH /v1/studios/{id}", "studios:write", GUARDED_CHANGE),
    "list_destinations": ("GET /v1/studios/{id}/destinations", "destinations:read", READ),
    "create_destination": ("POST /v1/studios/{id}/destinations", "destinations:write", GUARDED_ADD),
    "update_destination": (
        "PATCH /v1/studios/{id}/destinations/{destId}",
        "destinations:write",
        GUARDED_CHANGE,
    ),
    "delete_destination": (
        "DELETE /v1/studios/{id}/destinations/{destId}",
        "destinations:write",
        GUARDED_CHANGE,
    ),
    "list_sources": ("GET /v1/studios/{id}/sources", "sources:read", READ),
    "create_source": ("POST /v1/studios/{id}/sources", "sources:write", GUARDED_ADD),
    "update_source": (
        "PATCH /v1/studios/{id}/sources/{sourceId}",
        "sources:write",
        GUARDED_CHANGE,
    ),
    "delete_source": (
        "DELETE /v1/studios/{id}/sources/{sourceId}",
        "sources:write",
        GUARDED_CHANGE,
    ),
    "get_stream_status": ("GET /v1/studios/{id}/stream-status", "stream:read", READ),
    "go_live": ("POST /v1/studios/{id}/go-live", "stream:golive", GUARDED_ADD),
    "go_offline": ("POST /v1/studios/{id}/go-offline", "stream:golive", GUARDED_ADD),
    "list_chat_messages": ("GET /v1/studios/{id}/chat/messages", "chat:read", READ),
    "send_chat_message": ("POST /v1/studios/{id}/chat/messages", "chat:send", ADD),
    "list_connections": ("GET /v1/connections", "connections:read", READ),
    "unlink_connection": (
        "DELETE /v1/connections/{connectionId}",
        "connections:write",
        GUARDED_CHANGE,
    ),
    "list_media": ("GET /v1/media", "media:read", READ),
    "create_media_upload": ("POST /v1/media", "media:write", ADD),
}
"""One for each documented call, in the order in which they are listed: call, scope and hints."""

BEYOND: Final[dict[str, tuple[str, str | None, dict[str, bool]]]] = {
    "find_studio": ("GET /v1/studios", "studios:read", READ),
    "check_readiness": ("GET /v1/studios/{id}/stream-status", "stream:read", READ),
    "wait_for_chat_messages": ("GET /v1/studios/{id}/chat/messages", "chat:read", READ),
    "upload_media": ("POST /v1/media", "media:write", ADD),
}
"""Those beyond the contract, which come after them: the call that each stands on."""

ALL: Final = {**TOOLS, **BEYOND}


async def listing(server: Server[Any], era: str) -> dict[str, JsonObject]:
    """All tools as a client receives them, by name, in order, as JSON."""
    async with mcp.Client(server, mode=era, cache=None) as client:
        listed = await client.list_tools()
    assert listed.next_cursor is None
    return {tool.name: as_json(tool) for tool in listed.tools}


def offering_all(trax: Client, own: Caller) -> Server[Any]:
    """A server that offers every tool: the caller is beside it."""
    return build_server(trax, own=own, house=ServerDeps(offer=ToolFilter(local=True)))


@pytest.fixture
async def tools(trax: Client, era: str) -> dict[str, JsonObject]:
    """The listing, in each era."""
    return await listing(offering_all(trax, OWNER), era)


async def test_the_tools_are_these_in_this_order(tools: dict[str, JsonObject]) -> None:
    """Clients cache prompts with the list in them: it never shuffles."""
    assert list(tools) == list(ALL)


async def test_both_eras_and_every_server_list_the_same(trax: Client) -> None:
    """Whoever asks, so that a cached list is right for any caller; byte for byte within an era."""
    nobodys, owners = offering_all(trax, ANONYMOUS), offering_all(trax, OWNER)
    legacy = await listing(nobodys, LEGACY)
    assert json.dumps(legacy) == json.dumps(await listing(owners, LEGACY))
    modern = await listing(owners, MODERN)
    assert list(modern.items()) == list(legacy.items())
    assert modern == {tool.name: as_json(tool) for tool in listings()}


async def test_a_tool_says_what_it_is_and_what_it_can_do(tools: dict[str, JsonObject]) -> None:
    """The call, the scope and all four hints, as the interface has them."""
    prefix = "live.traxstreaming/"
    for name, (operation, scope, hints) in ALL.items():
        scoped = {} if scope is None else {f"{prefix}scope": scope}
        assert tools[name]["_meta"] == {**scoped, f"{prefix}operation": operation}
        assert tools[name]["annotations"] == hints
        assert tools[name]["title"][0].isupper()
        assert "_" not in tools[name]["title"]


async def test_a_description_is_the_contracts_then_our_advice(tools: dict[str, JsonObject]) -> None:
    """TRaX's own words first, and something of ours after them."""
    for name, (operation, _, _) in TOOLS.items():
        documented = CONTRACT.calls[operation]
        words = " ".join(filter(None, (documented.summary, documented.description)))
        advice = tools[name]["description"].removeprefix(words + " ")
        assert advice != tools[name]["description"]
        assert advice.endswith(".")


async def test_what_is_beyond_the_contract_is_described_in_our_words(
    tools: dict[str, JsonObject],
) -> None:
    """The documented call does something else."""
    for name, (operation, _, _) in BEYOND.items():
        description = tools[name]["description"]
        assert CONTRACT.calls[operation].summary not in description
        assert description.endswith(".")


async def test_every_argument_is_described_and_no_other_is_let_in(
    tools: dict[str, JsonObject],
) -> None:
    """Closed objects of described arguments, without pydantic's titles and null branches."""
    for tool in tools.values():
        schema = tool["inputSchema"]
        assert (schema["type"], schema["additionalProperties"]) == ("object", False)
        assert set(schema.get("required", ())) <= schema["properties"].keys()
        for argument in schema["properties"].values():
            assert argument["description"].endswith(".")
            assert argument["type"] in {"string", "integer", "number", "boolean", "array"}
        nodes = list(everything(schema))
        assert not [node for node in nodes if isinstance(node.get("title"), str)]
        assert not [node for node in nodes if {"anyOf", "oneOf", "$ref"} & node.keys()]
        assert not [node for node in nodes if None in node.values() or node.get("type") == "null"]


async def test_a_yes_can_be_given_where_the_call_is_destructive(
    tools: dict[str, JsonObject],
) -> None:
    """A flag that is false unless it is given and a string, neither of them ever required."""
    for tool in tools.values():
        schema, evidence = tool["inputSchema"], {"confirm", "confirmation"}
        guarded = tool["annotations"]["destructiveHint"]
        assert evidence & schema["properties"].keys() == (evidence if guarded else set())
        assert not evidence & set(schema.get("required", ()))
        if guarded:
            confirm, confirmation = (schema["properties"][name] for name in sorted(evidence))
            assert (confirm["type"], confirm["default"]) == ("boolean", False)
            assert confirmation["type"] == "string"


async def test_output_schemas_require_nothing_and_close_nothing(
    tools: dict[str, JsonObject],
) -> None:
    """A client that checks an answer must never turn a done act into an error."""
    for tool in tools.values():
        assert tool["outputSchema"]["type"] == "object"
        narrow = {"required", "enum", "const", "format", "pattern", "additionalProperties"}
        nodes = [node for node in everything(tool["outputSchema"]) if "type" in node]
        assert not [node for node in nodes if narrow & node.keys()]


async def test_no_keyword_of_an_input_schema_is_unknown_to_json_schema(
    tools: dict[str, JsonObject],
) -> None:
    """A client passes over what it does not know, and then a limit limits nothing."""
    for tool in tools.values():
        schema = tool["inputSchema"]
        assert schema.keys() <= {"type", "properties", "required", "additionalProperties"}
        for argument in schema["properties"].values():
            words = {"type", "description", "default", "format", "writeOnly"}
            assert argument.keys() <= words | {"minimum", "maximum", "items"}


OURS: Final = {
    "list_chat_messages": {"notice"},
    "go_live": {"observed"},
    "go_offline": {"observed"},
}
"""What we add to TRaX's answers."""


async def test_output_schemas_name_the_contracts_fields(tools: dict[str, JsonObject]) -> None:
    """All of them, and what we add."""
    for name, (operation, _, _) in TOOLS.items():
        documented = CONTRACT.resolve(CONTRACT.calls[operation].answer).get("properties", {})
        ours = OURS.get(name, set())
        assert tools[name]["outputSchema"].get("properties", {}).keys() == documented.keys() | ours
        assert not ours & documented.keys()


async def test_what_is_beyond_the_contract_answers_as_the_interface_says(
    tools: dict[str, JsonObject],
) -> None:
    """The chat as the resource has it, its messages as TRaX has them, and an asset likewise."""
    fields = tools["wait_for_chat_messages"]["outputSchema"]["properties"]
    assert list(fields) == ["notice", "studioId", "messages", "cursor", "missed"]
    messages = next(it for it in fields["messages"]["anyOf"] if it["type"] == "array")
    documented = CONTRACT.schemas["ChatMessage"]["properties"]
    assert messages["items"]["properties"].keys() == documented.keys()
    asset = tools["upload_media"]["outputSchema"]["properties"]
    assert asset.keys() == CONTRACT.schemas["MediaAsset"]["properties"].keys()


def read_by_a_model(tools: Iterable[JsonObject]) -> int:
    """Bytes of name, description and input schema of each, as compact JSON in UTF-8."""
    parts = ("name", "description", "inputSchema")
    seen = [{part: tool[part] for part in parts} for tool in tools]
    return len(json.dumps(seen, ensure_ascii=False, separators=(",", ":")).encode())


async def test_what_a_model_reads_of_the_contracts_tools_fits_into_13_kb(
    tools: dict[str, JsonObject],
) -> None:
    """It is read anew in every conversation."""
    assert read_by_a_model(tools[name] for name in TOOLS) <= 13_000


async def test_what_a_model_reads_of_those_beyond_it_fits_into_3_kb(
    tools: dict[str, JsonObject],
) -> None:
    """All of them together."""
    assert read_by_a_model(tools[name] for name in BEYOND) <= 3_000


async def test_the_server_introduces_itself_briefly(server: Server[Any], trax: Client) -> None:
    """What it is, that a yes is a person's, that chat is written by strangers; 150 words."""
    async with mcp.Client(server, mode=LEGACY, cache=None) as client:
        assert client.instructions == INSTRUCTIONS
    assert len(INSTRUCTIONS.split()) <= 150
    for word in ("TRaX", "`confirm: true`", "person", "strangers", "`observed`"):
        assert word in INSTRUCTIONS
