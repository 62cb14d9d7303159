"""A call of each tool, and requests of each other kind, with secrets wherever one can be put.

`FaultyTrax` adds secrets to TRaX's responses, and fails in several modes while it repeats what
it received.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from tests.support.canaries import secrets as secret
from tests.support.guarded_calls import STUDIO
from tests.support.product.faults import Fault, Response, encode_json
from tests.support.valid_calls import EVERY
from tests.world.wire import LEGACY, Message, request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.product.faults import Request, RequestHandler
    from tests.support.product.sandbox import Sandbox

ERROR_HEADER: Final = "x-raise-error"

SERVER_WITH_ERRORS: Final = f"""
import runpy
import httpx

send = httpx.AsyncClient.send

async def raising_send(client, request, **kwargs):
    answer = await send(client, request, **kwargs)
    if "{ERROR_HEADER}" in answer.headers:
        await answer.aclose()
        raise RuntimeError(f"{{request.url}} {{request.headers.raw}} {{answer.headers.raw}}")
    return answer

httpx.AsyncClient.send = raising_send
runpy.run_module("trax_mcp", run_name="__main__", alter_sys=True)
"""
"""The command, with an HTTP client whose exceptions contain the whole exchange."""

LIVE_STUDIO: Final = {"studioId": "studio_43"}
_RTMP_URL: Final = f"rtmps://kick.example/app/{secret.URL_STREAM_KEY}"
_NEW_DESTINATION: Final = {"name": "Side stage", "platform": "kick"}
_CUSTOM_TARGET: Final = {"rtmpUrl": _RTMP_URL, "streamKey": secret.STREAM_KEY}

_WITH_SECRETS: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("get_health", {}),
    ("list_studios", {}),
    ("get_studio", STUDIO),
    ("list_destinations", STUDIO),
    ("create_destination", {**STUDIO, **_NEW_DESTINATION, **_CUSTOM_TARGET}),
    ("create_destination", {**STUDIO, **_NEW_DESTINATION, "streamKey": secret.STREAM_KEY}),
    (
        "create_destination",
        {**STUDIO, **_NEW_DESTINATION, secret.UNKNOWN_ARGUMENT: secret.STREAM_KEY},
    ),
    (
        "create_destination",
        {**LIVE_STUDIO, **_NEW_DESTINATION, "name": secret.ARGUMENT_KEY, **_CUSTOM_TARGET},
    ),
    ("update_destination", {**STUDIO, "destId": "dest_3", "streamKey": secret.STREAM_KEY}),
    ("get_stream_status", {"studioId": secret.ARGUMENT_KEY}),
    ("go_live", STUDIO),
    ("go_offline", LIVE_STUDIO),
    ("list_chat_messages", STUDIO),
    ("send_chat_message", {**STUDIO, "text": secret.ARGUMENT_KEY}),
    ("create_media_upload", {"filename": "a.png", "contentType": "image/png", "byteSize": 1}),
    ("find_studio", {"query": "Friday"}),
    ("find_studio", {"query": secret.ARGUMENT_KEY}),
    ("check_studio", STUDIO),
    ("wait_for_chat_messages", {**STUDIO, "timeoutSeconds": 0}),
    ("upload_media", {"path": "intro.mp4"}),
    ("update_studio", {**STUDIO, "autoGoLive": False}),  # it keeps the secret name
)
_WITHOUT: Final = EVERY.keys() - {tool for tool, _ in _WITH_SECRETS}

CALLS: Final = (*_WITH_SECRETS, *((it, EVERY[it]) for it in EVERY if it in _WITHOUT))
"""Each tool, some with a secret in the right or in a wrong argument."""

OTHERS: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("tools/list", {}),
    ("resources/list", {}),
    ("resources/read", {"uri": "trax://studios"}),
    ("resources/read", {"uri": "trax://studios/studio_42"}),
    ("resources/read", {"uri": "trax://studios/studio_42/chat"}),
    ("resources/read", {"uri": f"trax://studios/{quote(secret.URI_KEY)}/stream-status"}),
    ("prompts/get", {"name": "start_stream", "arguments": {"studio": secret.PROMPT_KEY}}),
    (
        "completion/complete",
        {
            "ref": {"type": "ref/prompt", "name": "start_stream"},
            "argument": {"name": "studio", "value": ""},
        },
    ),
    (
        "completion/complete",
        {
            "ref": {"type": "ref/prompt", "name": "start_stream"},
            "argument": {"name": "studio", "value": secret.PROMPT_KEY},
        },
    ),
)
"""A request of each other kind."""


def actor_meta(era: str) -> dict[str, Any]:
    """The `_meta` of a request in this era, with a key as the actor name."""
    meta = request(era, "ping")["params"].get("_meta", {})
    return {"_meta": {**meta, "live.traxstreaming/actor": secret.ACTOR_KEY}}


def unsolicited_messages(era: str) -> Iterator[Message]:
    """Messages that no request expects; each carries the same canary."""
    marker = secret.UNSOLICITED
    yield {"jsonrpc": "2.0", "method": marker, "params": {marker: marker}}
    yield {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": marker}}
    progress = {"progressToken": marker, "progress": 1}
    yield {"jsonrpc": "2.0", "method": "notifications/progress", "params": progress}
    yield {"jsonrpc": "2.0", "id": marker, "result": {marker: marker}}
    yield {"jsonrpc": "2.0", "id": marker, "error": {"code": 1, "message": marker}}
    if era == LEGACY:
        yield {"jsonrpc": "2.0", "method": "notifications/roots/list_changed", marker: marker}


MODES: Final = (
    *("normal", "refusal", "envelope"),  # a refusal is of changes only, so that facts are read
    *("page", "redirect", "exception"),
)
CALLS_IN: Final = {
    mode: CALLS if number < 3 else CALLS[number::5] for number, mode in enumerate(MODES)
}
"""The calls in each mode: all of them where TRaX's words reach a model, else a fifth."""

