"""Which calls need consent, and when. `operation_table` says it for every example.

The guard reads whether a studio is live. These rules only say for which calls that matters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support.operation_table import ALWAYS, CHANGES, NEVER, WHILE_LIVE
from tests.units.consent.shown_table import operation_of
from trax_mcp import actions
from trax_mcp.actions import OPERATIONS
from trax_mcp.actions.several import ApplyChanges
from trax_mcp.api.operation import Effect, ToolInput, When
from trax_mcp.consent.rules import Rules
from trax_mcp.consent.ways import WaysToAsk

if TYPE_CHECKING:
    from trax_mcp.actions.change import Change
    from trax_mcp.consent.ways import Way

NAMES: Final = {NEVER: When.NEVER, WHILE_LIVE: When.WHILE_LIVE, ALWAYS: When.ALWAYS}
WHEN: Final = [(operation_of(*it), NAMES[it[1].when]) for it in CHANGES if it[1].when]
KINDS: Final[tuple[type[ToolInput], ...]] = (*actions.CHANGES, ApplyChanges)
TOOLS: Final = sorted(it.tool_name for it in KINDS)


def times(rules: Rules) -> list[tuple[Change[Any], When]]:
    """When each example needs consent by these rules."""
    return [(operation, rules.when((operation,))) for operation, _ in WHEN]


@pytest.mark.parametrize(
    "words",
    [["form", "panel", "page", "preview"], ["form"], ["preview"], ["confirm_alone"]],
    ids=str,
)
def test_each_call_needs_consent_as_the_table_says(words: list[Way]) -> None:
    assert times(Rules(WaysToAsk.of(words))) == WHEN


def test_a_tool_is_guarded_if_one_of_its_calls_can_need_consent() -> None:
    assert {kind.tool_name for kind in OPERATIONS if Rules().may_need_consent(kind)} == {
        entry.tool for entry, example in CHANGES if example.when != NEVER
    }


def test_what_is_never_asked_about_takes_no_turn_but_autogolive_does() -> None:
    never = [it for it, when in WHEN if when is When.NEVER]
    asked = [it for it in never if not Rules().never_ask_about(it)]
    assert asked == [it for it in never if it.sets_auto_go_live is False]
    assert asked
    assert not Rules(also=frozenset(TOOLS)).never_ask_about(never[0])


@pytest.mark.parametrize("tool", TOOLS)
def test_an_operator_can_guard_a_tool_with_any_arguments(tool: str) -> None:
    rules = Rules(also=frozenset({tool}))
    assert all(rules.may_need_consent(it) for it in KINDS if it.tool_name == tool)
    assert times(rules) == [
        (operation, When.ALWAYS if operation.tool_name == tool else when)
        for operation, when in WHEN
    ]


def test_only_mutating_operations_can_be_guarded() -> None:
    assert sorted({"apply_changes", *(entry.tool for entry, _ in CHANGES)}) == TOOLS
    reads = [kind for kind in OPERATIONS if kind.effect is Effect.READ]
    assert {Rules().when((kind.model_construct(),)) for kind in reads} == {When.NEVER}
