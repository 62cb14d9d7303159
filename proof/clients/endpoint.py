"""Where a model is: an HTTP server on loopback that speaks like one of a maker of models."""

from __future__ import annotations

import gzip
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

from proof.clients.dialects import DIALECTS

if TYPE_CHECKING:
    from proof.clients.dialects import Call, Dialect


class Endpoint:
    """A model on loopback, in each of the dialects."""

    def __init__(self) -> None:
        """Answer from now on."""
        handler = type("Handler", (_Handler,), {"endpoint": self})
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

    def answer(self, dialect: Dialect, body: dict[str, Any]) -> Call | str:
        """What it says to a request: a call, or a text."""
        raise NotImplementedError


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    endpoint: Endpoint

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
        answer = self.endpoint.answer(dialect, body)
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
