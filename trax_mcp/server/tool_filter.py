"""Decides which tools are offered: by the operator's choice, the caller's, and the transport.

Other tools are neither listed nor run; a call of one says why.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from trax_mcp.api.errors import Failure, NotSent
from trax_mcp.api.operations import OPERATIONS
from trax_mcp.api.tool_input import Effect, ToolInput
from trax_mcp.chat.wait import WaitForChatMessages
from trax_mcp.studio.overview_reader import CheckStudio
from trax_mcp.studio.search import FindStudio
from trax_mcp.uploads.upload import UploadMedia

_NOT_CHOSEN = "does not offer this tool (TRAX_TOOLS)"
_READ_ONLY = "only reads (TRAX_READ_ONLY)"
_LOOK_ONLY = "lets this client look only, as was chosen at its sign-in"
_NOT_LOCAL = (
    "reads no files: it does so only on stdio and not on Windows, from the folders in"
    " TRAX_MEDIA_DIRS"
)
_GUARDED = "asks for a yes before what this tool would do, which cannot ask (TRAX_GUARD_ALSO)"

KINDS: Sequence[type[ToolInput]] = (
    *OPERATIONS,
    FindStudio,
    CheckStudio,
    WaitForChatMessages,
    UploadMedia,
)
"""All tools: the operations of the contract, then those that make several calls."""

TOOLS = frozenset(kind.tool_name for kind in KINDS)
CHANGING = frozenset(kind.tool_name for kind in KINDS if kind.effect is not Effect.READ)
"""The names that TRAX_GUARD_ALSO may hold: tools that change something."""

TAGS = frozenset(kind.call.tag for kind in KINDS)
"""The tags of the contract, which TRAX_TOOLS may hold besides names of tools."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolFilter:
    """The operator's choice. `only` holds names of tools and tags; if empty, all are offered.

    `look_only`: a person allowed a client no more than that. `local`: the caller is on this
    computer, and tools may read its files.
    """

    read_only: bool = False
    look_only: bool = False
    only: frozenset[str] = frozenset()
    local: bool = False

    def kinds(self) -> Sequence[type[ToolInput]]:
        """The tools that are offered, in order."""
        return [kind for kind in KINDS if self._why_not(kind) is None]

    def refusal(self, name: str) -> NotSent:
        """Why a tool is not offered: because of this filter, or else of the consent rules."""
        reason = next(self._why_not(kind) for kind in KINDS if kind.tool_name == name) or _GUARDED
        remedy = "Whoever runs the server can change that."
        if reason == _LOOK_ONLY:
            remedy = "To change that, connect the client once more and choose to run shows."
        message = f"This server {reason}, so {name} was not sent. {remedy}"
        code = "read_only" if reason in (_READ_ONLY, _LOOK_ONLY) else "not_offered"
        return NotSent(Failure(code=code, message=message, retryable=False))

    def _why_not(self, kind: type[ToolInput]) -> str | None:
        if self.only and not {kind.tool_name, kind.call.tag} & self.only:
            return _NOT_CHOSEN
        if self.read_only and kind.effect is not Effect.READ:
            return _READ_ONLY
        if self.look_only and kind.effect is not Effect.READ:
            return _LOOK_ONLY
        return _NOT_LOCAL if kind.reads_files and not self.local else None
