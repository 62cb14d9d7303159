"""A name in place of an id gets a sentence that helps, in any tool that takes one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support.valid_calls import EVERY
from tests.world.answers import error_in, text_of
from tests.world.world import MINE, open_world

if TYPE_CHECKING:
    import mcp_types as types

NAME: Final = {"studioId": "Friday Night Show"}
HINT: Final = "`studioId` looks like a name: look up its id with find_studio."


def message_of(result: types.CallToolResult) -> str:
    """The words of a failed call, as text and as data."""
    assert (error_in(result)["code"], error_in(result)["message"]) == ("not_found", text_of(result))
    return text_of(result)


async def test_a_name_as_studio_id_gets_a_sentence_that_helps() -> None:
    """In every tool. Nothing is changed, and nothing more is read."""
    async with open_world(MINE) as it:
        tools = [
            tool.name
            for tool in (await it[MINE].client.list_tools()).tools
            if "studioId" in tool.input_schema["properties"]
        ]
        assert len(tools) > 10
        for tool in tools:
            result = await it[MINE].call(tool, **{**EVERY[tool], **NAME})
            assert message_of(result).endswith(f" {HINT}"), tool
        assert "studios" not in {sent.path.rpartition("/")[2] for sent in it.trax.requests}


@pytest.mark.parametrize(
    ("tool", "arguments", "hint"),
    [
        (
            "update_destination",
            {"destId": "Main channel", "name": "New"},
            "`destId` looks like a name: look up its id with list_destinations.",
        ),
        (
            "unlink_connection",
            {"connectionId": "robin_after_dark"},
            "`connectionId` looks like a name: look up its id with list_connections.",
        ),
        ("get_studio", {"studioId": "Coffee"}, HINT),
        ("get_studio", {"studioId": "studio_99"}, ""),  # it may be out of date
    ],
)
async def test_a_name_as_any_id_gets_one_and_an_id_that_does_not_exist_gets_none(
    tool: str, arguments: dict[str, Any], hint: str
) -> None:
    """It names the argument, and the tool that shows the id."""
    async with open_world(MINE) as it:
        message = message_of(await it[MINE].call(tool, **arguments))
    assert message.endswith(hint)
    assert ("looks like a name" in message) is bool(hint)


async def test_there_is_no_hint_in_another_failure_or_at_a_tool_that_is_not_offered() -> None:
    """Only TRaX tells that a name is no id, and the operator may hide find_studio."""
    async with open_world(MINE, TRAX_TOOLS="get_studio,update_studio") as it:
        assert "find_studio" not in message_of(await it[MINE].call("get_studio", **NAME))
    async with open_world(MINE) as it:
        it.trax.write_enabled = False
        error = error_in(await it[MINE].call("update_studio", **NAME, name="New"))
    assert error["code"] == "write_disabled"
    assert "looks like a name" not in error["message"]
