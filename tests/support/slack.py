"""A small stand-in for Slack: the part of its web API and the socket that a bot needs."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import anyio
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.support.server_process import PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CHANNEL: Final = "C1"


class Slack:
    """One channel. It keeps what each message says now, and what one person alone was told."""

    def __init__(self) -> None:
        self.messages: dict[str, dict[str, Any]] = {}
        self.told: list[str] = []
        self.address = ""
        self._socket = web.WebSocketResponse()
        self._answers: dict[str, dict[str, Any]] = {}
        self._changed = anyio.Event()

    async def command(self, command: str, person: str) -> None:
        """Have a person type a command."""
        payload = {"command": command, "channel_id": CHANNEL, "text": "", "token": "none"}
        who = {"user_id": person, "user_name": person.lower(), "team_id": "T1"}
        answer = await self._send("slash_commands", payload | who)
        if answer:
            self.told.append(answer["text"])

    async def press(self, choice: str, person: str, message: str) -> None:
        """Have a person press a button of a message."""
        (pressed,) = (it for it in self.buttons(message) if it["action_id"] == choice)
        payload = {
            "type": "block_actions",
            "user": {"id": person, "username": person.lower()},
            "team": {"id": "T1"},
            "channel": {"id": CHANNEL},
            "message": {"ts": message, "text": self.messages[message]["text"]},
            "actions": [pressed],
        }
        await self._send("interactive", payload)

    def buttons(self, message: str) -> list[dict[str, Any]]:
        """The buttons that a message has now."""
        blocks = self.messages[message].get("blocks", [])
        return [it for block in blocks if block["type"] == "actions" for it in block["elements"]]

    async def message(self, text: str, *, with_buttons: bool = False) -> str:
        """Wait for a message with this text in it, and return its time."""
        with anyio.fail_after(PATIENCE_SECONDS):
            while True:
                for time, it in self.messages.items():
                    if text in it["text"] and bool(self.buttons(time)) is with_buttons:
                        return time
                await self._changed.wait()

    async def connected(self) -> None:
        """Wait for the bot's socket."""
        with anyio.fail_after(PATIENCE_SECONDS):
            while not self._socket.prepared:
                await self._changed.wait()

    async def _send(self, kind: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Send an envelope to the bot, and wait until it is acknowledged."""
        envelope = str(len(self._answers))
        body = {"type": kind, "envelope_id": envelope, "payload": payload}
        await self._socket.send_str(json.dumps(body | {"accepts_response_payload": True}))
        with anyio.fail_after(PATIENCE_SECONDS):
            while envelope not in self._answers:
                await self._changed.wait()
        return self._answers[envelope]

    def _tell(self) -> None:
        """Wake whoever waits for a change."""
        self._changed.set()
        self._changed = anyio.Event()

    async def web_api(self, request: web.Request) -> web.Response:
        """Answer a method of the web API."""
        sent: Any = dict(await request.post())  # of a form
        sent = sent or json.loads(await request.text() or "{}")
        answer: dict[str, Any] = {"ok": True}
        match request.match_info["method"]:
            case "auth.test":
                answer |= {"user_id": "U0", "bot_id": "B0", "team_id": "T1"}
            case "apps.connections.open":
                answer |= {"url": f"{self.address}/socket"}
            case "chat.postMessage":
                answer |= {"ts": f"{len(self.messages) + 1}.0"}
                self.messages[answer["ts"]] = sent
            case "chat.update":
                self.messages[sent["ts"]] = sent
            case "chat.postEphemeral":
                self.told.append(sent["text"])
            case method:
                answer = {"ok": False, "error": f"unknown_method: {method}"}
        self._tell()
        return web.json_response(answer)

    async def socket(self, request: web.Request) -> web.WebSocketResponse:
        """Hold the bot's socket, and keep its acknowledgements."""
        self._socket = web.WebSocketResponse()
        await self._socket.prepare(request)
        await self._socket.send_str('{"type": "hello"}')
        self._tell()
        async for it in self._socket:
            if it.data.startswith("{"):
                answer = json.loads(it.data)
                self._answers[answer["envelope_id"]] = answer.get("payload") or {}
                self._tell()
        return self._socket


@asynccontextmanager
async def open_slack() -> AsyncIterator[Slack]:
    """Slack on a port of this machine."""
    slack, app = Slack(), web.Application()
    app.router.add_post("/api/{method}", slack.web_api)
    app.router.add_get("/socket", slack.socket)
    async with TestServer(app) as server:
        slack.address = str(server.make_url("")).rstrip("/")
        yield slack