CONFIRMED: Final = {
    mode: (
        *("update_destination", "go_live"),
        *(("create_destination", "go_offline") if mode == "normal" else ()),
    )
    for mode in MODES
}
"""The tools to confirm. Without readable facts a stop is observed for long, so not there.

Each is a question more, and of those only the latest are kept.
"""


@dataclass
class FaultyTrax:
    """TRaX with secrets of its own in its responses, and with a failure mode.

    In mode "exception" a media reservation still succeeds, so that the upload fails as well.
    """

    trax: Sandbox
    mode: str = "normal"
    signature: str = ""
    """The signature of upload URLs."""

    def __post_init__(self) -> None:
        self.trax.faults.add(Fault("trouble", self.respond), times=None)

    async def respond(self, trax_request: Request, next_handler: RequestHandler) -> Response:
        """Respond as the mode says, always with a cookie."""
        response = await self._response(trax_request, next_handler)
        headers = {"Set-Cookie": f"a={secret.COOKIE}; Path=/", **response.headers}
        return replace(response, headers=headers)

    async def _response(self, trax_request: Request, next_handler: RequestHandler) -> Response:
        key = trax_request.secret or ""
        body, headers = trax_request.body.decode("latin-1"), trax_request.headers
        echo = f"{body} {key} {quote(key, safe='')} {headers}"
        match self.mode:
            case "refusal" | "envelope" if self.mode == "envelope" or trax_request.method != "GET":
                error = {"code": key, "message": echo, "requestId": key, "requiredScope": key}
                return Response(400, encode_json({"error": error}), headers={"X-Request-Id": key})
            case "page":
                return Response(500, f"<html>{echo}</html>".encode(), "text/html")
            case "redirect":
                place = f"{secret.LOCATION}@login.example/{secret.LOCATION}?{quote(key)}"
                return Response(302, b"", headers={"Location": f"https://{place}"})
            case "exception" if (trax_request.method, trax_request.path) != ("POST", "/v1/media"):
                return Response(200, b"{}", headers={ERROR_HEADER: secret.COOKIE})
        return self._add_secrets(trax_request, await next_handler(trax_request))

    def _add_secrets(self, trax_request: Request, response: Response) -> Response:
        """Add stream keys and signatures to successful responses; let time pass after changes."""
        if trax_request.method != "GET":
            self.trax.clock.advance(5)
        lists = trax_request.method == "GET" and trax_request.path.endswith(
            ("/destinations", "/sources")
        )
        if lists and response.status == 200:
            payload = json.loads(response.body)
            for it in payload["data"]:
                it["streamKey"] = secret.RETURNED_KEY
            return replace(response, body=encode_json(payload))
        if (trax_request.method, trax_request.path, response.status) == ("POST", "/v1/media", 201):
            payload = json.loads(response.body)
            payload["uploadUrl"] += f"?X-Amz-Signature={self.signature}"
            return replace(response, body=encode_json(payload))
        return response
