"""Uploads bytes to a presigned URL.

Anyone with such a URL can write to it, so no error and no other text holds it. A separate HTTP
client makes sure that the TRaX key is never sent to the storage.
"""

from collections.abc import AsyncIterator
from typing import Final, Self

import anyio
import httpx

from trax_mcp import __version__
from trax_mcp.api.client import Client
from trax_mcp.api.errors import TraxError
from trax_mcp.api.responses import is_success
from trax_mcp.settings import is_loopback
from trax_mcp.uploads.upload_errors import (
    invalid_upload_url,
    storage_unreachable,
    upload_interrupted,
    upload_refused,
    upload_timed_out,
)

IDLE_SECONDS: Final = 30.0
"""Idle time-out. The total time is not limited."""

ANSWER_SECONDS: Final = 300.0
"""Time-out for the answer after the last byte. Buffers on the way may still be full."""


class UploadStorage:
    """The storage for uploads. `allow_http` accepts http on loopback, for a local TRaX."""

    def __init__(
        self,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        allow_http: bool = False,
        idle_seconds: float = IDLE_SECONDS,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        self._transport = transport
        self._allow_http = allow_http
        self._idle_seconds = idle_seconds
        self._answer_seconds = answer_seconds

    @classmethod
    def for_client(cls, client: Client) -> Self:
        """The storage of the TRaX that a client reaches. The client's key is not used."""
        allow_http = client.base_url.lower().startswith("http:")
        return cls(transport=client.transport, allow_http=allow_http)

    async def put(
        self, url: str, chunks: AsyncIterator[bytes], *, size: int, content_type: str
    ) -> None:
        """Upload all chunks, `size` bytes in total, and wait for the storage to confirm them.

        Raises:
            TraxError: they did not arrive, or their arrival is unknown; also errors of `chunks`.
        """
        address = self._read_url(url)
        body = _UploadBody(
            chunks,
            size=size,
            idle_seconds=self._idle_seconds,
            answer_seconds=self._answer_seconds,
        )
        headers = {"Content-Type": content_type, "Content-Length": str(size)}
        http = self._client(address)
        try:
            with body.scope:
                await _put(http, address, headers, body)
                return
        except TraxError:
            raise
        except (httpx.ConnectError, httpx.ProxyError):
            raise storage_unreachable() from None
        except Exception:  # noqa: BLE001  also raw TLS errors, whose texts may hold the URL
            raise upload_interrupted(is_complete=body.is_complete) from None
        finally:
            if self._transport is None:  # the owner closes a given transport
                await http.aclose()
        raise upload_timed_out(seconds=body.timeout_seconds, is_complete=body.is_complete)

    def _read_url(self, url: str) -> httpx.URL:
        try:
            address = httpx.URL(url)
        except httpx.InvalidURL:
            raise invalid_upload_url() from None
        is_local = self._allow_http and address.scheme == "http" and is_loopback(address.host)
        if not address.host or address.userinfo or not (is_local or address.scheme == "https"):
            raise invalid_upload_url()
        return address

    def _client(self, address: httpx.URL) -> httpx.AsyncClient:
        try:
            return httpx.AsyncClient(
                transport=self._transport,
                follow_redirects=False,
                timeout=None,  # noqa: S113  `_UploadBody.scope` limits it
                # Over plain HTTP, a proxy could read the URL.
                trust_env=address.scheme == "https",
                headers={"User-Agent": f"trax-mcp/{__version__}"},
            )
        except Exception:  # noqa: BLE001  httpx raises many types for a wrong environment
            raise storage_unreachable() from None


class _UploadBody:
    """The body of an upload. `scope` is cancelled when no byte has moved for too long."""

    def __init__(
        self,
        chunks: AsyncIterator[bytes],
        *,
        size: int,
        idle_seconds: float,
        answer_seconds: float,
    ) -> None:
        self._chunks = chunks
        self._left = size
        self._idle_seconds = idle_seconds
        self._answer_seconds = answer_seconds
        self.scope = anyio.CancelScope()
        self._extend_deadline()

    @property
    def is_complete(self) -> bool:
        """Whether the last byte was sent, or may have been."""
        return self._left <= 0

    @property
    def timeout_seconds(self) -> float:
        """The current time-out."""
        return self._answer_seconds if self.is_complete else self._idle_seconds

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._chunks:
            self._left -= len(chunk)
            self._extend_deadline()
            yield chunk
            self._extend_deadline()

    def _extend_deadline(self) -> None:
        self.scope.deadline = anyio.current_time() + self.timeout_seconds


async def _put(
    http: httpx.AsyncClient, address: httpx.URL, headers: dict[str, str], body: _UploadBody
) -> None:
    """Send the request and read only the status of the response.

    Raises:
        Refused: the status is not a success.
    """
    request = http.build_request("PUT", address, headers=headers, content=body)
    response = await http.send(request, stream=True)
    await response.aclose()
    if not is_success(response.status_code):
        raise upload_refused(response.status_code)
