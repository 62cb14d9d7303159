"""Which calls need consent, and when: the table of README once more, written by hand.

The guard reads whether a studio is live. These rules only say for which calls that matters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.operation_table import CHANGES
from trax_mcp.api.operations import OPERATIONS
from trax_mcp.api.tool_input import Effect
from trax_mcp.consent.plans import PLANS, When
from trax_mcp.consent.rules import Mode, Rules

if TYPE_CHECKING:
    from trax_mcp.api.models import Model
    from trax_mcp.api.operation import Operation


each_row = pytest.mark.parametrize(
    ("operation", "when"),
    [(example.operation, example.when) for _, example in CHANGES],
    ids=lambda it: it.name if isinstance(it, When) else "-".join(["", *it.arguments()]),
)


@each_row
def test_when_a_call_needs_consent(operation: Operation[Model], when: When) -> None:
    """It depends on the operation and its arguments, and is the same in every mode."""
    for mode in Mode:
        assert Rules(mode).when(operation) is when


@each_row
def test_a_call_that_needs_consent_belongs_to_a_guarded_tool(
    operation: Operation[Model], when: When
) -> None:
    """Only a guarded tool has an argument for the consent."""
    if when is not When.NEVER:
        assert Rules().may_need_consent(type(operation))


def test_no_other_tools_are_guarded() -> None:
    """A tool is guarded if any of its calls can need consent."""
    assert {kind.tool_name for kind in OPERATIONS if Rules().may_need_consent(kind)} == {
        entry.tool for entry, example in CHANGES if example.when is not When.NEVER
    }


@each_row
def test_the_operator_can_guard_more(operation: Operation[Model], when: When) -> None:
    """An operation in TRAX_GUARD_ALSO always needs consent, with any arguments."""
    rules = Rules(also=frozenset({operation.tool_name}))
    assert rules.may_need_consent(type(operation))
    assert rules.when(operation) is When.ALWAYS


@each_row
def test_the_operator_cannot_guard_less(operation: Operation[Model], when: When) -> None:
    """TRAX_GUARD_ALSO changes only the operations that it names."""
    another = frozenset(it.tool_name for it in PLANS) - {operation.tool_name}
    rules = Rules(also=another)
    assert rules.when(operation) is when


def test_only_mutating_operations_can_be_guarded() -> None:
    """A person is never asked whether something may be read."""
    assert {entry.tool for entry, _ in CHANGES} == {it.tool_name for it in PLANS}
    assert all(
        Rules().when(kind.model_construct()) is When.NEVER for kind in OPERATIONS if _reads(kind)
    )


def _reads(kind: type[Operation[Model]]) -> bool:
    return kind.effect is Effect.READ
