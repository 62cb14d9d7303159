"""Uploads bytes to a presigned URL.

Anyone with such a URL can write to it, so no error and no other text holds it. A separate HTTP
client makes sure that the TRaX key is never sent to the storage.
"""

from collections.abc import AsyncIterator
from typing import Final

import httpx

from trax_mcp import __version__
from trax_mcp.api.answers import is_success
from trax_mcp.api.client import Client
from trax_mcp.api.errors import BadAnswer, LostAnswer, NoConnection, Refused, TraxError
from trax_mcp.settings import is_loopback
from trax_mcp.uploads.upload_errors import not_uploaded

TIMEOUT: Final = httpx.Timeout(30, write=30, read=300)
"""In seconds: to connect, for each chunk, and for the answer, since buffers on the way may still be
full after the last chunk. The total time is not limited."""

_TRANSIENT: Final = frozenset({408, 425, 429})
_SERVER_ERROR: Final = 500


async def put(
    client: Client,
    url: str,
    chunks: AsyncIterator[bytes],
    *,
    size: int,
    content_type: str,
    timeouts: httpx.Timeout = TIMEOUT,
) -> None:
    """Upload all chunks, `size` bytes in total, to the storage of the TRaX that a client reaches.

    Raises:
        TraxError: they did not arrive, or their arrival is unknown; also errors of `chunks`.
    """
    address = _read_url(url, allow_http=client.base_url.lower().startswith("http:"))
    body = _Body(chunks, size)
    try:
        status = await _send(client, address, body, content_type=content_type, timeouts=timeouts)
    except TraxError:
        raise
    except Exception as error:  # noqa: BLE001  also raw TLS errors, whose texts may hold the URL
        raise _lost(error, body, timeouts) from None
    if not is_success(status):
        raise _refused(status)


class _Body:
    """The body of an upload, which counts the bytes that are left to send."""

    def __init__(self, chunks: AsyncIterator[bytes], size: int) -> None:
        self._chunks = chunks
        self.size = self.left = size
        self.is_begun = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self.is_begun = True
        async for chunk in self._chunks:
            self.left -= len(chunk)
            yield chunk


async def _send(
    client: Client, address: httpx.URL, body: _Body, *, content_type: str, timeouts: httpx.Timeout
) -> int:
    """Send the request and return the status of the response; nothing else of it is read."""
    async with httpx.AsyncClient(
        transport=client.transport,
        follow_redirects=False,
        timeout=timeouts,
        # Over plain HTTP, a proxy could read the URL.
        trust_env=address.scheme == "https",
        headers={"User-Agent": f"trax-mcp/{__version__}"},
    ) as http:
        headers = {"Content-Type": content_type, "Content-Length": str(body.size)}
        request = http.build_request("PUT", address, headers=headers, content=body)
        response = await http.send(request, stream=True)
        await response.aclose()
        return response.status_code


def _read_url(url: str, *, allow_http: bool) -> httpx.URL:
    """The URL if nobody on the way can read it. `allow_http`: TRaX itself is on loopback."""
    try:
        address = httpx.URL(url)
    except httpx.InvalidURL:
        address = httpx.URL()
    is_local = allow_http and address.scheme == "http" and is_loopback(address.host)
    if not address.host or address.userinfo or not (is_local or address.scheme == "https"):
        happened = "TRaX gave an upload address that is not https"
        raise not_uploaded(BadAnswer, "bad_answer", happened, "Tell whoever runs this TRaX.")
    return address


def _refused(status: int) -> Refused:
    """The storage answered with an error. Its text is not shown, since it may hold the URL."""
    happened = f"The storage answered the upload with HTTP {status}"
    if status in _TRANSIENT or status >= _SERVER_ERROR:
        return not_uploaded(Refused, "upload_failed", happened, http_status=status)
    next_step = "The same call is likely to fail again."
    return not_uploaded(Refused, "upload_failed", happened, next_step, http_status=status)


def _lost(error: Exception, body: _Body, timeouts: httpx.Timeout) -> TraxError:
    """The connection was not made or broke, or the storage made no progress in time."""
    if not body.is_begun:
        happened = "The storage that TRaX named could not be reached"
        return not_uploaded(NoConnection, "unreachable", happened)
    code, happened = "unreachable", "The connection to the storage broke"
    is_complete = body.left <= 0
    if isinstance(error, httpx.TimeoutException):
        missing = "did not confirm the upload" if is_complete else "took nothing more of the file"
        seconds = timeouts.read if isinstance(error, httpx.ReadTimeout) else timeouts.write
        code, happened = "timeout", f"The storage {missing} for {seconds:g} s"
    if not is_complete:
        return not_uploaded(LostAnswer, code, happened)
    next_step = "Look with list_media before anything else."
    not_done = "; whether the file arrived is not known"
    return LostAnswer(code, happened, next_step, not_done=not_done, outcome="unknown")
