"""Deviations of the bytes of answers, of compression, of redirects and of keys."""

from __future__ import annotations

import gzip
import json
import zlib
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from tests.deviations.plays import fault, rewritten
from tests.support.product.exchanges import Response
from tests.support.product.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.deviations.row import Play
    from tests.support.product.exchanges import Request, RequestHandler


def packed(call: str, encoding: str, pack: Callable[[bytes], bytes] = gzip.compress) -> Play:
    """Compress responses, though the client wants none compressed."""

    def rewrite(response: Response) -> Response:
        headers = {**response.headers, "Content-Encoding": encoding}
        return replace(response, body=pack(response.body), headers=headers)

    return rewritten(call, rewrite)


@cache
def _bomb() -> bytes:
    packer = zlib.compressobj(wbits=31)
    block = b" " * (1 << 20)
    return b"".join(packer.compress(block) for _ in range(64)) + packer.flush()


def bomb(_: bytes) -> bytes:
    """A few bytes that become 64 MiB."""
    return _bomb()


def moved(call: str, status: int, to: str) -> Play:
    """Redirect calls."""
    return fault(call, Fault.status(status, headers={"Location": to}))


def in_utf16(response: Response) -> Response:
    return replace(
        response,
        body=response.body.decode().encode("utf-16"),
        content_type="application/json; charset=utf-16",
    )


def as_lines(body: bytes) -> bytes:
    """Each item in a line, without the list."""
    return b"\n".join(json.dumps(it).encode() for it in json.loads(body)["data"])


def said_twice(body: bytes) -> bytes:
    return body.replace(b'"enabled":', b'"enabled":false,"enabled":')


async def only_x_api_key(request: Request, handler: RequestHandler) -> Response:
    """Refuse a request without the header that TRaX's reference names."""
    if "x-api-key" in request.headers:
        return await handler(request)
    error = {"code": "unauthorized", "message": "Send X-API-Key."}
    return Response(401, json.dumps({"error": error}).encode())
