"""Each documented call is one tool, and becomes exactly the HTTP request that the contract says.

The table of operations and the published reference are written by hand; each finds mistakes in the
other, and in the tools.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import mcp
import pytest

from tests.support.json_schemas import kind_of
from tests.support.operation_table import DOCUMENTED, TABLE
from tests.support.product.contract import DOCUMENT
from tests.support.product.frozen_sandbox import still
from tests.support.product.server import Product
from tests.support.published_reference import PARAMETERS
from tests.support.valid_calls import COMPOSITE_CALLS
from tests.world.wire import MODERN

if TYPE_CHECKING:
    from mcp.server import Server

    from tests.support.operation_table import Entry

OURS: Final = {"confirm", "confirmation"}
"""Arguments that are not sent."""


def documented_arguments(call: str) -> dict[str, tuple[str, bool]]:
    """The type of each argument of a call, and whether it is required, by the reference.

    In a path, `id` is always the id of a studio.
    """
    reference = DOCUMENTED[call]
    names = reference.parameters.split()
    arguments = {
        it.removesuffix("?"): (PARAMETERS[it.removesuffix("?")][1], not it.endswith("?"))
        for it in names
    }
    if "id" in arguments:
        arguments["studioId"] = arguments.pop("id")
    if reference.body:
        schema = DOCUMENT["components"]["schemas"][reference.body]
        required = schema.get("required", ())
        for name, field in schema["properties"].items():
            arguments[name] = (field["type"], name in required)
    return arguments


async def test_each_documented_call_is_one_tool_with_the_arguments_of_the_call(
    server: Server[Any],
) -> None:
    """No call is missing, none is there twice, and types and required arguments are the same."""
    assert sorted(it.call for it in TABLE) == sorted(DOCUMENTED)
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


@pytest.mark.parametrize("entry", TABLE, ids=lambda entry: str(entry.tool))
async def test_a_tool_becomes_exactly_one_request(entry: Entry) -> None:
    """Method, path, query and body as a whole, for every argument. What is read is beside it."""
    for example in entry.examples:
        sandbox = still()
        server = Product(sandbox, None, {"TRAX_CONFIRM": "flag"}).server()
        arguments = entry.arguments(example)
        consent = {"confirm": True} if entry.hints["destructiveHint"] else {}
        async with mcp.Client(server, mode=MODERN, cache=None) as client:
            result = await client.call_tool(entry.tool, {**arguments, **consent})
        assert not result.is_error, result.content
        is_read = entry.hints["readOnlyHint"]
        (sent,) = sandbox.requests if is_read else sandbox.mutations
        expected = entry.request(example)
        assert (sent.method, sent.path, sent.query) == expected[:3]
        assert sent.body_json == expected.body


def test_the_table_of_operations_is_complete() -> None:
    """Each argument occurs in an example, and changes say all about consent, reads nothing."""
    for entry in TABLE:
        given = {name for example in entry.examples for name in entry.arguments(example)}
        assert given == documented_arguments(entry.call).keys(), entry.tool
        fields: dict[str, object] = {"reads": entry.reads or None, "hidden": entry.hidden}
        for number, it in enumerate(entry.examples):
            fields |= {f"examples[{number}].when": it.when, f"examples[{number}].to_air": it.to_air}
        stated = {name for name, value in fields.items() if value is not None}
        expected = set() if entry.call.startswith("GET ") else fields.keys()
        assert (entry.tool, "lacks", expected - stated) == (entry.tool, "lacks", set())
        assert (entry.tool, "is a read", stated - expected) == (entry.tool, "is a read", set())
