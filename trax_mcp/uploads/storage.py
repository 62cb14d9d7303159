"""Uploads bytes to a presigned URL.

Anyone with such a URL can write to it, so no error and no other text holds it. A separate HTTP
client makes sure that the TRaX key is never sent to the storage.
"""

import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace
from http import HTTPStatus
from typing import Any, Final, TypeVar

import anyio
import httpx

from trax_mcp import __version__
from trax_mcp.api.client import Client, certificate_error
from trax_mcp.api.errors import BadAnswer, LostAnswer, NoConnection, Refused, TraxError
from trax_mcp.settings import is_loopback
from trax_mcp.uploads.files import MediaFile, MediaFileError

TIMEOUT: Final = httpx.Timeout(30, read=300)
"""In seconds: to connect, for each chunk, and for the answer, since buffers on the way may still be
full after the last chunk. The total time is not limited."""

ErrorT = TypeVar("ErrorT", bound=TraxError)

_TRANSIENT: Final = frozenset({408, 425, 429})
_PAUSE_SECONDS: Final = 1.0
"""Between the two tries."""
_CALL_AGAIN: Final = "Call again to retry."
_TELL_OPERATOR: Final = "Tell the people who run this TRaX."
_LOOK_FIRST: Final = "Check with list_media before anything else."
_MAYBE_ARRIVED: Final = ". It's unclear whether the file arrived"
_REASON: Final = re.compile(rb"<Code>([A-Za-z][A-Za-z0-9]{2,47})</Code>")
"""What S3 and its kin say of an error (source: Amazon S3, "Error responses")."""
_REASON_BYTES: Final = 4096
_REASON_SECONDS: Final = 2.0


async def put(
    client: Client,
    url: str,
    file: MediaFile,
    read: Callable[[], AsyncGenerator[bytes, None]],
    pause: Callable[[float], Awaitable[None]],
) -> None:
    """Upload a file to the storage of the TRaX that a client reaches. `read` gives its chunks.

    It is sent a second time after a failure that may pass: the URL writes to one place, so a file
    that arrives twice is the same file.

    Raises:
        TraxError: it did not arrive, or its arrival is unknown.
        MediaFileError: the file has changed or cannot be read.
    """
    address = _read_url(url, allow_http=client.base_url.lower().startswith("http:"))
    try:
        await _put_once(client, address, file, read)
    except TraxError as first:
        if not _may_pass(first):
            raise
        await pause(_PAUSE_SECONDS)
        try:
            await _put_once(client, address, file, read)
        except Refused as second:
            if isinstance(first, LostAnswer):  # the file may have arrived with the first try
                raise replace(
                    second,
                    next_step=_LOOK_FIRST,
                    not_done=_MAYBE_ARRIVED,
                    outcome="unknown",
                    retryable=False,
                ) from None
            raise


async def _put_once(
    client: Client,
    address: httpx.URL,
    file: MediaFile,
    read: Callable[[], AsyncGenerator[bytes, None]],
) -> None:
    headers = {
        "Accept-Encoding": "identity",
        "Content-Type": file.media_type,
        "Content-Length": str(file.size),
        "User-Agent": f"trax-mcp/{__version__}",
    }
    try:
        async with (
            aclosing(read()) as chunks,
            # Over plain HTTP, a proxy could read the URL.
            httpx.AsyncClient(
                transport=client.transport, timeout=TIMEOUT, trust_env=address.scheme == "https"
            ) as http,
            http.stream("PUT", address, headers=headers, content=chunks) as response,
        ):
            status = response.status_code
            reason = "" if response.is_success else await _read_reason(response, address)
    except MediaFileError:
        raise
    except Exception as error:  # noqa: BLE001  also raw TLS errors, whose texts may hold the URL
        raise _lost(error) from None
    if response.is_success:
        return
    answered, next_step = (
        "answered the upload with",
        "Tell the user the reason before you call again.",
    )
    if response.is_redirect:
        answered, next_step = "redirects the upload, which isn't followed:", _TELL_OPERATOR
    elif _is_transient(status):
        next_step = _CALL_AGAIN
    happened = f"The storage {answered} HTTP {status}{reason}"
    raise not_uploaded(Refused, "upload_failed", happened, next_step, http_status=status)


async def _read_reason(response: httpx.Response, address: httpx.URL) -> str:
    """The code in a storage's error, in brackets. Empty without one, or if the URL contains it."""
    if "content-encoding" in response.headers:  # compressed, though that was not asked for
        return ""
    body = b""
    with anyio.move_on_after(_REASON_SECONDS):
        try:
            async for part in response.aiter_bytes():
                body += part
                if len(body) >= _REASON_BYTES:
                    break
        except httpx.HTTPError:
            pass  # the status is known
    found = _REASON.search(body[:_REASON_BYTES])
    reason = found[1].decode() if found else ""
    return f" ({reason})" if reason and reason not in str(address) else ""


def _is_transient(status: int) -> bool:
    return status in _TRANSIENT or status >= HTTPStatus.INTERNAL_SERVER_ERROR


def _may_pass(error: TraxError) -> bool:
    """Whether a second try may help: after a broken connection, and a transient status."""
    return error.code == "unreachable" or _is_transient(error.http_status or 0)


def not_uploaded(
    kind: type[ErrorT],
    code: str,
    happened: str,
    next_step: str = _CALL_AGAIN,
    *,
    http_status: int | None = None,
) -> ErrorT:
    """After the reservation, the file did not arrive. With another next step, a retry is no use."""
    not_done = ", so the file wasn't uploaded. Its place in the media library stays empty"
    again = next_step == _CALL_AGAIN
    details: dict[str, Any] = {"not_done": not_done, "retryable": again, "http_status": http_status}
    return kind(code, happened, next_step, **details)


def _read_url(url: str, *, allow_http: bool) -> httpx.URL:
    """The URL if nobody on the way can read it. `allow_http`: TRaX itself is on loopback."""
    try:
        address = httpx.URL(url)
    except httpx.InvalidURL:
        address = httpx.URL("invalid:")
    is_local = allow_http and address.scheme == "http" and is_loopback(address.host)
    if not address.host or address.userinfo or not (is_local or address.scheme == "https"):
        fault = "that isn't https" if address.scheme else "that isn't a whole URL"
        happened = f"TRaX gave an upload address {fault}"
        raise not_uploaded(BadAnswer, "bad_answer", happened, _TELL_OPERATOR)
    return address


def _lost(error: Exception) -> TraxError:
    """The connection was not made or broke, or the storage made no progress in time."""
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.ProxyError):
        happened, next_step = "The storage that TRaX named couldn't be reached", _CALL_AGAIN
        if certificate_error(error):
            happened = f"{happened}: its certificate isn't trusted"
            next_step = "For a CA of your own network, set SSL_CERT_FILE to its file."
        return not_uploaded(NoConnection, "unreachable", happened, next_step)
    code, happened = "unreachable", "The connection to the storage broke"
    if isinstance(error, httpx.TimeoutException):
        code, happened = "timeout", "The storage didn't take the file in time"
    return LostAnswer(code, happened, _LOOK_FIRST, not_done=_MAYBE_ARRIVED, outcome="unknown")
