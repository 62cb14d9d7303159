"""Finds the client of a client id: by its document on the web, or by the id itself."""

from collections.abc import Collection
from functools import cached_property
from secrets import token_urlsafe
from typing import Final

import anyio
import httpx
from cachetools import TTLCache

from trax_mcp import __version__
from trax_mcp.clock import Clock
from trax_mcp.sign_in.client_descriptions import (
    DOCUMENT_HOSTS,
    KNOWN_CLIENTS,
    MAX_DOCUMENT_BYTES,
    ClientRefused,
    Mac,
    OAuthClient,
    check_document_id,
    host_of,
    read_document,
    read_registered_id,
    registered_client,
)

TIMEOUT_SECONDS: Final = 5.0
"""For a whole document."""
_CONNECT_SECONDS: Final = 2.0
_FRESH_SECONDS: Final = 3600
_STALE_SECONDS: Final = 86_400
"""How long a document counts where it cannot be read again. Source: RFC 5861, section 4."""
_MAX_DOCUMENTS: Final = 500
_UNCOMPRESSED: Final = "identity"
_HEADERS: Final = {
    "User-Agent": f"trax-mcp/{__version__}",
    "Accept": "application/json",
    "Accept-Encoding": _UNCOMPRESSED,
    "Connection": "close",  # each host is asked once an hour
}


class _FetchFailed(Exception):
    """A document cannot be read now. The text says why, as it follows "Its host"."""


class _Gone(_FetchFailed):
    """Its maker has withdrawn it."""


class Clients:
    """The clients. Documents are kept; of the others, nothing is.

    Documents are read from `document_hosts` and from those that are known. Tests replace
    `transport` and `timeout_seconds`; nothing else may.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        mac: Mac,
        document_hosts: Collection[str] = (),
        transport: httpx.AsyncBaseTransport | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self._mac = mac
        self._document_hosts = (*DOCUMENT_HOSTS, *document_hosts)
        self._transport = transport
        self._timeout_seconds = timeout_seconds
        self._fresh: TTLCache[str, OAuthClient] = TTLCache(
            _MAX_DOCUMENTS, _FRESH_SECONDS, clock.seconds
        )
        self._stale: TTLCache[str, OAuthClient] = TTLCache(
            _MAX_DOCUMENTS, _STALE_SECONDS, clock.seconds
        )

    def register(self, body: bytes) -> OAuthClient:
        """The client that registers with this body. Nothing is kept of it.

        Raises:
            OAuthError: it is no client that this server can serve.
        """
        return registered_client(body, nonce=token_urlsafe(9), mac=self._mac)

    async def find(self, client_id: str, *, may_register: bool) -> OAuthClient:
        """The client with this id.

        Raises:
            ClientRefused: nobody has this id, or the document or its host will not do.
        """
        if not client_id.startswith("https:"):
            return read_registered_id(client_id if may_register else "", mac=self._mac)
        if (fresh := self._fresh.get(client_id)) is not None:
            return fresh
        check_document_id(client_id, self._document_hosts)
        try:
            client = read_document(await self._fetch(client_id), client_id)
            self._stale[client_id] = client
        except _FetchFailed as error:
            if isinstance(error, _Gone):
                self._stale.pop(client_id, None)
            stale = self._stale.get(client_id) or KNOWN_CLIENTS.get(client_id)
            if stale is None:
                raise ClientRefused(
                    f"The app's description can't be read: its host {host_of(client_id)}"
                    f" {error}. Nothing was allowed. Try again in a minute."
                ) from None
            client = stale
        self._fresh[client_id] = client
        return client

    async def _fetch(self, url: str) -> bytes:
        """Read a document."""
        try:
            with anyio.fail_after(self._timeout_seconds):
                return await self._get(url)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            raise _FetchFailed("can't be reached over HTTPS") from None
        except (TimeoutError, httpx.TimeoutException):
            raise _FetchFailed("doesn't answer in time") from None
        except httpx.HTTPError:
            raise _FetchFailed("stopped in the middle of its answer") from None

    async def _get(self, url: str) -> bytes:
        async with self._http.stream("GET", url, headers=_HEADERS) as answer:
            _check(answer)
            body = b""
            async for part in answer.aiter_raw():
                body += part
                if len(body) > MAX_DOCUMENT_BYTES:
                    raise _FetchFailed("sends more than a description")
            return body

    @cached_property
    def _http(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            transport=self._transport,
            trust_env=False,
            timeout=httpx.Timeout(self._timeout_seconds, connect=_CONNECT_SECONDS),
        )


def _check(answer: httpx.Response) -> None:
    if answer.status_code in {httpx.codes.NOT_FOUND, httpx.codes.GONE}:
        raise _Gone("has no description of it any more")
    if answer.status_code != httpx.codes.OK:  # a redirect too: the draft forbids to follow it
        raise _FetchFailed(f"answers with HTTP {answer.status_code}")
    content_type = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "application/json" and not (
        content_type.startswith("application/") and content_type.endswith("+json")
    ):
        raise _FetchFailed("doesn't send JSON")
    if answer.headers.get("content-encoding", _UNCOMPRESSED) != _UNCOMPRESSED:
        raise _FetchFailed("compresses it")  # a small answer could become one of any size
