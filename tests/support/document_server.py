"""A server of client documents over TLS on loopback, with whatever bytes a test makes it send.

Its certificate is good for `HOSTS`, and issued by an authority that only its `tls` trusts.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import httpx

from tests.support.certificates import client_tls, server_tls
from tests.support.product.sign_in import Internet
from tests.support.server_process import PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

HOST: Final = "client.example"
LOOK_ALIKE: Final = "xn--clint-dsa.example"
"""It reads "cliént.example" where a browser writes it so."""
HOSTS: Final = (HOST, "other.example", "third.example", "fifth.example", LOOK_ALIKE)
"""Names that no name server knows: who reaches them has not asked one."""
UNCERTIFIED: Final = "not-in-it.example"
LOOPBACK: Final = "127.0.0.1"
PATH: Final = "/oauth/client.json"
CANARY: Final = "canary-7f3a"
"""No person reads it, whichever host sends it."""
LONG_SECONDS: Final = 5.0
SOON: Final = 0.3
"""A time-out for hosts that never end."""


@dataclass
class DocumentServer:
    """Answers a request for `HOST` and a path as `answers` says, or else with a good document."""

    port: int = 0
    tls: ssl.SSLContext = field(default_factory=client_tls)
    answers: dict[str, bytes | Callable[[asyncio.StreamWriter], Awaitable[None]]] = field(
        default_factory=dict
    )
    """By host, or by host and path."""
    requests: list[str] = field(default_factory=list)
    """The head of each request."""
    server_names: list[str] = field(default_factory=list)
    """What each connection has asked for in TLS."""
    connections: set[asyncio.Task[None] | None] = field(default_factory=set)
    """Those that are open."""

    def client_id(self, host: str = HOST, path: str = PATH) -> str:
        """The id of the client whose document lies there."""
        return f"https://{host}:{self.port}{path}"

    def internet(self, *, timeout_seconds: float = LONG_SECONDS) -> Internet:
        """An internet on which every host is this server, and the operator has named these."""
        return Internet(
            hosts=[f"{host}:{self.port}" for host in (*HOSTS, UNCERTIFIED)],
            transport=_ToLoopback(verify=self.tls, trust_env=False),
            timeout_seconds=timeout_seconds,
        )

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request, and close the connection."""
        self.connections.add(asyncio.current_task())
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                self.requests.append(head)
                host, path = _target(head)
                answer = self.answers.get(f"{host}{path}", self.answers.get(host))
                if answer is None:
                    answer = json_answer(document(self.client_id(host, path)))
                if isinstance(answer, bytes):
                    writer.write(answer)
                    await writer.drain()
                else:
                    await answer(writer)
        finally:
            self.connections.discard(asyncio.current_task())
            writer.close()


class _ToLoopback(httpx.AsyncHTTPTransport):
    """Takes each request to loopback, under the name of its host in TLS. No name is resolved."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        request.extensions["sni_hostname"] = request.url.host
        request.url = request.url.copy_with(host=LOOPBACK)
        return await super().handle_async_request(request)


def document(client_id: str, /, **members: object) -> dict[str, object]:
    return {
        "client_id": client_id,
        "client_name": "Example Client",
        "redirect_uris": ["https://client.example/callback", "http://localhost/callback"],
        "token_endpoint_auth_method": "none",
        **members,
    }


def json_answer(
    value: object, *, status: str = "200 OK", headers: Mapping[str, str] | None = None
) -> bytes:
    return answer_of(json.dumps(value).encode(), status=status, headers=headers)


def answer_of(
    body: bytes, *, status: str = "200 OK", headers: Mapping[str, str] | None = None
) -> bytes:
    """A complete response with this body. Headers replace `Content-Type` and `Content-Length`."""
    all_headers = {
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        **(headers or {}),
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in all_headers.items())
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body


@asynccontextmanager
async def serving_documents(*, is_trusted: bool = True) -> AsyncIterator[DocumentServer]:
    """Serve on a free port of loopback."""
    server = DocumentServer()
    if not is_trusted:
        server.tls = ssl.create_default_context()
    context = server_tls(*HOSTS)

    def note_name(_socket: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> None:
        server.server_names.append(name or "")

    context.sni_callback = note_name
    listening = await asyncio.start_server(server.serve, LOOPBACK, 0, ssl=context)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        for connection in server.connections:
            if connection is not None:
                connection.cancel()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await listening.wait_closed()


def _target(head: str) -> tuple[str, str]:
    path = head.split(" ")[1]
    hosts = [line for line in head.split("\r\n") if line.lower().startswith("host:")]
    return hosts[0].partition(":")[2].strip().partition(":")[0], path
