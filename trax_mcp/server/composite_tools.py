"""Runs the tools that are no call of TRaX's but made of several. They only read, or add.

What they do is done in `show` and `chat`; here it is put into the words of their answers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import mcp_types as types

from trax_mcp.api.client import Client
from trax_mcp.api.contract import JsonObject
from trax_mcp.api.operations import GoLive
from trax_mcp.api.tool_input import ToolInput
from trax_mcp.chat.wait import WaitForChatMessages, wait_for_chat
from trax_mcp.clock import Clock
from trax_mcp.server import results
from trax_mcp.server.request_context import RequestContext
from trax_mcp.server.untrusted import chat_payload
from trax_mcp.studio import naming
from trax_mcp.studio.fact_reader import FactReader
from trax_mcp.studio.readiness import CheckReadiness, Finding, Readiness, judge_readiness
from trax_mcp.studio.search import FindStudio, Found, find_studios
from trax_mcp.uploads.upload import Uploader, UploadMedia


@dataclass(frozen=True, slots=True, kw_only=True)
class CompositeTools:
    """What goes beyond the contract. `media_dirs` are the folders that files may come from."""

    client: Client
    clock: Clock
    media_dirs: Sequence[Path] = ()

    async def run(self, value: ToolInput, visitor: RequestContext) -> types.CallToolResult:
        """Do what a value stands for.

        Raises:
            TraxError: it could not be done.
        """
        match value:
            case FindStudio():
                return _matches(value, await find_studios(self.client, value, visitor.caller))
            case CheckReadiness(studio_id=studio):
                lookout = FactReader(self.client, GoLive(studio_id=studio), visitor.caller)
                return _report(studio, judge_readiness(await lookout.see()))
            case WaitForChatMessages():
                return await self._wait(value, visitor)
            case UploadMedia():
                return await self._upload(value, visitor)
        raise AssertionError(value)

    async def _wait(
        self, asked: WaitForChatMessages, visitor: RequestContext
    ) -> types.CallToolResult:
        watcher = visitor.watchers.chat(visitor.caller, asked.studio_id)
        progress = visitor.person.tell_progress
        chat = await wait_for_chat(asked, watcher, clock=self.clock, progress=progress)
        return results.untrusted_result(chat_payload(asked.studio_id, chat))

    async def _upload(self, asked: UploadMedia, visitor: RequestContext) -> types.CallToolResult:
        uploader = Uploader(client=self.client, folders=self.media_dirs, clock=self.clock)
        return results.plain(
            await uploader.upload(asked, visitor.caller, visitor.person.tell_progress)
        )


def _matches(asked: FindStudio, found: Found) -> types.CallToolResult:
    matches = [
        {"id": it.studio.id, "name": it.studio.name, "role": it.studio.role, "live": it.live}
        for it in found.matches
    ]
    match len(matches):
        case 0:
            sentence = f"No studio matches {naming.quoted(asked.query)}."
        case 1:
            sentence = "One studio matches."
        case several if found.exact == 1:
            sentence = f"The first is exactly what was asked for; {several - 1} more match."
        case several:
            sentence = f"{several} studios match: ask the person which one is meant."
    data = {"matches": matches, "searched": found.searched}
    return results.plain(data, sentence=sentence)


def _report(studio_id: str, found: Readiness) -> types.CallToolResult:
    report = {
        "studioId": studio_id,
        "ready": found.ready,
        "live": found.live,
        "blockers": [_finding(it) for it in found.blockers],
        "warnings": [_finding(it) for it in found.warnings],
        "unknown": list(found.unknown),
    }
    return results.plain(report, sentence=_verdict(found))


def _verdict(found: Readiness) -> str:
    if found.blockers:
        return "Not ready to go live: see the blockers."
    if not found.ready:
        return "Whether it is ready cannot be told: see what is unknown."
    return "Nothing that is known stands in the way of going live."


def _finding(found: Finding) -> JsonObject:
    return {"what": found.what, "remedy": found.remedy}
