"""One plan per mutating operation. A mutating operation without a complete plan does not import."""

from collections import Counter
from collections.abc import Sequence
from inspect import isabstract
from typing import Any

from trax_mcp.api.operation import Effect
from trax_mcp.api.operations import OPERATIONS
from trax_mcp.consent.changes import Action, ApplyChanges
from trax_mcp.consent.plans import (
    changes,
    chat_and_media,
    connections,
    destinations,
    sources,
    stream,
    studios,
)
from trax_mcp.consent.plans.base import PLANS, Plan, plan_for
from trax_mcp.studio.facts import Fact

__all__ = [
    "PLANS",
    "Plan",
    "changes",
    "chat_and_media",
    "connections",
    "destinations",
    "plan_for",
    "reads_for",
    "sources",
    "stream",
    "studios",
]


def check_plans(operations: Sequence[type[Action]], plans: Sequence[type[Plan[Any]]]) -> None:
    """Check that every mutating operation has exactly one complete plan.

    Raises:
        TypeError: one has none or several, or a plan is incomplete.
    """
    mutating = {it.__name__ for it in operations if it.effect is not Effect.READ}
    planned = Counter(it.operation_type.__name__ for it in plans)
    problems = {
        "without a plan": mutating - planned.keys(),
        "plans of no operation": planned.keys() - mutating,
        "several plans": {name for name, count in planned.items() if count > 1},
    }
    if told := "; ".join(f"{what}: {sorted(names)}" for what, names in problems.items() if names):
        raise TypeError(told)
    if incomplete := [it.__name__ for it in plans if isabstract(it) or not hasattr(it, "reads")]:
        raise TypeError(f"incomplete plans: {incomplete}")


check_plans((*OPERATIONS, ApplyChanges), tuple(Plan.__subclasses__()))


def reads_for(operation: Action) -> Sequence[Fact]:
    """The facts that are read before the question about a call, each once."""
    reads = (fact for it in operation.steps for fact in plan_for(it).reads_for(it))
    return tuple(dict.fromkeys(reads))
