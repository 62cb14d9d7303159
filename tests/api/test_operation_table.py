"""The table of operations is complete, and its rows agree with themselves.

Other tests compare the operations with it.
"""

from __future__ import annotations

from tests.support import published_reference as reference
from tests.support.operation_table import EXAMPLES, TABLE
from trax_mcp.api.operations import OPERATIONS


def test_each_operation_has_one_entry_in_the_order_of_the_tools() -> None:
    """A new operation needs an entry."""
    assert [entry.tool for entry in TABLE] == [kind.tool_name for kind in OPERATIONS]


def test_each_documented_call_has_one_entry() -> None:
    """According to the published reference."""
    assert sorted(entry.call for entry in TABLE) == sorted(reference.CALLS)


def test_an_example_is_the_same_in_python_and_as_json() -> None:
    """The JSON arguments are those of the operation, and the operation is that of the entry."""
    for entry, example in EXAMPLES:
        kind = type(example.operation)
        assert kind.tool_name == entry.tool
        assert kind.model_validate(entry.arguments(example)) == example.operation
    assert len({example.operation for _, example in EXAMPLES}) == len(EXAMPLES)


def test_each_argument_occurs_in_an_example() -> None:
    """A new argument needs one, too."""
    given: dict[str, set[str]] = {entry.tool: set() for entry in TABLE}
    for entry, example in EXAMPLES:
        given[entry.tool].update(entry.arguments(example))
    assert given == {kind.tool_name: set(kind.argument_names()) for kind in OPERATIONS}


def test_a_change_says_all_about_consent_and_a_read_nothing() -> None:
    """When it is needed, what is read and shown before, and what no read shows afterwards."""
    for entry, example in EXAMPLES:
        changes = not entry.call.startswith("GET ")
        stated = (example.when is not None, example.to_air is not None, entry.hidden is not None)
        assert stated == (changes, changes, changes), entry.tool
        assert (entry.reads != (), entry.shown != ()) == (changes, changes), entry.tool
        assert {type(it.operation) for it in entry.shown} <= {type(example.operation)}
