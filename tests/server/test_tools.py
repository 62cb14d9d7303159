"""The tools as a client lists them, before it calls one.

`operation_table` repeats by hand the promises about each tool. The snapshots in `toolsnaps/`,
which `test_generated` compares, hold every word of the listings.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

import mcp
import pytest

from tests.conftest import OWNER
from tests.support.generated_files import as_json, listings
from tests.support.json_schemas import objects_in
from tests.support.jsonrpc import LEGACY, MODERN
from tests.support.operation_table import ADD, READ, TABLE
from trax_mcp.api.caller import ANONYMOUS
from trax_mcp.api.contract import CONTRACT
from trax_mcp.api.operations import OPERATIONS
from trax_mcp.consent.plans import When
from trax_mcp.consent.rules import Rules
from trax_mcp.server.app import ServerDeps, build_server
from trax_mcp.server.tool_filter import ToolFilter

if TYPE_CHECKING:
    from mcp.server import Server

    from tests.support.operation_table import Entry, Hints
    from trax_mcp.api.caller import Caller
    from trax_mcp.api.client import Client

JsonObject = dict[str, Any]

TOOLS: Final = {entry.tool: (entry.call, entry.scope, entry.hints) for entry in TABLE}
"""One for each documented call, in the order in which they are listed: call, scope and hints."""

BEYOND: Final[dict[str, tuple[str, str | None, Hints]]] = {
    "find_studio": ("GET /v1/studios", "studios:read", READ),
    "check_studio": ("GET /v1/studios/{id}/stream-status", "stream:read", READ),
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
    return build_server(trax, own=own, deps=ServerDeps(tool_filter=ToolFilter(local=True)))


@pytest.fixture
async def tools(trax: Client) -> dict[str, JsonObject]:
    """The listing."""
    return await listing(offering_all(trax, OWNER), MODERN)


async def test_tools_are_always_listed_in_the_same_order(tools: dict[str, JsonObject]) -> None:
    """Clients cache prompts that contain the list."""
    assert list(tools) == list(ALL)


async def test_every_caller_gets_the_same_list_in_both_eras(trax: Client) -> None:
    """A cached list is right for any caller. Within an era it is the same byte for byte."""
    nobodys, owners = offering_all(trax, ANONYMOUS), offering_all(trax, OWNER)
    legacy = await listing(nobodys, LEGACY)
    assert json.dumps(legacy) == json.dumps(await listing(owners, LEGACY))
    modern = await listing(owners, MODERN)
    assert list(modern.items()) == list(legacy.items())
    assert modern == {tool.name: as_json(tool) for tool in listings()}


async def test_a_tool_lists_its_call_its_scope_and_its_effects(
    tools: dict[str, JsonObject],
) -> None:
    """All four annotations are set."""
    prefix = "live.traxstreaming/"
    for name, (operation, scope, hints) in ALL.items():
        scoped = {} if scope is None else {f"{prefix}scope": scope}
        assert tools[name]["_meta"] == {**scoped, f"{prefix}operation": operation}
        assert tools[name]["annotations"] == hints
        assert tools[name]["title"][0].isupper()
        assert "_" not in tools[name]["title"]


FINAL: Final = {
    *("create_studio", "delete_destination", "delete_source", "unlink_connection"),
    *("send_chat_message", "create_media_upload", "upload_media"),
}
"""Tools that delete something, or make something that nothing deletes."""


def documented_text(call: str, scope: str | None) -> str:
    """The contract's description of a call as a model reads it."""
    gate = "Gated behind PUBLIC_API_WRITE_ENABLED"
    refused = "Refused while TRaX takes no changes"
    text = CONTRACT.calls[call].description.replace(f"Requires scope {scope}.", "")
    text = text.replace(f"{gate}; returns 503 write_disabled while off.", f"{refused}.")
    return text.replace(gate, refused).strip()


def consent_text(entry: Entry) -> str | None:
    """When a tool needs a yes, in words, by the examples of its calls."""
    whens = {example.when for example in entry.examples}
    if whens == {When.ALWAYS}:
        return "Needs a person's yes."
    if When.WHILE_LIVE not in whens:
        return None
    always = [
        f"`{name}`"
        for example in entry.examples
        if example.when is When.ALWAYS and len(example.given or {}) == 1
        for name in example.given or {}
    ]
    return " ".join(
        (
            "Needs a person's yes while on air.",
            *([f"Always for {', '.join(always)}."] if always else []),
        )
    )


