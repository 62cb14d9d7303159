"""The tools as a client lists them, before it calls one.

`operation_table` repeats by hand the promises about each tool. The snapshots in `toolsnaps/` hold
every word of the listings.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support.json_schemas import objects_in
from tests.support.operation_table import ADD, ALWAYS, GUARDED_ADD, READ, TABLE, WHILE_LIVE
from tests.support.product.contract import DOCUMENT
from tests.support.product.reference import listings
from tests.support.snapshots import ToolListing
from tests.world.wire import ERAS, MODERN
from tests.world.world import MINE, open_world

if TYPE_CHECKING:
    from pathlib import Path

    from syrupy.assertion import SnapshotAssertion

    from tests.support.operation_table import Entry, Hints

JsonObject = dict[str, Any]

TOOLS: Final = {entry.tool: (entry.call, entry.scope, entry.hints) for entry in TABLE}
"""One for each documented call, in the order in which they are listed: call, scope and hints."""

BEYOND: Final[dict[str, tuple[str, str | None, Hints]]] = {
    "apply_changes": ("POST /v1/studios/{id}/go-live", "stream:golive", GUARDED_ADD),
    "find_studio": ("GET /v1/studios", "studios:read", READ),
    "check_studio": ("GET /v1/studios/{id}/stream-status", "stream:read", READ),
    "wait_for_chat_messages": ("GET /v1/studios/{id}/chat/messages", "chat:read", READ),
    "upload_media": ("POST /v1/media", "media:write", ADD),
}
"""Those beyond the contract, which come after them: the call that each stands on."""

ALL: Final = {**TOOLS, **BEYOND}

FINAL: Final = {
    *("create_studio", "delete_destination", "delete_source", "unlink_connection"),
    *("send_chat_message", "create_media_upload", "upload_media"),
}
"""Tools that delete something, or make something that nothing deletes."""

NOT_RUN: Final = {
    *("executed", "status", "reason", "channel"),
    *("preview", "confirmation", "expiresAt", "retryAfterSeconds"),
}
WORDS: Final = {"summary", "warnings", "message"}
OURS: Final = {
    "list_chat_messages": {"notice", "now", "probablyOwn", "more"},
    "go_live": {"observed"},
    "go_offline": {"observed"},
}
"""Fields that this server adds to TRaX's answers."""
NAMED: Final = {
    *("list_studios", "get_studio", "list_destinations", "list_sources"),
    *("list_connections", "list_media"),
}
"""Reads whose answers have names, which are announced."""


async def listing(key: str = MINE, era: str = MODERN, **settings: Any) -> dict[str, JsonObject]:  # noqa: ANN401  as for `open_world`
    """All tools as a client receives them, by name, in order, as JSON."""
    async with open_world(key, era=era, **settings) as it:
        listed = await it[key].client.list_tools()
    assert listed.next_cursor is None
    return {
        tool.name: tool.model_dump(mode="json", by_alias=True, exclude_none=True)
        for tool in listed.tools
    }


LISTINGS: Final = {it.name: it for it in listings()}


