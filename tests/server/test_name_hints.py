"""A name in place of an id gets a sentence that helps, in any tool that takes one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import mcp
import pytest

from tests.conftest import call, text_of
from tests.support.valid_calls import EVERY

if TYPE_CHECKING:
    from collections.abc import Callable

    import mcp_types as types
    from mcp.server import Server

    from tests.support.product.sandbox import Sandbox
    from tests.support.product.server import Product

NAME: Final = {"studioId": "Friday Night Show"}
HINT: Final = " `studioId` looks like a name: look up its id with find_studio."
SHOW: Final = {"studioId": "studio_42"}


def message_of(result: types.CallToolResult) -> str:
    """The words of a failed call, as text and as data."""
    error = (result.structured_content or {})["error"]
    assert (error["code"], error["message"]) == ("not_found", text_of(result))
    return text_of(result)


async def test_a_name_as_studio_id_gets_a_sentence_that_helps(
    server: Server[Any], sandbox: Sandbox
) -> None:
    """In every tool. Nothing is changed, and nothing more is read."""
    async with mcp.Client(server, cache=None) as client:
        tools = [
            tool.name
            for tool in (await client.list_tools()).tools
            if "studioId" in tool.input_schema["properties"]
        ]
        assert len(tools) > 10
        for tool in tools:
            result = await client.call_tool(tool, {**EVERY[tool], **NAME})
            assert message_of(result).endswith(HINT), tool
    assert "studios" not in {it.path.rpartition("/")[2] for it in sandbox.requests}


@pytest.mark.parametrize(
    ("tool", "arguments", "hint"),
    [
        (
            "update_destination",
            {**SHOW, "destId": "Main channel", "name": "New"},
            " `destId` looks like a name: look up its id with list_destinations.",
        ),
        (
            "unlink_connection",
            {"connectionId": "robin_after_dark"},
            " `connectionId` looks like a name: look up its id with list_connections.",
        ),
        ("get_studio", {"studioId": "Coffee"}, HINT),
    ],
)
async def test_a_name_as_another_id_gets_one_too(
    server: Server[Any], tool: str, arguments: dict[str, Any], hint: str
) -> None:
    """It names the argument, and the tool that shows the id."""
    assert message_of(await call(server, tool, arguments)).endswith(hint)


async def test_an_id_that_does_not_exist_gets_none(server: Server[Any]) -> None:
    """It may be out of date."""
    message = message_of(await call(server, "get_studio", {"studioId": "studio_99"}))
    assert "looks like a name" not in message


async def test_no_tool_is_named_that_is_not_offered(open_product: Callable[..., Product]) -> None:
    """The operator may hide find_studio."""
    server = open_product(TRAX_TOOLS="get_studio").server()
    assert "find_studio" not in message_of(await call(server, "get_studio", NAME))


async def test_a_name_in_place_of_an_id_is_no_hint_in_another_failure(
    server: Server[Any], sandbox: Sandbox
) -> None:
    """Only TRaX tells that it is no id."""
    sandbox.write_enabled = False
    result = await call(server, "update_studio", {**NAME, "name": "New"})
    error = (result.structured_content or {})["error"]
    assert error["code"] == "write_disabled"
    assert "looks like a name" not in error["message"]
