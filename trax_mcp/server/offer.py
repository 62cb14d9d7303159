"""Decides which tools are offered: by the operator's choice, the caller's, and the transport.

Other tools are neither listed nor run; a call of one says why.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from trax_mcp.actions import OPERATIONS
from trax_mcp.actions.several import ApplyChanges
from trax_mcp.api.caller import ANONYMOUS, Caller
from trax_mcp.api.errors import NotSent
from trax_mcp.api.operation import Effect, ToolInput
from trax_mcp.chat.wait import WaitForChatMessages
from trax_mcp.consent.rules import Rules
from trax_mcp.tools.check import CheckStudio
from trax_mcp.tools.find import FindStudio
from trax_mcp.uploads.upload import UploadMedia

KINDS: Final[Sequence[type[ToolInput]]] = (
    *OPERATIONS,
    ApplyChanges,
    FindStudio,
    CheckStudio,
    WaitForChatMessages,
    UploadMedia,
)
"""All tools: the operations of the contract, then those that make several calls."""

TOOLS: Final[Mapping[str, type[ToolInput]]] = {kind.tool_name: kind for kind in KINDS}
_OPERATOR = "Only the server's operator can change that."
_SIGN_IN = "To change that, connect the client again and choose to run shows."


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """The operator's choice. `only` holds names of tools and tags; if empty, all are offered.

    `local`: the caller is on this computer, and tools may read its files.
    """

    rules: Rules = field(default_factory=Rules)
    read_only: bool = False
    only: frozenset[str] = frozenset()
    local: bool = False

    def kinds(self) -> Sequence[type[ToolInput]]:
        """The tools that are offered to callers who may do everything, in order."""
        return [kind for kind in KINDS if self.why_not(kind) is None]

    def why_not(self, kind: type[ToolInput], caller: Caller = ANONYMOUS) -> NotSent | None:
        """Why a tool is not offered to a caller. None if it is."""
        changes = kind.effect is not Effect.READ
        if self.only and not {kind.tool_name, kind.endpoint.tag} & self.only:
            return _refusal("doesn't offer this tool (TRAX_TOOLS)")
        if changes and self.read_only:
            return _refusal("only reads (TRAX_READ_ONLY)", code="read_only")
        if changes and caller.read_only:
            reason = "lets this client only look, as chosen at its sign-in"
            return _refusal(reason, _SIGN_IN, code="read_only")
        if kind.reads_files and not self.local:
            reason = "reads no files: it does so only on stdio, from the folders in TRAX_MEDIA_DIRS"
            return _refusal(reason)
        if changes and self.rules.would_bypass_consent(kind):
            reason = (
                "needs approval for what this tool does, but the tool can't ask (TRAX_GUARD_ALSO)"
            )
            return _refusal(reason)
        return None


def _refusal(reason: str, remedy: str = _OPERATOR, *, code: str = "not_offered") -> NotSent:
    return NotSent(code, f"This server {reason}", remedy)
