"""Uploads bytes to a presigned URL.

Anyone with such a URL can write to it, so no error and no other text holds it. A separate HTTP
client makes sure that the TRaX key is never sent to the storage.
"""

from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Any, Final, TypeVar

import httpx

from trax_mcp import __version__
from trax_mcp.api.client import Client
from trax_mcp.api.errors import BadAnswer, LostAnswer, NoConnection, Refused, TraxError
from trax_mcp.settings import is_loopback
from trax_mcp.uploads.files import MediaFile, MediaFileError

TIMEOUT: Final = httpx.Timeout(30, read=300)
"""In seconds: to connect, for each chunk, and for the answer, since buffers on the way may still be
full after the last chunk. The total time is not limited."""

ErrorT = TypeVar("ErrorT", bound=TraxError)

_TRANSIENT: Final = frozenset({408, 425, 429})
_CALL_AGAIN: Final = "Call again to try anew."


async def put(client: Client, url: str, file: MediaFile, chunks: AsyncIterator[bytes]) -> None:
    """Upload the chunks of a file to the storage of the TRaX that a client reaches.

    Raises:
        TraxError: they did not arrive, or their arrival is unknown.
        MediaFileError: the file has changed or cannot be read.
    """
    address = _read_url(url, allow_http=client.base_url.lower().startswith("http:"))
    headers = {
        "Content-Type": file.media_type,
        "Content-Length": str(file.size),
        "User-Agent": f"trax-mcp/{__version__}",
    }
    try:
        async with (
            # Over plain HTTP, a proxy could read the URL.
            httpx.AsyncClient(
                transport=client.transport, timeout=TIMEOUT, trust_env=address.scheme == "https"
            ) as http,
            http.stream("PUT", address, headers=headers, content=chunks) as response,
        ):
            status = response.status_code
    except MediaFileError:
        raise
    except Exception as error:  # noqa: BLE001  also raw TLS errors, whose texts may hold the URL
        raise _lost(error) from None
    if not response.is_success:
        again = status in _TRANSIENT or status >= HTTPStatus.INTERNAL_SERVER_ERROR
        next_step = _CALL_AGAIN if again else "The same call is likely to fail again."
        happened = f"The storage answered the upload with HTTP {status}"
        raise not_uploaded(Refused, "upload_failed", happened, next_step, http_status=status)


def not_uploaded(
    kind: type[ErrorT],
    code: str,
    happened: str,
    next_step: str = _CALL_AGAIN,
    *,
    http_status: int | None = None,
) -> ErrorT:
    """After the reservation, the file did not arrive. With another next step, a retry is no use."""
    not_done = (
        ", so the file was not uploaded; what was reserved for it stays in the media library, empty"
    )
    again = next_step == _CALL_AGAIN
    details: dict[str, Any] = {"not_done": not_done, "retryable": again, "http_status": http_status}
    return kind(code, happened, next_step, **details)


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


def _lost(error: Exception) -> TraxError:
    """The connection was not made or broke, or the storage made no progress in time."""
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.ProxyError):
        happened = "The storage that TRaX named could not be reached"
        return not_uploaded(NoConnection, "unreachable", happened)
    code, happened = "unreachable", "The connection to the storage broke"
    if isinstance(error, httpx.TimeoutException):
        code, happened = "timeout", "The storage did not take the file in time"
    next_step = "Look with list_media before anything else."
    not_done = "; whether the file arrived is not known"
    return LostAnswer(code, happened, next_step, not_done=not_done, outcome="unknown")
