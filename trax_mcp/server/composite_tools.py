"""Runs the tools that make several calls to TRaX, and writes their results."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import mcp_types as types

from trax_mcp.api.caller import redact_keys
from trax_mcp.api.client import Client
from trax_mcp.api.contract import JsonObject
from trax_mcp.api.tool_input import ToolInput
from trax_mcp.chat.wait import WaitForChatMessages, wait_for_chat
from trax_mcp.clock import Clock
from trax_mcp.server import results
from trax_mcp.server.request_context import RequestContext
from trax_mcp.server.untrusted import chat_payload
from trax_mcp.studio import naming
from trax_mcp.studio.fact_reader import FactReader
from trax_mcp.studio.readiness import (
    READINESS_FACTS,
    CheckReadiness,
    Finding,
    Readiness,
    judge_readiness,
)
from trax_mcp.studio.search import FindStudio, SearchResult, find_studios
from trax_mcp.uploads.upload import Uploader, UploadMedia


@dataclass(frozen=True, slots=True, kw_only=True)
class CompositeTools:
    """The tools beyond the contract. `media_dirs` are the folders that files may come from."""

    client: Client
    clock: Clock
    media_dirs: Sequence[Path] = ()

    async def run(self, value: ToolInput, context: RequestContext) -> types.CallToolResult:
        """Run a tool.

        Raises:
            TraxError: it failed.
        """
        match value:
            case FindStudio():
                found = await find_studios(self.client, value, context.caller)
                return _matches_result(redact_keys(value.query, context.caller), found)
            case CheckReadiness(studio_id=studio):
                reader = FactReader(self.client, context.caller, studio)
                return _readiness_result(
                    studio, judge_readiness(await reader.read(READINESS_FACTS))
                )
            case WaitForChatMessages():
                return await self._wait(value, context)
            case UploadMedia():
                return await self._upload(value, context)
        raise AssertionError(value)

    async def _wait(
        self, wait: WaitForChatMessages, context: RequestContext
    ) -> types.CallToolResult:
        watcher = context.watchers.chat(context.caller, wait.studio_id)
        progress = context.elicitor.report_progress
        chat = await wait_for_chat(wait, watcher, clock=self.clock, progress=progress)
        return results.untrusted_result(chat_payload(wait.studio_id, chat))

    async def _upload(self, upload: UploadMedia, context: RequestContext) -> types.CallToolResult:
        uploader = Uploader(
            client=self.client,
            caller=context.caller,
            folders=self.media_dirs,
            progress=context.elicitor.report_progress,
            clock=self.clock,
        )
        return results.plain(await uploader.upload(upload))


def _matches_result(query: str, found: SearchResult) -> types.CallToolResult:
    matches = [
        {"id": it.studio.id, "name": it.studio.name, "role": it.studio.role, "live": it.live}
        for it in found.matches
    ]
    whose = "that could be searched " if found.unknown else ""
    match len(matches):
        case 0:
            sentence = f"No studio {whose}matches {naming.quoted(query)}."
        case 1:
            sentence = "One studio matches."
        case several if found.exact == 1:
            sentence = f"The first is exactly what was asked for; {several - 1} more match."
        case several:
            sentence = f"{several} studios match: ask the person which one is meant."
    data: JsonObject = {"matches": matches, "searched": found.searched}
    if found.unknown:
        data["unknown"] = [str(it) for it in found.unknown]
        sentence = f"{sentence} Not searched: {naming.listed(data['unknown'])}."
    return results.plain(data, sentence)


def _readiness_result(studio_id: str, readiness: Readiness) -> types.CallToolResult:
    report = {
        "studioId": studio_id,
        "ready": readiness.ready,
        "live": readiness.live,
        "blockers": [_finding(it) for it in readiness.blockers],
        "warnings": [_finding(it) for it in readiness.warnings],
        "unknown": list(readiness.unknown),
    }
    return results.plain(report, _readiness_sentence(readiness))


def _readiness_sentence(readiness: Readiness) -> str:
    if readiness.blockers:
        return "Not ready to go live: see the blockers."
    if not readiness.ready:
        return "Whether it is ready cannot be told: see what is unknown."
    return "Nothing that is known stands in the way of going live."


def _finding(finding: Finding) -> JsonObject:
    return {"what": finding.what.text, "remedy": finding.remedy}
