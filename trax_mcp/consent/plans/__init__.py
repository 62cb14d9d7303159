"""One plan per mutating operation. A mutating operation without a complete plan does not import."""

from collections import Counter
from collections.abc import Mapping
from inspect import isabstract
from typing import Any, Final

from trax_mcp.api.models import Model
from trax_mcp.api.operation import Effect, Operation
from trax_mcp.api.operations import OPERATIONS
from trax_mcp.consent.plans import (
    chat_and_media,
    connections,
    destinations,
    sources,
    stream,
    studios,
)
from trax_mcp.consent.plans.base import Plan

__all__ = [
    "PLANS",
    "Plan",
    "chat_and_media",
    "connections",
    "destinations",
    "plan_for",
    "sources",
    "stream",
    "studios",
]


def check_plans(
    operations: tuple[type[Operation[Model]], ...], plans: tuple[type[Plan[Any]], ...]
) -> None:
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


_ALL: Final = tuple(Plan.__subclasses__())
check_plans(OPERATIONS, _ALL)

PLANS: Final[Mapping[type[Operation[Model]], type[Plan[Any]]]] = {
    it.operation_type: it for it in _ALL
}


def plan_for(operation: Operation[Model]) -> type[Plan[Any]]:
    """The plan of a mutating operation."""
    return PLANS[type(operation)]
