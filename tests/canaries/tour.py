"""A tour of all that the server can be asked, with secrets wherever one can be put.

What TRaX does to it is `Trouble`'s: it plants secrets of its own, and fails in one way or another
while repeating what it was sent. It knows tools and faults, and no rule of what may be told.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from tests.canaries import secrets as secret
from tests.jsonrpc import LEGACY, Message, request
from trax_mcp.sandbox import ConnectionDropped, Fault
from trax_mcp.sandbox.messages import Answer, encoded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trax_mcp.sandbox import Sandbox
    from trax_mcp.sandbox.messages import Answerer, Request

EXPLODES: Final = "x-explodes"

WITH_EXPLOSIONS: Final = f"""
import httpx
from trax_mcp.cli import main

send = httpx.AsyncClient.send

async def exploding(client, asked, **how):
    answer = await send(client, asked, **how)
    if "{EXPLODES}" in answer.headers:
        await answer.aclose()
        raise RuntimeError(f"{{asked.url}} {{asked.headers.raw}} {{answer.headers.raw}}")
    return answer

httpx.AsyncClient.send = exploding
main()
"""
"""The command, on a network whose exceptions tell all that they know."""

S: Final = {"studioId": "studio_42"}
LIVE: Final = {"studioId": "studio_43"}
_ADDRESS: Final = f"rtmps://kick.example/app/{secret.ADDRESS_KEY}"
_NEW: Final = {"name": "Side stage", "platform": "kick"}
_WAY: Final = {"rtmpUrl": _ADDRESS, "streamKey": secret.STREAM_KEY}

CALLS: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("get_health", {}),
    ("get_openapi", {}),
    ("list_studios", {}),
    ("create_studio", {"name": "Another"}),
    ("get_studio", S),
    ("update_studio", {**S, "autoGoLive": True}),
    ("list_destinations", S),
    ("create_destination", {**S, **_NEW, **_WAY}),
    ("create_destination", {**S, **_NEW, "streamKey": secret.STREAM_KEY}),
    ("create_destination", {**S, **_NEW, secret.UNKNOWN: secret.STREAM_KEY}),
    ("create_destination", {**LIVE, **_NEW, "name": secret.ARGUMENT_KEY, **_WAY}),
    ("update_destination", {**S, "destId": "dest_3", "streamKey": secret.STREAM_KEY}),
    ("delete_destination", {**S, "destId": "dest_1"}),
    ("list_sources", S),
    ("create_source", {**S, "name": "Feed", "type": "rtmp", "url": _ADDRESS}),
    ("update_source", {**LIVE, "sourceId": "source_4", "active": False}),
    ("delete_source", {**S, "sourceId": "source_1"}),
    ("get_stream_status", S),
    ("get_stream_status", {"studioId": secret.ARGUMENT_KEY}),
    ("go_live", S),
    ("go_offline", LIVE),
    ("list_chat_messages", S),
    ("send_chat_message", {**S, "text": secret.ARGUMENT_KEY}),
    ("list_connections", {}),
    ("unlink_connection", {"connectionId": "conn_1"}),
    ("list_media", {}),
    ("create_media_upload", {"filename": "a.png", "contentType": "image/png", "byteSize": 1}),
    ("find_studio", {"query": "Friday"}),
    ("find_studio", {"query": secret.ARGUMENT_KEY}),
    ("check_readiness", S),
    ("wait_for_chat_messages", {**S, "timeoutSeconds": 0}),
    ("upload_media", {"path": "intro.mp4"}),
)
"""All tools, some of them with a secret where it belongs or where it does not."""

OTHERS: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("tools/list", {}),
    ("resources/list", {}),
    ("resources/templates/list", {}),
    ("resources/read", {"uri": "trax://studios"}),
    ("resources/read", {"uri": "trax://studios/studio_42"}),
    ("resources/read", {"uri": "trax://studios/studio_42/chat"}),
    ("resources/read", {"uri": f"trax://studios/{quote(secret.URI_KEY)}/chat"}),
    ("resources/read", {"uri": f"trax://studios/{quote(secret.URI_KEY)}/stream-status"}),
    ("prompts/list", {}),
    ("prompts/get", {"name": "go_live", "arguments": {"studio": secret.PROMPT_KEY}}),
    (
        "completion/complete",
        {
            "ref": {"type": "ref/prompt", "name": "go_live"},
            "argument": {"name": "studio", "value": ""},
        },
    ),
    (
        "completion/complete",
        {
            "ref": {"type": "ref/prompt", "name": "go_live"},
            "argument": {"name": "studio", "value": secret.PROMPT_KEY},
        },
    ),
)
"""Everything else that can be asked for."""


def actor(era: str) -> dict[str, Any]:
    """Whom a bot says that it asks for, put beside what the era wants there."""
    meta = request(era, "ping")["params"].get("_meta", {})
    return {"_meta": {**meta, "live.traxstreaming/actor": secret.ACTOR_KEY}}


def strays(era: str) -> Iterator[Message]:
    """What nobody has asked for, or nobody can: each carries the same canary."""
    stray = secret.STRAY
    yield {"jsonrpc": "2.0", "method": stray, "params": {stray: stray}}
    yield {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": stray}}
    progress = {"progressToken": stray, "progress": 1}
    yield {"jsonrpc": "2.0", "method": "notifications/progress", "params": progress}
    yield {"jsonrpc": "2.0", "id": stray, "result": {stray: stray}}
    yield {"jsonrpc": "2.0", "id": stray, "error": {"code": 1, "message": stray}}
    if era == LEGACY:
        yield {"jsonrpc": "2.0", "method": "notifications/roots/list_changed", stray: stray}


MODES: Final = (
    "well",
    "refusal",  # of changes only: what comes before them is well
    "envelope",
    "page",
    "redirect",
    "half",
    "dropped",
    "explosion",
)
CONFIRMED: Final = {
    mode: ("update_destination", "go_live", *(("go_offline",) if mode == "well" else ()))
    for mode in MODES
}
"""What is said yes to. A stop is watched for long where nothing can be seen."""


@dataclass
class Trouble:
    """What stands between the server and TRaX, with secrets of its own.

    An explosion leaves room to be made for a file, so that it happens to the file as well.
    """

    trax: Sandbox
    mode: str = "well"
    signatures: list[str] = field(default_factory=list)
    """What is put into the next addresses for files."""

    def __post_init__(self) -> None:
        self.trax.faults.add(Fault("trouble", self.strike), times=None)

    async def strike(self, asked: Request, onward: Answerer) -> Answer:
        """Answer, or do otherwise; and always hand out a cookie."""
        answer = await self._answer(asked, onward)
        told = {"Set-Cookie": f"a={secret.COOKIE}; Path=/", **answer.headers}
        return replace(answer, headers=told)

    async def _answer(self, asked: Request, onward: Answerer) -> Answer:
        key = asked.secret or ""
        heard = f"{asked.body.decode('latin-1')} {key} {quote(key, safe='')} {asked.headers}"
        match self.mode:
            case "refusal" | "envelope" if self.mode == "envelope" or asked.method != "GET":
                error = {"code": key, "message": heard, "requestId": key, "requiredScope": key}
                return Answer(400, encoded({"error": error}), headers={"X-Request-Id": key})
            case "page":
                return Answer(500, f"<html>{heard}</html>".encode(), "text/html")
            case "redirect":
                there = {"Location": f"https://{secret.LOCATION}.example/?{quote(key)}"}
                return Answer(302, b"", headers=there)
            case "half":
                return Answer(200, json.dumps([heard])[:-1].encode())
            case "dropped":
                raise ConnectionDropped
            case "explosion" if (asked.method, asked.path) != ("POST", "/v1/media"):
                return Answer(200, b"{}", headers={EXPLODES: secret.COOKIE})
        return self._furnish(asked, await onward(asked))

    def _furnish(self, asked: Request, answer: Answer) -> Answer:
        """Say more than TRaX should: a stream key with each place; and let time pass after acts."""
        if asked.method != "GET":
            self.trax.clock.advance(5)
        lists = asked.method == "GET" and asked.path.endswith(("/destinations", "/sources"))
        if lists and answer.status == 200:
            payload = json.loads(answer.body)
            for it in payload["data"]:
                it["streamKey"] = secret.TOLD_KEY
            return replace(answer, body=encoded(payload))
        if (asked.method, asked.path, answer.status) == ("POST", "/v1/media", 201):
            payload = json.loads(answer.body)
            payload["uploadUrl"] += f"?X-Amz-Signature={self.signatures.pop(0)}"
            return replace(answer, body=encoded(payload))
        return answer
