"""The schemas of tools as every client can pass them on: in plain words, with each object closed.

Clients rewrite schemas for their model's maker. What they refuse or lose on the way is left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.consent.several_changes import YOUTUBE_OFF, applying, outcomes
from tests.support.media_folders import make_media_folder
from tests.world.answers import error_in, text_of
from tests.world.wire import ERAS
from tests.world.world import MINE, open_world

if TYPE_CHECKING:
    from pathlib import Path

    import mcp_types as types

NOT_PASSED_ON: Final = {
    *("format", "writeOnly", "readOnly", "default", "pattern", "const", "not"),
    *("$ref", "$defs", "anyOf", "oneOf", "allOf", "if", "patternProperties"),
}
"""Keywords that some maker of models refuses, or that some client drops or makes worse."""


async def tools_of(tmp_path: Path, era: str) -> list[types.Tool]:
    """Each tool that there is, as the client of an app is told of them."""
    folder = str(make_media_folder(tmp_path))
    async with open_world(MINE, era=era, apps=True, TRAX_MEDIA_DIRS=folder) as it:
        tools = (await it[MINE].client.list_tools()).tools
    assert {"answer_approval", "apply_changes", "upload_media"} <= {tool.name for tool in tools}
    return tools


def schemas_in(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """A schema, and each of a field or an item in it."""
    inner = [*schema.get("properties", {}).values()]
    inner += [schema["items"]] if "items" in schema else []
    return [schema, *(found for it in inner for found in schemas_in(it))]


@pytest.mark.parametrize("era", ERAS)
async def test_no_schema_has_a_keyword_that_a_client_may_lose(tmp_path: Path, era: str) -> None:
    """Neither of arguments nor of answers: some clients send both to the model's maker."""
    for tool in await tools_of(tmp_path, era):
        for schema in filter(None, (tool.input_schema, tool.output_schema)):
            found = [NOT_PASSED_ON & node.keys() for node in schemas_in(schema)]
            assert not set().union(*found), tool.name


@pytest.mark.parametrize("era", ERAS)
async def test_a_strict_client_reaches_every_argument(tmp_path: Path, era: str) -> None:
    """One that closes each object would make of an open one an object that must be empty."""
    for tool in await tools_of(tmp_path, era):
        for schema in schemas_in(tool.input_schema):
            assert isinstance(schema["type"], str), tool.name
            if schema["type"] == "object":
                assert schema["additionalProperties"] is False, tool.name
                assert "properties" in schema, tool.name
                assert set(schema.get("required", ())) <= schema["properties"].keys()
            if schema["type"] == "array":
                assert "items" in schema, tool.name


async def test_the_arguments_of_a_change_are_those_of_its_tool() -> None:
    """All that a change can have, each of the same type."""
    async with open_world(MINE) as it:
        tools = {tool.name: tool for tool in (await it[MINE].client.list_tools()).tools}
    change = tools["apply_changes"].input_schema["properties"]["changes"]["items"]["properties"]
    besides = {"studioId", "confirm", "confirmation"}
    types_of = [
        {name: its["type"] for name, its in tools[tool].input_schema["properties"].items()}
        for tool in change["tool"]["enum"]
    ]
    named = {name: its["type"] for name, its in change["arguments"]["properties"].items()}
    assert named == {
        name: kind for each in types_of for name, kind in each.items() if name not in besides
    }
    assert all(each.get(name, kind) == kind for each in types_of for name, kind in named.items())
    assert len(named) == 14


OFF: Final = {"destId": "dest_1", "enabled": False}
CAMERA: Final = {"sourceId": "source_1", "active": False}
FILLED: Final = {"name": "", "url": "", "streamKey": "", "sourceId": "", "autoGoLive": None}
"""As a strict client has a model fill in what a change does not have."""


async def test_a_change_may_have_what_it_does_not_take_if_that_is_empty() -> None:
    youtube = {"tool": "update_destination", "arguments": {**FILLED, **OFF}}
    camera = {"tool": "update_source", "arguments": {**FILLED, "destId": "", **CAMERA}}
    async with open_world(MINE) as it:
        assert outcomes(await it[MINE].call(applying(youtube, camera))) == ["applied"] * 2
        assert [sent.body_json for sent in it.trax.mutations] == [
            {"enabled": False},
            {"active": False},
        ]


async def test_an_empty_confirmation_is_none() -> None:
    empty = {"confirm": "", "confirmation": ""}
    async with open_world(MINE) as it:
        data = await it[MINE].data("go_live", studioId="studio_42", **empty)
        assert data["status"] == "confirmation_required"
        assert it.sent == []


REFUSED: Final[dict[str, object]] = {
    "autoGoLive": False,
    "destId": "dest_1",
    "studio": "",
}
"""For a change of a source: of another kind of change, and of none."""


@pytest.mark.parametrize("name", REFUSED)
async def test_a_change_with_an_argument_of_another_is_refused(name: str) -> None:
    camera = {"tool": "update_source", "arguments": {**CAMERA, name: REFUSED[name]}}
    async with open_world(MINE) as it:
        result = await it[MINE].call(applying(YOUTUBE_OFF, camera))
        assert error_in(result)["code"] == "invalid_arguments"
        assert text_of(result).startswith(
            f'change 2 (update_source): "{name}" isn\'t an argument of update_source, which takes '
        )
        assert it.sent == []
