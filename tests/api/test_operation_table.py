"""The table of operations is complete, and its rows agree with themselves.

Other tests compare the operations with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support import published_reference as reference
from tests.support.operation_table import EXAMPLES, TABLE
from trax_mcp.api.operations import OPERATIONS

if TYPE_CHECKING:
    from tests.support.operation_table import Entry, Example
    from trax_mcp.api.models import Model
    from trax_mcp.api.operation import Operation

each_entry = pytest.mark.parametrize("entry", TABLE, ids=lambda it: it.tool)
each_example = pytest.mark.parametrize(
    ("entry", "example"), EXAMPLES, ids=lambda it: getattr(it, "tool", "")
)


def test_each_operation_has_one_entry_in_the_order_of_the_tools() -> None:
    """A new operation needs an entry."""
    assert [entry.tool for entry in TABLE] == [kind.tool_name for kind in OPERATIONS]


def test_each_documented_call_has_one_entry() -> None:
    """According to the published reference."""
    assert sorted(entry.call for entry in TABLE) == sorted(reference.CALLS)


@each_example
def test_an_example_is_the_same_in_python_and_as_json(entry: Entry, example: Example) -> None:
    """The JSON arguments are those of the operation, and the operation is that of the entry."""
    kind = type(example.operation)
    assert kind.tool_name == entry.tool
    assert kind.model_validate(entry.arguments(example)) == example.operation


@pytest.mark.parametrize("kind", OPERATIONS, ids=lambda it: it.tool_name)
def test_each_argument_occurs_in_an_example(kind: type[Operation[Model]]) -> None:
    """A new argument needs one, too."""
    examples = [(entry, it) for entry, it in EXAMPLES if entry.tool == kind.tool_name]
    given = {name for entry, it in examples for name in entry.arguments(it)}
    assert given == set(kind.argument_names())


@each_entry
def test_no_two_examples_are_the_same(entry: Entry) -> None:
    """Tables are made of them."""
    assert len({example.operation for example in entry.examples}) == len(entry.examples)


@each_example
def test_a_change_says_all_about_consent_and_a_read_nothing(entry: Entry, example: Example) -> None:
    """When it is needed, what is read and shown before, and what no read shows afterwards."""
    changes = not entry.call.startswith("GET ")
    said = (example.when is not None, example.to_air is not None, entry.hidden is not None)
    assert said == (changes, changes, changes)
    assert (entry.reads != (), entry.shown != ()) == (changes, changes)
    assert {type(it.operation) for it in entry.shown} <= {type(example.operation)}
