"""Which tools are offered here: by the operator's choice, and by what the transport allows.

What is not offered is neither listed nor run, and says why. The room knows nothing of MCP.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from trax_mcp.api.errors import Failure, NotSent
from trax_mcp.api.operations import OPERATIONS
from trax_mcp.api.tool_input import Effect, ToolInput
from trax_mcp.chat.wait import WaitForChatMessages
from trax_mcp.studio.readiness import CheckReadiness
from trax_mcp.studio.search import FindStudio
from trax_mcp.uploads.upload import UploadMedia

_HIDDEN = "does not offer this tool (TRAX_TOOLS)"
_READ_ONLY = "only reads (TRAX_READ_ONLY)"
_NOT_LOCAL = "reads no files: it does so only on stdio, from the folders in TRAX_MEDIA_DIRS"
_GUARDED = "asks for a yes before what this tool would do, which cannot ask (TRAX_GUARD_ALSO)"

LOCAL: frozenset[type[ToolInput]] = frozenset({UploadMedia})
"""What reads files of the computer that the server runs on: on HTTP it is not the caller's."""

KINDS: Sequence[type[ToolInput]] = (
    *OPERATIONS,
    FindStudio,
    CheckReadiness,
    WaitForChatMessages,
    UploadMedia,
)
"""Everything that can be offered: the contract's operations, then what is made of several calls."""

TOOLS = frozenset(kind.tool_name for kind in KINDS)
CHANGING = frozenset(kind.tool_name for kind in KINDS if kind.effect is not Effect.READ)
"""What TRAX_GUARD_ALSO may hold: the names of tools that change something."""

TAGS = frozenset(kind.call.tag for kind in KINDS)
"""What TRAX_TOOLS may hold: the names of tools, and the contract's tags."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolFilter:
    """The operator's choice. No `only` is all; else names of tools and tags.

    `local`: the caller is on this computer, and its files may be read.
    """

    read_only: bool = False
    only: frozenset[str] = frozenset()
    local: bool = False

    def kinds(self) -> Sequence[type[ToolInput]]:
        """What is offered, in order."""
        return [kind for kind in KINDS if self._why_not(kind) is None]

    def refusal(self, name: str) -> NotSent:
        """Why a tool that exists is not offered; if not for our reasons, for the guard's."""
        why = next(self._why_not(kind) for kind in KINDS if kind.tool_name == name) or _GUARDED
        message = (
            f"This server {why}, so {name} was not sent. Whoever runs the server can change that."
        )
        code = "read_only" if why == _READ_ONLY else "not_offered"
        return NotSent(Failure(code=code, message=message, retryable=False))

    def _why_not(self, kind: type[ToolInput]) -> str | None:
        if self.only and not {kind.tool_name, kind.call.tag} & self.only:
            return _HIDDEN
        if self.read_only and kind.effect is not Effect.READ:
            return _READ_ONLY
        return _NOT_LOCAL if kind in LOCAL and not self.local else None
