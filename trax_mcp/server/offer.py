"""Which tools are offered here: the operator's choice, TRAX_READ_ONLY and TRAX_TOOLS.

What is not offered is neither listed nor run, and says why. The room knows nothing of MCP.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from trax_mcp.api.errors import NotSent
from trax_mcp.api.failures import not_offered, read_only
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Effect, Operation
from trax_mcp.api.operations import OPERATIONS

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
        return read_only(name) if named else not_offered(name)

    def _named(self, kind: type[Operation[Model]]) -> bool:
        return not self.only or kind.known_as in self.only or kind.call.tag in self.only

    def _harmless(self, kind: type[Operation[Model]]) -> bool:
        return not self.read_only or kind.effect is Effect.READ
