"""Which calls need consent: as declared, and by the operator. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from trax_mcp.actions import OPERATIONS
from trax_mcp.actions.change import Change
from trax_mcp.actions.several import ApplyChanges
from trax_mcp.actions.shown import SEVERAL
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Effect, Operation, ToolInput, When, most
from trax_mcp.consent.ways import WaysToAsk


@dataclass(frozen=True, slots=True)
class Rules:
    """The operator's settings: how to ask, and the names of further operations to guard."""

    ask: WaysToAsk = field(default_factory=WaysToAsk)
    also: frozenset[str] = frozenset()

    def may_need_consent(self, kind: type[ToolInput]) -> bool:
        """Whether some calls of a tool need consent."""
        if not issubclass(kind, Operation):
            return kind is ApplyChanges
        return kind.may_need_consent() or kind.tool_name in self.also

    def when(self, operations: tuple[Operation[Model], ...]) -> When:
        """When a call of these needs consent: of several changes, as soon as one of them does."""
        if len(operations) > 1 and SEVERAL in self.also:
            return When.ALWAYS
        return max(When.ALWAYS if it.tool_name in self.also else it.when() for it in operations)

    def never_ask_about(self, change: Change[Any]) -> bool:
        """Whether a change needs nobody's approval, whatever the studio is like, and no turn.

        One that turns `autoGoLive` off takes its turn: the last one counts.
        """
        return self.when((change,)) is When.NEVER and change.sets_auto_go_live is None

    def consent_hint(self, kind: type[ToolInput]) -> str:
        """When a tool needs consent, for its description; empty if it never does."""
        if kind is ApplyChanges:
            return "Needs user approval if one of them does."
        if not (issubclass(kind, Operation) and self.may_need_consent(kind)):
            return ""
        if kind.effect is Effect.GUARDED or kind.tool_name in self.also:
            return "Needs user approval."
        rules = {f"`{name}`": it for name, it in kind.consent.items() if most(it) is When.ALWAYS}
        given = [name for name, it in rules.items() if not isinstance(it, Mapping)]
        switched_on = [name for name, it in rules.items() if isinstance(it, Mapping)]
        cases = ["while on air"]
        cases += [f"always for {', '.join(given)}"] if given else []
        cases += [f"always to turn {', '.join(switched_on)} on"] if switched_on else []
        return f"Needs user approval {', '.join(cases)}."

    def would_bypass_consent(self, kind: type[ToolInput]) -> bool:
        """Whether a tool made of several calls makes one that needs consent, without asking."""
        if issubclass(kind, Operation | ApplyChanges):
            return False
        return kind.tool_name in self.also or any(
            it.endpoint is kind.endpoint and self.may_need_consent(it) for it in OPERATIONS
        )
