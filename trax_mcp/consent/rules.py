"""Which calls need consent: as declared, and by what the operator guards in addition. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from trax_mcp.api.operation import Effect, Operation, ToolInput, When, most
from trax_mcp.api.operations import OPERATIONS
from trax_mcp.consent.changes import Action, ApplyChanges


class Mode(StrEnum):
    """How consent is given: the values of `TRAX_CONFIRM`."""

    AUTO = "auto"
    HUMAN = "human"
    PREVIEW = "preview"
    FLAG = "flag"


@dataclass(frozen=True, slots=True)
class Rules:
    """The operator's settings: the mode, and the names of further operations to guard."""

    mode: Mode = Mode.AUTO
    also: frozenset[str] = frozenset()

    def may_need_consent(self, kind: type[ToolInput]) -> bool:
        """Whether some calls of a tool need consent."""
        if not issubclass(kind, Operation):
            return kind is ApplyChanges
        return kind.may_need_consent() or kind.tool_name in self.also

    def when(self, operation: Action) -> When:
        """When this call needs consent: of several changes, as soon as one of them does."""
        if isinstance(operation, ApplyChanges):
            own = When.ALWAYS if operation.tool_name in self.also else When.NEVER
            return max(own, *map(self.when, operation.steps))
        return When.ALWAYS if operation.tool_name in self.also else operation.when()

    def consent_hint(self, kind: type[ToolInput]) -> str:
        """When a tool needs consent, for its description; empty if it never does."""
        if kind is ApplyChanges:
            return "Needs user approval if one of them does."
        if not (issubclass(kind, Operation) and self.may_need_consent(kind)):
            return ""
        if kind.effect is Effect.GUARDED or kind.tool_name in self.also:
            return "Needs user approval."
        rules = {name: it for name, it in kind.consent.items() if most(it) is When.ALWAYS}
        given = [f"`{name}`" for name, it in rules.items() if isinstance(it, When)]
        switched_on = [f"`{name}`" for name, it in rules.items() if not isinstance(it, When)]
        cases = ["while on air"]
        cases += [f"always for {', '.join(given)}"] if given else []
        cases += [f"always to switch {', '.join(switched_on)} on"] if switched_on else []
        return f"Needs user approval {', '.join(cases)}."

    def would_bypass_consent(self, kind: type[ToolInput]) -> bool:
        """Whether a tool made of several calls makes one that needs consent, without asking."""
        if issubclass(kind, Operation | ApplyChanges):
            return False
        return kind.tool_name in self.also or any(
            it.call is kind.call and self.may_need_consent(it) for it in OPERATIONS
        )
