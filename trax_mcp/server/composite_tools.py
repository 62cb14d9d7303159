"""Runs the tools that make several calls to TRaX and ask for no yes, and writes their results."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import mcp_types as types

from trax_mcp.api.caller import Caller, redact
from trax_mcp.api.client import Client
from trax_mcp.api.contract import JsonObject
from trax_mcp.api.operation import ToolInput
from trax_mcp.chat.wait import WaitForChatMessages, wait_for_chat
from trax_mcp.clock import Clock
from trax_mcp.consent.guard import Guard
from trax_mcp.server import results
from trax_mcp.server.request import CallRequest
from trax_mcp.server.untrusted import chat_payload
from trax_mcp.studio.outputs import Words
from trax_mcp.tools.check import CheckStudio, check_studio, tell_status
from trax_mcp.tools.find import FindStudio, find_studios
from trax_mcp.tools.overview import IsStarting
from trax_mcp.uploads.upload import Uploader, UploadMedia, words_of


@dataclass(frozen=True, slots=True, kw_only=True)
class CompositeTools:
    """These tools. `media_dirs` are the folders that files may come from."""

    client: Client
    guard: Guard
    clock: Clock
    media_dirs: Sequence[Path] = ()

    async def run(self, value: ToolInput, request: CallRequest) -> types.CallToolResult:
        """Run a tool.

        Raises:
            TraxError: it failed.
        """
        match value:
            case FindStudio():
                query = redact(value.query, request.caller.key)
                found, words = await find_studios(
                    self.client, query, request.caller, clock=self.clock
                )
                return results.named_result(found.data(), words)
            case CheckStudio():
                overview, words = await check_studio(
                    self.client,
                    request.caller,
                    value.studio_id,
                    is_starting=self._is_starting(request.caller),
                    clock=self.clock,
                )
                return results.named_result(overview.data(), words)
            case WaitForChatMessages():
                return await self._wait(value, request)
            case UploadMedia():
                return await self._upload(value, request)
        raise AssertionError(value)

    async def tell_status(self, studio_id: str, answer: JsonObject, caller: Caller) -> Words:
        """What an answer to get_stream_status means, and whether a go-live is under way."""
        is_starting = self._is_starting(caller)
        now = self.clock.now()
        return Words(await tell_status(answer, studio_id, is_starting=is_starting, now=now))

    def _is_starting(self, caller: Caller) -> IsStarting:
        return partial(self.guard.go_live_is_pending, caller)

    async def _wait(self, wait: WaitForChatMessages, request: CallRequest) -> types.CallToolResult:
        watchers, caller, studio = request.watchers, request.caller, wait.studio_id
        chat, waited, gathered = await wait_for_chat(
            wait, watchers.chat(caller, studio), clock=self.clock, progress=request.report_progress
        )
        own = watchers.marks.own(caller, studio, chat.messages)
        payload = {
            **chat_payload(studio, chat, own, after=wait.after, now=self.clock.now()),
            "waitedSeconds": round(waited),
            "gatheredSeconds": round(gathered),
        }
        return results.chat_result(payload)

    async def _upload(self, upload: UploadMedia, request: CallRequest) -> types.CallToolResult:
        uploader = Uploader(
            client=self.client,
            caller=request.caller,
            folders=self.media_dirs,
            progress=request.report_progress,
            clock=self.clock,
        )
        asset = await uploader.upload(upload)
        return results.said_result(asset, words_of(asset))
