"""Requests for completions, in either era."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import anyio
import mcp_types as types

from tests.support.server_process import PATIENCE_SECONDS

if TYPE_CHECKING:
    import mcp

WHOLE_STUDIO: Final = "trax://studios/{studioId}"
STATUS: Final = "trax://studios/{studioId}/stream-status"
CHAT: Final = "trax://studios/{studioId}/chat{?after}"
TEMPLATES: Final = (WHOLE_STUDIO, STATUS, CHAT)


async def suggested(
    client: mcp.Client, where: str, argument: str, typed: str = "", **context: str
) -> list[str]:
    """The suggested values, which must be all there are. `where`: a prompt or a template."""
    completion = await completed(client, where, argument, typed, **context)
    assert (completion.total, completion.has_more) == (len(completion.values), False)
    return completion.values


async def completed(
    client: mcp.Client, where: str, argument: str, typed: str = "", **context: str
) -> types.Completion:
    """The whole completion. `context` holds arguments that were filled in before."""
    field = {"name": argument, "value": typed}
    with anyio.fail_after(PATIENCE_SECONDS):
        answer = await client.complete(reference(where), field, context or None)
    return answer.completion


def reference(where: str) -> types.PromptReference | types.ResourceTemplateReference:
    """A prompt by its name, a template by its URI."""
    if "://" in where:
        return types.ResourceTemplateReference(uri=where)
    return types.PromptReference(name=where)
