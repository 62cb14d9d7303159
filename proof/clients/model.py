"""The model of a client, played by a script: what it says depends on what it was told."""

from __future__ import annotations

import gzip
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self, TypeAlias

from proof.clients.dialects import DIALECTS, Call, Said

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_FEW_TOOLS: Final = 4
"""A request that offers fewer wants a title or a summary."""


class Step(NamedTuple):
    """A call of one of trax-mcp's tools."""

    tool: str
    arguments: dict[str, Any]


class Turn(NamedTuple):
    """What a person said, and what the calls since then have answered."""

    prompt: str
    results: Sequence[str]


Script: TypeAlias = "Callable[[Sequence[Turn]], Step | str]"
"""What the model does in the last turn: a call, or the text that ends the turn."""


class ScriptedModel:
    """A model on loopback. Only the prompts of the script count as what a person said."""

    def __init__(
        self, prompts: Sequence[str], script: Script, named: Callable[[Step], Call]
    ) -> None:
        """Answer from now on."""
        self._prompts, self._script, self._named = prompts, script, named
        self.ended = 0
        """How many turns have ended."""
        self.last_text = ""
        """What was said at the end of the last."""
        handler = type("Handler", (_Handler,), {"model": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        """Use it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """Where it is, without a path."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, said: Sequence[Said], tools: int) -> Call | str:
        """What it says next in a conversation."""
        if tools < _FEW_TOOLS:
            return "The Friday show"
        turns: list[Turn] = []
        for who, text in said:
            if who == "tool" and turns:
                turns[-1] = Turn(turns[-1].prompt, [*turns[-1].results, text])
            elif who == "user" and (prompt := self._prompt_in(text)):
                turns.append(Turn(prompt, []))
        if not turns:
            return "Hello."
        answer = self._script(turns)
        if isinstance(answer, str):
            self.ended = max(self.ended, len(turns))
            self.last_text = answer
            return answer
        return self._named(answer)

    def _prompt_in(self, text: str) -> str | None:
        return next((it for it in self._prompts if it in text), None)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    model: ScriptedModel

    def log_message(self, *_: object) -> None:
        """Write nothing."""

    def do_HEAD(self) -> None:
        """Answer those that look whether somebody is there."""
        self._send({})

    def do_GET(self) -> None:
        """List the one model."""
        model = {"id": "scripted", "object": "model", "created": 1, "owned_by": "proof"}
        self._send({"object": "list", "data": [model], "has_more": False})

    def do_POST(self) -> None:
        """Say what comes next."""
        body = self._body()
        path = self.path.split("?")[0]
        dialect = next((it for end, it in DIALECTS.items() if path.endswith(end)), None)
        if dialect is None:
            self._send({"input_tokens": 10})
            return
        answer = self.model.answer(list(dialect.said(body)), len(body.get("tools") or ()))
        name = str(body.get("model"))
        if not body.get("stream"):
            self._send(dialect.whole(name, answer))
            return
        lines = [
            (f"event: {event}\n" if event else "") + f"data: {json.dumps(data)}\n\n"
            for event, data in dialect.events(name, answer)
        ]
        if path.endswith("/chat/completions"):
            lines.append("data: [DONE]\n\n")
        self._send("".join(lines))

    def _send(self, body: dict[str, Any] | str) -> None:
        kind = "text/event-stream" if isinstance(body, str) else "application/json"
        data = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def _body(self) -> dict[str, Any]:
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            data = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                data += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Content-Encoding") == "gzip":
            data = gzip.decompress(data)
        return dict(json.loads(data or b"{}"))
