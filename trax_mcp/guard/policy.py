"""May this call run? A pure decision over the operation and the evidence of consent.

No state, no clock, no I/O: what must be remembered or read is read and remembered elsewhere.
"""

from dataclasses import dataclass

from trax_mcp.api.models import Model
from trax_mcp.api.operation import Effect, Operation


@dataclass(frozen=True, slots=True)
class Evidence:
    """What came along with a call to show that a person agreed."""

    confirm: bool = False


@dataclass(frozen=True, slots=True)
class Proceed:
    """The call may run."""


@dataclass(frozen=True, slots=True)
class Preview:
    """The call may not run yet: show what it would do."""


Verdict = Proceed | Preview


def judge(operation: Operation[Model], evidence: Evidence) -> Verdict:
    """Decide whether an operation may run on this evidence."""
    if operation.effect is not Effect.GUARDED or evidence.confirm:
        return Proceed()
    return Preview()
