"""Each call of the contract is one tool, and becomes exactly the HTTP request that it says.

The table of operations is written by hand, from the published reference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import mcp
import pytest
from openapi_spec_validator import OpenAPIV30SpecValidator

from tests.support.json_schemas import kind_of
from tests.support.operation_table import TABLE
from tests.support.product.contract import DOCUMENT
from tests.support.valid_calls import COMPOSITE_CALLS
from tests.world.wire import MODERN
from tests.world.world import MINE, open_world

if TYPE_CHECKING:
    from mcp.server import Server

    from tests.support.operation_table import Entry

OURS: Final = {"confirm", "confirmation"}
"""Arguments that are not sent."""
CALLS: Final = {
    f"{method.upper()} {path}": operation
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
}


def documented_arguments(call: str) -> dict[str, tuple[str, bool]]:
    """The type of each argument of a call, and whether it is required, by the contract.

    In a path, `id` is always the id of a studio.
    """
    arguments = {
        it["name"]: (it["schema"]["type"], it["required"])
        for it in CALLS[call].get("parameters", ())
    }
    if "id" in arguments:
        arguments["studioId"] = arguments.pop("id")
    if body := CALLS[call].get("requestBody"):
        name = kind_of(body["content"]["application/json"]["schema"])
        schema = DOCUMENT["components"]["schemas"][name]
        for field, described in schema["properties"].items():
            arguments[field] = (described["type"], field in schema.get("required", ()))
    return arguments


def test_the_contract_is_valid_openapi() -> None:
    assert list(OpenAPIV30SpecValidator(DOCUMENT).iter_errors()) == []


async def test_each_call_of_the_contract_is_one_tool_with_its_arguments(
    server: Server[Any],
) -> None:
    """No call is missing, none is there twice, and types and required arguments are the same."""
    assert sorted(it.call for it in TABLE) == sorted(CALLS)
    async with mcp.Client(server, mode=MODERN, cache=None) as client:
        tools = {it.name: it.input_schema for it in (await client.list_tools()).tools}
    assert list(tools) == [*(it.tool for it in TABLE), "apply_changes", *COMPOSITE_CALLS]
    for entry in TABLE:
        schema = tools[entry.tool]
        arguments = {
            name: (kind_of(it).replace("string[]", "array"), name in schema.get("required", ()))
            for name, it in schema["properties"].items()
            if name not in OURS
        }
        assert arguments == documented_arguments(entry.call), entry.tool
        given = {name for example in entry.examples for name in entry.arguments(example)}
        assert given == arguments.keys(), entry.tool


@pytest.mark.parametrize("entry", TABLE, ids=lambda entry: str(entry.tool))
async def test_a_tool_becomes_exactly_one_request(entry: Entry) -> None:
    """Method, path, query and body as a whole, for every argument. What is read is beside it."""
    for example in entry.examples:
        consent = {"confirm": True} if entry.hints["destructiveHint"] else {}
        async with open_world(MINE, TRAX_ASK="confirm_alone") as it:
            result = await it[MINE].call(entry.tool, **entry.arguments(example), **consent)
        assert not result.is_error, result.content
        (sent,) = it.trax.requests if entry.hints["readOnlyHint"] else it.trax.mutations
        expected = entry.request(example)
        assert (sent.method, sent.path, sent.query) == expected[:3]
        assert sent.body_json == expected.body
