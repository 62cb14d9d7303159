"""Puts a file's bytes to a presigned address. It has no key to lose: its HTTP is its own.

Whoever holds such an address may write there, so it is in no error and no text of ours. The room
knows nothing of files, nor of what becomes of the bytes.
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
    broke_off,
    not_reached,
    stalled,
    turned_away,
    unfit_address,
)

IDLE_SECONDS: Final = 30.0
"""So long nothing may move: however large the file, an upload that goes on may go on."""

ANSWER_SECONDS: Final = 300.0
"""For the storage's answer once the last byte was handed over: what buffers hold must drain yet."""


class UploadStorage:
    """The way to the storage. `plain` allows http on loopback, for a TRaX that is there itself."""

    def __init__(
        self,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        plain: bool = False,
        idle_seconds: float = IDLE_SECONDS,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        self._transport = transport
        self._plain = plain
        self._idle_seconds = idle_seconds
        self._answer_seconds = answer_seconds

    @classmethod
    def for_client(cls, client: Client) -> Self:
        """The storage of the TRaX that a client reaches. The client's key is not used."""
        return cls(transport=client.transport, plain=client.base_url.lower().startswith("http:"))

    async def put(
        self, url: str, pieces: AsyncIterator[bytes], *, size: int, content_type: str
    ) -> None:
        """Send all pieces, `size` bytes together; done once the storage has confirmed them.

        Raises:
            TraxError: they did not arrive, or that is not known; also what `pieces` raises.
        """
        address = self._address(url)
        sending = _Sending(
            pieces,
            size=size,
            idle_seconds=self._idle_seconds,
            answer_seconds=self._answer_seconds,
        )
        headers = {"Content-Type": content_type, "Content-Length": str(size)}
        http = self._client(address)
        try:
            with sending.patience:
                await _put(http, address, headers, sending)
                return
        except TraxError:
            raise
        except (httpx.ConnectError, httpx.ProxyError):
            raise not_reached() from None
        except Exception:  # noqa: BLE001  also raw TLS errors; their texts may hold the address
            raise broke_off(whole=sending.is_whole) from None
        finally:
            if self._transport is None:  # one that was handed in is not ours to close
                await http.aclose()
        raise stalled(seconds=sending.seconds, whole=sending.is_whole)

    def _address(self, url: str) -> httpx.URL:
        try:
            address = httpx.URL(url)
        except httpx.InvalidURL:
            raise unfit_address() from None
        plain = self._plain and address.scheme == "http" and is_loopback(address.host)
        if not address.host or address.userinfo or not (plain or address.scheme == "https"):
            raise unfit_address()
        return address

    def _client(self, address: httpx.URL) -> httpx.AsyncClient:
        try:
            return httpx.AsyncClient(
                transport=self._transport,
                follow_redirects=False,
                timeout=None,  # noqa: S113  `patience` bounds all of it
                # A proxy would read an address that is not encrypted.
                trust_env=address.scheme == "https",
                headers={"User-Agent": f"trax-mcp/{__version__}"},
            )
        except Exception:  # noqa: BLE001  whatever httpx makes of the environment
            raise not_reached() from None


class _Sending:
    """A file on its way. `patience` ends when nothing has moved for too long."""

    def __init__(
        self,
        pieces: AsyncIterator[bytes],
        *,
        size: int,
        idle_seconds: float,
        answer_seconds: float,
    ) -> None:
        self._pieces = pieces
        self._left = size
        self._idle_seconds = idle_seconds
        self._answer_seconds = answer_seconds
        self.patience = anyio.CancelScope()
        self._moved()

    @property
    def is_whole(self) -> bool:
        """Whether the last byte has left, or may have."""
        return self._left <= 0

    @property
    def seconds(self) -> float:
        """For how long nothing may move now."""
        return self._answer_seconds if self.is_whole else self._idle_seconds

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._pieces:
            self._left -= len(piece)
            self._moved()
            yield piece
            self._moved()

    def _moved(self) -> None:
        self.patience.deadline = anyio.current_time() + self.seconds


async def _put(
    http: httpx.AsyncClient, address: httpx.URL, headers: dict[str, str], sending: _Sending
) -> None:
    """Send, and read of the answer only whether it is a success.

    Raises:
        Refused: it is none.
    """
    request = http.build_request("PUT", address, headers=headers, content=sending)
    response = await http.send(request, stream=True)
    await response.aclose()
    if not is_success(response.status_code):
        raise turned_away(response.status_code)
