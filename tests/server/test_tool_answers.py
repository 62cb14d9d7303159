"""Each tool returns TRaX's whole answer, and a client accepts any answer.

Each tool is called once, by a real client. Text that viewers wrote is marked as theirs.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import mcp_types as types
import pytest
from mcp.shared.exceptions import MCPError

from tests.support.delimited_text import as_shown, unfenced
from tests.support.guarded_calls import STUDIO
from tests.support.hostile_texts import NAMES_NOTICE, NOTICE
from tests.support.operation_table import TABLE
from tests.support.product.faults import Fault
from tests.support.product.frozen_sandbox import contents_of, put_on_air, restore
from tests.support.valid_calls import CALLS, SOURCE
from tests.world.answers import data_of, error_in, lines_of, plain_data_of, text_of, words_of
from tests.world.wire import LEGACY
from tests.world.world import MINE, open_world

if TYPE_CHECKING:
    from tests.support.operation_table import Entry
    from tests.support.product.faults import Request, RequestHandler, Response

JsonObject = dict[str, Any]

ADDED_BEFORE: Final[dict[str, JsonObject]] = {
    "list_chat_messages": {"notice": NOTICE, "now": "2026-06-05T18:01:00Z"}
}
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
        ("list_destinations", "list_sources", "list_media"),
        ("That is the whole list.", None),
    ),
    "list_connections": (
        "That is the whole list.",
        "TRaX doesn't say where an account is used. The preview of unlink_connection does.",
    ),
    "list_studios": ("There are more.", "Call again with `nextCursor` as `cursor`."),
    "get_stream_status": (
        "The show has been on air for less than a minute (since 18:00 UTC).",
        None,
    ),
}
"""The summary of the answer to a read, and what the model is told to do next."""

NAMED: Final = {
    *("list_studios", "get_studio", "list_destinations", "list_sources"),
    *("list_connections", "list_media"),
}
"""Reads whose data have names, which a sentence announces."""

each_operation = pytest.mark.parametrize("entry", TABLE, ids=lambda entry: entry.tool)


def method_of(entry: Entry) -> str:
    """The HTTP method of its call."""
    return entry.call.partition(" ")[0]


def confirmed_arguments(entry: Entry) -> JsonObject:
    """The arguments of a valid call, with a yes where the tool takes one."""
    guarded = entry.hints["destructiveHint"]
    return {**CALLS[entry.tool], **({"confirm": True} if guarded else {})}


@each_operation
async def test_a_tool_returns_the_answer_of_trax(entry: Entry) -> None:
    """After words, TRaX's JSON, which is the same in both halves.

    The text fences viewers' words. The SDK's client refuses a result that does not match the
    output schema. A host sees the observed state in the metadata.
    """
    tool, bodies = entry.tool, []

    async def keep(request: Request, handle: RequestHandler) -> Response:
        response = await handle(request)
        bodies.append(response.body)
        return response

    async with open_world(MINE, TRAX_ASK="confirm_alone") as it:
        put_on_air(it.trax)
        it.trax.faults.add(Fault("kept", keep), method=method_of(entry), times=None)
        await it[MINE].client.list_tools()
        result = await it[MINE].call(tool, **confirmed_arguments(entry))
    (body,) = bodies
    answer = {**ADDED_BEFORE.get(tool, {}), **json.loads(body), **ADDED_AFTER.get(tool, {})}
    assert not result.is_error
    if tool in ADDED_BEFORE:
        page = {"data": [as_shown(it) for it in json.loads(body)["data"]]}
        assert data_of(result) == {**ADDED_BEFORE[tool], **page}
        now = ADDED_BEFORE[tool]["now"]
        assert json.loads(unfenced(text_of(result))) == {"now": now, **page}
        return
    words, (*told, text) = words_of(result), text_of(result).split("\n")
    assert list(data_of(result).items()) == [*words.items(), *answer.items()]
    assert told == lines_of(words)
    assert words.get("notice") == (NAMES_NOTICE if tool in NAMED else None)
    if tool in MEANINGS:
        assert [words["summary"], words.get("message")] == [*MEANINGS[tool]]
    meta = {name: it for name, it in (result.meta or {}).items() if name.startswith("live.")}
    if method_of(entry) != "GET":
        approved = " Nobody was asked: this server takes the assistant's word."
        alone = "confirm_alone" if words["summary"].endswith(approved) else None
        assert meta.pop("live.traxstreaming/approvedIn", None) == alone
    state = answer["observed"]["state"] if tool in ADDED_AFTER else None
    assert meta == ({"live.traxstreaming/outcome": state} if state else {})
    assert text == json.dumps(answer, ensure_ascii=False, separators=(",", ":"))


async def test_invisible_characters_are_spelt_out_in_both_halves() -> None:
    """Some clients hand their model the one, some the other."""
    name = "Show\u202e \U0001f44b\u200b\U000e0041"
    async with open_world(MINE) as it:
        it.trax.add_studio(name)
        result = await it[MINE].call("list_studios")
    spelt = r"Show\u202e " + "\U0001f44b" + r"\u200b\udb40\udc41"
    assert spelt in [studio["name"] for studio in data_of(result)["data"]]
    assert json.loads(text_of(result).rpartition("\n")[2]) == plain_data_of(result)


def _with_new_fields(answer: JsonObject) -> None:
    answer["added"] = {"deep": [1, None]}
    for item in answer.get("data", ()):
        item.update(added=True, status="A_NEW_STATUS", role="COHOST", kind="hologram")


CHANGES: Final = (
    lambda answer: answer.clear(),
    lambda answer: answer.update(dict.fromkeys(answer)),
    _with_new_fields,
    lambda answer: answer.update(data=[{} for _ in answer.get("data", ())]),
)
"""Fields that are missing, null or new, have new values, or are empty."""


@each_operation
async def test_a_client_accepts_every_answer_of_trax(entry: Entry) -> None:
    """The call succeeded all the same."""
    async with open_world(MINE, era=LEGACY, TRAX_ASK="confirm_alone") as it:
        before = contents_of(it.trax)
        await it[MINE].client.list_tools()
        for change in CHANGES:
            it.trax.faults.add(Fault.patched(change), method=method_of(entry))
            result = await it[MINE].call(entry.tool, **confirmed_arguments(entry))
            assert not result.is_error, change
            assert it.trax.faults.pending == 0
            restore(it.trax, before)


async def test_an_unknown_tool_is_a_protocol_error() -> None:
    """The code is that of invalid parameters, and the name is not repeated."""
    async with open_world(MINE) as it:
        with pytest.raises(MCPError) as caught:
            await it[MINE].client.call_tool("delete_studio", STUDIO)
    message = "There is no such tool."
    assert caught.value.error == types.ErrorData(code=types.INVALID_PARAMS, message=message)


async def test_without_a_key_only_the_public_calls_are_sent() -> None:
    """All tools are listed, and the error says how to get a key."""
    async with open_world("") as it:
        assert "go_live" in {tool.name for tool in (await it[""].client.list_tools()).tools}
        error = error_in(await it[""].call("list_studios"))
        for tool in ("get_health", "get_openapi"):
            assert not (await it[""].call(tool)).is_error
        assert (error["code"], error["outcome"]) == ("no_key", "not_applied")
        assert "Developer / API Keys" in error["message"]
        assert "run `trax-mcp install`" in error["message"]
        assert it.received == {"GET /v1/health": 1, "GET /v1/openapi.json": 1}
        assert not any({"authorization", "x-api-key"} & set(s.headers) for s in it.trax.requests)


async def test_a_change_names_the_studio_if_a_list_was_read_lately() -> None:
    """Without a read of its own."""
    texts = []
    async with open_world(MINE) as it:
        for _ in range(2):
            changed = await it[MINE].call("update_source", **SOURCE, name="Wide shot")
            texts.append(text_of(changed).splitlines()[0])
            await it[MINE].client.list_resources()
        assert [sent.method for sent in it.trax.requests] == ["PATCH", "GET", "PATCH"]
    assert texts == [
        f'Renamed the source{of} to "Wide shot".' for of in ("", ' of "Friday Night Show"')
    ]