async def test_a_description_says_what_trax_says_then_our_hint_and_when_it_needs_a_yes(
    tools: dict[str, JsonObject],
) -> None:
    """TRaX's text is quoted, but for its scope and the name of a setting of its servers."""
    hints = {it.tool_name: it.hint for it in OPERATIONS}
    for entry in TABLE:
        name, call = entry.tool, CONTRACT.calls[entry.call]
        assert hints[name].endswith(".")
        parts = (
            call.summary,
            documented_text(entry.call, entry.scope),
            hints[name],
            "Cannot be undone." if name in FINAL else None,
            consent_text(entry),
        )
        assert tools[name]["description"] == " ".join(filter(None, parts))


async def test_a_tool_of_several_calls_is_described_by_its_hint_only(
    tools: dict[str, JsonObject],
) -> None:
    """The documented call that it stands on does something else."""
    for name, (operation, _, _) in BEYOND.items():
        description = tools[name]["description"]
        assert CONTRACT.calls[operation].summary not in description
        assert description.endswith(".")
        assert description.endswith("Cannot be undone.") is (name in FINAL)


async def test_a_tool_that_the_operator_guards_says_that_it_needs_a_yes(
    trax: Client,
) -> None:
    """Otherwise it would name only the cases that always need one, or none."""
    also = frozenset({"send_chat_message", "update_source"})
    listed = await listing(
        build_server(trax, own=OWNER, deps=ServerDeps(rules=Rules(also=also))), MODERN
    )
    for name in also:
        assert listed[name]["description"].endswith(" Needs a person's yes.")


async def test_no_description_names_a_setting_or_a_scope_of_trax(
    tools: dict[str, JsonObject],
) -> None:
    """A model cannot change them. The scope is in `_meta`, and a refusal names it."""
    for tool in tools.values():
        seen = json.dumps([tool["description"], tool["inputSchema"]])
        assert not re.search(r"\b[A-Z]+_[A-Z_]+\b|[a-z]+:(read|write|send|golive)\b", seen)


async def test_every_argument_is_described_and_no_other_is_allowed(
    tools: dict[str, JsonObject],
) -> None:
    """Schemas have none of pydantic's titles and null branches."""
    for tool in tools.values():
        schema = tool["inputSchema"]
        assert (schema["type"], schema["additionalProperties"]) == ("object", False)
        assert set(schema.get("required", ())) <= schema["properties"].keys()
        for argument in schema["properties"].values():
            assert argument["description"].endswith(".")
            assert argument["type"] in {"string", "integer", "number", "boolean", "array"}
        nodes = list(objects_in(schema))
        assert not [node for node in nodes if isinstance(node.get("title"), str)]
        assert not [node for node in nodes if {"anyOf", "oneOf", "$ref"} & node.keys()]
        assert not [node for node in nodes if None in node.values() or node.get("type") == "null"]


async def test_every_limit_states_its_default_and_its_maximum(
    tools: dict[str, JsonObject],
) -> None:
    """They are TRaX's, and in its own description of the argument."""
    limits = {
        name: tool["inputSchema"]["properties"]["limit"]
        for name, tool in tools.items()
        if "limit" in tool["inputSchema"]["properties"]
    }
    fields = {name: CONTRACT.calls[ALL[name][0]].fields.get("limit") for name in limits}
    for name, field in fields.items():
        if field is not None:
            assert field.description == "Max items per page (default 50, max 200)."
        assert limits[name] == {
            "type": "integer",
            "default": 50,
            "minimum": 1,
            "maximum": 200,
            "description": "Max items per page.",
        }


async def test_a_wait_states_its_default_in_the_schema(tools: dict[str, JsonObject]) -> None:
    """An argument with a default of our own has it there, and none is null."""
    seconds = tools["wait_for_chat_messages"]["inputSchema"]["properties"]["timeoutSeconds"]
    assert (seconds["default"], seconds["minimum"], seconds["maximum"]) == (25, 0, 55)