@pytest.fixture
def snapshot(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    """A file for each tool."""
    return snapshot.with_defaults(extension_class=ToolListing)


@pytest.mark.parametrize("tool", LISTINGS)
def test_a_tool_is_listed_as_in_its_snapshot(tool: str, snapshot: SnapshotAssertion) -> None:
    """Every word that a model reads of it, in JSON."""
    listed = LISTINGS[tool].model_dump(mode="json", by_alias=True, exclude_none=True)
    text = json.dumps(listed, indent=2, ensure_ascii=False) + "\n"
    assert text == snapshot


@pytest.fixture
async def tools(tmp_path: Path) -> dict[str, JsonObject]:
    """The listing of a server that offers every tool."""
    return await listing(TRAX_MEDIA_DIRS=str(tmp_path))


def documented(call: str) -> JsonObject:
    """A call in the contract."""
    method, path = call.split(" ")
    found: JsonObject = DOCUMENT["paths"][path][method.lower()]
    return found


def fields_of(call: str) -> set[str]:
    """The fields of a call's answer in the contract."""
    responses = documented(call)["responses"]
    answer = next(it for status, it in responses.items() if status.startswith("2"))
    schema = answer["content"]["application/json"]["schema"] if "content" in answer else {}
    name = schema.get("$ref", "").rpartition("/")[2]
    return set((DOCUMENT["components"]["schemas"][name] if name else schema).get("properties", {}))


async def test_every_caller_gets_the_same_list_in_both_eras(tmp_path: Path) -> None:
    """A cached list is right for any caller, and always in the same order."""
    folder = {"TRAX_MEDIA_DIRS": str(tmp_path)}
    lists = [await listing(key, era, **folder) for key in ("", MINE) for era in ERAS]
    assert len({json.dumps(it) for it in lists[::2]}) == 1
    assert list(lists[0].items()) == list(lists[-1].items())
    assert list(lists[0]) == list(ALL)


async def test_a_tool_lists_its_call_its_scope_and_its_effects(
    tools: dict[str, JsonObject],
) -> None:
    prefix = "live.traxstreaming/"
    for name, (operation, scope, hints) in ALL.items():
        scoped = {} if scope is None else {f"{prefix}scope": scope}
        assert tools[name]["_meta"] == {**scoped, f"{prefix}operation": operation}
        assert tools[name]["annotations"] == hints
        assert tools[name]["title"][0].isupper()
        assert "_" not in tools[name]["title"]


def documented_text(call: str, scope: str | None) -> str:
    """The contract's summary and description of a call as a model reads them."""
    text = documented(call).get("description", "").replace(f"Requires scope {scope}.", "")
    for end in ("; returns 503 write_disabled while off.", "."):
        text = text.replace(f"Gated behind PUBLIC_API_WRITE_ENABLED{end}", "").strip()
    return f"{documented(call)['summary']} {text}".replace("  ", " ").strip()


SEEN_IF_SWITCHED_ON: Final = {
    "create_destination": "`rtmpUrl`, `streamKey`",
    "create_source": "`url`",
}
"""What no read shows of a new thing."""


def consent_text(entry: Entry) -> str:
    """When a tool needs a yes, in words, by the examples of its calls."""
    whens = {example.when for example in entry.examples}
    if whens == {ALWAYS}:
        return "Needs user approval."
    if WHILE_LIVE not in whens:
        return ""
    always = {
        name: value
        for example in entry.examples
        if example.when == ALWAYS and len(example.given or {}) == 1
        for name, value in (example.given or {}).items()
    }
    given = ", ".join(f"`{name}`" for name, value in always.items() if value is not True)
    given = given or SEEN_IF_SWITCHED_ON.get(entry.tool, "")
    on = ", ".join(f"`{name}`" for name, value in always.items() if value is True)
    cases = f"{given and f', always for {given}'}{on and f', always to turn {on} on'}"
    return f"Needs user approval while on air{cases}."


async def test_a_description_says_what_trax_says_then_our_hint_and_when_it_needs_a_yes(
    tools: dict[str, JsonObject],
) -> None:
    """TRaX's text is quoted, but for its scope and the name of a setting of its servers."""
    for entry in TABLE:
        description = tools[entry.tool]["description"]
        assert description.startswith(documented_text(entry.call, entry.scope))
        final = "Can't be undone." if entry.tool in FINAL else ""
        end = " ".join(filter(None, (final, consent_text(entry))))
        assert description.endswith(end)
        assert ("Needs user approval" in description) is bool(consent_text(entry))
        assert ("Can't be undone" in description) is bool(final)


async def test_a_tool_that_the_operator_guards_says_that_it_needs_a_yes() -> None:
    """Otherwise it would name only the cases that always need one, or none."""
    listed = await listing(TRAX_GUARD_ALSO="send_chat_message,update_source")
    for name in ("send_chat_message", "update_source"):
        assert listed[name]["description"].endswith(" Needs user approval.")


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
            assert confirm["type"] == "boolean"
            assert confirmation["type"] == "string"


async def test_output_schemas_have_the_contracts_fields_and_refuse_no_answer(
    tools: dict[str, JsonObject],
) -> None:
    """A client that checks an answer must never turn a successful call into an error."""
    for tool in tools.values():
        assert tool["outputSchema"]["type"] == "object"
        narrow = {"required", "enum", "const", "format", "pattern", "additionalProperties"}
        nodes = [node for node in objects_in(tool["outputSchema"]) if "type" in node]
        assert not [node for node in nodes if narrow & node.keys()]
    for name, (operation, _, _) in TOOLS.items():
        is_guarded = "confirm" in tools[name]["inputSchema"]["properties"]
        words = set() if name in OURS and "notice" in OURS[name] else WORDS
        named = {"notice"} if name in NAMED else set()
        ours = OURS.get(name, set()) | words | named | (NOT_RUN if is_guarded else set())
        ours |= set() if tools[name]["annotations"]["readOnlyHint"] else {"practice"}
        fields = tools[name]["outputSchema"].get("properties", {}).keys()
        assert fields == fields_of(operation) | ours, name


async def test_a_model_reads_17_000_bytes_of_tools_at_most(
    tools: dict[str, JsonObject],
) -> None:
    """Names, descriptions and input schemas are what a client hands to its model."""
    seen = [
        {part: tool[part] for part in ("name", "description", "inputSchema")}
        for tool in tools.values()
    ]
    compact = json.dumps(seen, ensure_ascii=False, separators=(",", ":"))
    size, budget = len(compact.encode()), 17_000
    assert size <= budget, f"{size} of {budget} bytes: shorten hints, or raise this on purpose"
