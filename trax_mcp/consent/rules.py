"""Which calls need consent: by their plans, and by what the operator guards in addition. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation
from trax_mcp.api.operations import OPERATIONS
from trax_mcp.api.tool_input import Effect, ToolInput
from trax_mcp.consent.plans import PLANS, When


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
        plan = PLANS.get(kind) if issubclass(kind, Operation) else None
        return plan is not None and (plan.may_need_consent or kind.tool_name in self.also)

    def when(self, operation: Operation[Model]) -> When:
        """When this call needs consent."""
        plan = PLANS.get(type(operation))
        if plan is None:
            return When.NEVER
        return When.ALWAYS if operation.tool_name in self.also else plan.when(operation)

    def consent_hint(self, kind: type[ToolInput]) -> str:
        """When a tool needs consent, for its description; empty if it never does."""
        if not (issubclass(kind, Operation) and self.may_need_consent(kind)):
            return ""
        if kind.effect is Effect.GUARDED or kind.tool_name in self.also:
            return "Needs a person's yes."
        always = ", ".join(f"`{it}`" for it in PLANS[kind].always_for)
        return "Needs a person's yes while on air." + (f" Always for {always}." if always else "")

    def would_bypass_consent(self, kind: type[ToolInput]) -> bool:
        """Whether a tool made of several calls makes one that needs consent, without asking."""
        if issubclass(kind, Operation):
            return False
        return kind.tool_name in self.also or any(
            it.call is kind.call and self.may_need_consent(it) for it in OPERATIONS
        )