async def test_exactly_the_destructive_tools_take_a_confirmation(
    tools: dict[str, JsonObject],
) -> None:
    """The flag is false by default, and neither the flag nor the id is ever required."""
    for tool in tools.values():
        schema, evidence = tool["inputSchema"], {"confirm", "confirmation"}
        guarded = tool["annotations"]["destructiveHint"]
        assert evidence & schema["properties"].keys() == (evidence if guarded else set())
        assert not evidence & set(schema.get("required", ()))
        if guarded:
            confirm, confirmation = (schema["properties"][name] for name in sorted(evidence))
            assert (confirm["type"], confirm["default"]) == ("boolean", False)
            assert confirmation["type"] == "string"


async def test_output_schemas_have_no_required_fields_and_allow_others(
    tools: dict[str, JsonObject],
) -> None:
    """A client that checks an answer must never turn a successful call into an error."""
    for tool in tools.values():
        assert tool["outputSchema"]["type"] == "object"
        narrow = {"required", "enum", "const", "format", "pattern", "additionalProperties"}
        nodes = [node for node in objects_in(tool["outputSchema"]) if "type" in node]
        assert not [node for node in nodes if narrow & node.keys()]


async def test_an_optional_field_of_an_answer_is_null_by_its_type(
    tools: dict[str, JsonObject],
) -> None:
    """Not as one of two schemas, which takes twice the space."""
    for name, (operation, _, _) in TOOLS.items():
        documented = CONTRACT.resolve(CONTRACT.calls[operation].answer).get("properties", {})
        fields = tools[name]["outputSchema"].get("properties", {})
        for field in documented:
            assert fields[field]["type"] == [documented_type(documented[field]), "null"]
    assert not [it for it in objects_in(tools) if {"anyOf", "oneOf", "$ref"} & it.keys()]


def documented_type(schema: JsonObject) -> str:
    """The type of a field in the contract."""
    return str(CONTRACT.resolve(schema)["type"])


async def test_no_keyword_of_an_input_schema_is_unknown_to_json_schema(
    tools: dict[str, JsonObject],
) -> None:
    """A client ignores unknown keywords, and a limit in one of them would limit nothing."""
    for tool in tools.values():
        schema = tool["inputSchema"]
        assert schema.keys() <= {"type", "properties", "required", "additionalProperties"}
        for argument in schema["properties"].values():
            words = {"type", "description", "default", "format", "writeOnly"}
            limits = {"minimum", "maximum", "maxLength", "maxItems"}
            assert argument.keys() <= words | limits | {"items"}


OURS: Final = {
    "list_chat_messages": {"notice"},
    "go_live": {"observed"},
    "go_offline": {"observed"},
}
"""Fields that this server adds to TRaX's answers."""


NOT_RUN: Final = {
    *("executed", "status", "message", "reason", "channel"),
    *("preview", "confirmation", "expiresAt", "retryAfterSeconds"),
}


async def test_output_schemas_have_the_contracts_fields(tools: dict[str, JsonObject]) -> None:
    """They have all of them, and the fields that this server adds."""
    for name, (operation, _, _) in TOOLS.items():
        documented = CONTRACT.resolve(CONTRACT.calls[operation].answer).get("properties", {})
        is_guarded = "confirm" in tools[name]["inputSchema"]["properties"]
        ours = OURS.get(name, set()) | (NOT_RUN if is_guarded else set())
        assert tools[name]["outputSchema"].get("properties", {}).keys() == documented.keys() | ours
        assert not OURS.get(name, set()) & documented.keys()


async def test_a_tool_of_several_calls_answers_with_the_contracts_items(
    tools: dict[str, JsonObject],
) -> None:
    """Chat has the form of the chat resource. Messages and assets have TRaX's fields."""
    fields = tools["wait_for_chat_messages"]["outputSchema"]["properties"]
    expected = ["notice", "studioId", "messages", "cursor", "missed", "waitedSeconds"]
    assert list(fields) == expected
    documented = CONTRACT.schemas["ChatMessage"]["properties"]
    assert fields["messages"]["items"]["properties"].keys() == documented.keys()
    asset = tools["upload_media"]["outputSchema"]["properties"]
    assert asset.keys() == CONTRACT.schemas["MediaAsset"]["properties"].keys()


async def test_a_model_reads_16_kb_at_most_of_all_tools_together(
    tools: dict[str, JsonObject],
) -> None:
    """Names, descriptions and input schemas are what a client hands to its model."""
    seen = [
        {part: tool[part] for part in ("name", "description", "inputSchema")}
        for tool in tools.values()
    ]
    compact = json.dumps(seen, ensure_ascii=False, separators=(",", ":"))
    assert len(compact.encode()) <= 16_000
