"""Which tools are offered here: the operator's choice, TRAX_READ_ONLY and TRAX_TOOLS.

What is not offered is neither listed nor run, and says why. The room knows nothing of MCP.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trax_mcp.api.errors import Failure, NotSent
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Effect, Operation
from trax_mcp.api.operations import OPERATIONS

_WHY: Mapping[str, str] = {
    "read_only": "only reads (TRAX_READ_ONLY)",
    "not_offered": "does not offer this tool (TRAX_TOOLS)",
}

TOOLS = frozenset(kind.known_as for kind in OPERATIONS)
TAGS = frozenset(kind.call.tag for kind in OPERATIONS)
"""What TRAX_TOOLS may hold: the names of tools, and the contract's tags."""


@dataclass(frozen=True, slots=True)
class Offer:
    """The operator's choice. No `only` is all; else names of tools and tags."""

    read_only: bool = False
    only: frozenset[str] = frozenset()

    def operations(self) -> Sequence[type[Operation[Model]]]:
        """What is offered, in the order of the operations."""
        return [kind for kind in OPERATIONS if self._named(kind) and self._harmless(kind)]

    def refusal(self, name: str) -> NotSent:
        """Why a tool that exists is not offered."""
        named = any(self._named(kind) for kind in OPERATIONS if kind.known_as == name)
        code = "read_only" if named else "not_offered"
        message = (
            f"This server {_WHY[code]}, so {name} was not sent."
            " Whoever runs the server can change that."
        )
        return NotSent(Failure(code=code, message=message, retryable=False))

    def _named(self, kind: type[Operation[Model]]) -> bool:
        return not self.only or kind.known_as in self.only or kind.call.tag in self.only

    def _harmless(self, kind: type[Operation[Model]]) -> bool:
        return not self.read_only or kind.effect is Effect.READ
