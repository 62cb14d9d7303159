"""Finds the client of a client id: by its document on the web, or by the id itself.

The IP address that was checked is the one that is connected to: a name that resolves otherwise a
moment later changes nothing.
"""

import asyncio
import socket
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property
from secrets import token_urlsafe
from ssl import SSLContext
from typing import Final

import anyio
import httpx
from cachetools import TTLCache

from trax_mcp import __version__
from trax_mcp.clock import Clock
from trax_mcp.sign_in.attempts import TooManyAttempts, network_of
from trax_mcp.sign_in.client_descriptions import (
    HTTPS_PORT,
    KNOWN_CLIENTS,
    MAX_DOCUMENT_BYTES,
    Client,
    ClientRefused,
    DocumentAddress,
    Mac,
    document_address,
    is_public,
    read_document,
    read_registered_id,
    registered_client,
)

TIMEOUT_SECONDS: Final = 5.0
"""From the question for the host's IP address to the last byte of its document."""
_CONNECT_SECONDS: Final = 2.0
"""For one IP address; then the next one is tried."""
_FRESH_SECONDS: Final = 3600
_STALE_SECONDS: Final = 86_400
"""How long a document counts where it cannot be read again. Source: RFC 5861, section 4."""
_MAX_DOCUMENTS: Final = 500
_MAX_IN_FLIGHT: Final = 10
_MAX_IN_FLIGHT_EACH: Final = 3
"""For one address that asks: so that a person with slow hosts does not hold up others."""
_BUSY_SECONDS: Final = 5
_MAX_IP_ADDRESSES: Final = 4
_UNCOMPRESSED: Final = "identity"

Resolve = Callable[[str], Awaitable[Sequence[str]]]
"""The IP addresses of a host name. Raises OSError."""


class _FetchFailed(Exception):
    """A document cannot be read now. The text says why, as it follows "Its host"."""


class _Gone(_FetchFailed):
    """Its maker has withdrawn it."""


class Clients:
    """The clients. Documents are kept; of the others, nothing is.

    Tests replace `resolve`, `is_public`, `tls` and `timeout_seconds`; nothing else may.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        mac: Mac,
        resolve: Resolve | None = None,
        is_public: Callable[[str], bool] = is_public,
        tls: SSLContext | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self._mac = mac
        self._resolve = resolve or _resolve
        self._is_public = is_public
        self._given_tls = tls
        self._timeout_seconds = timeout_seconds
        self._fresh: TTLCache[str, Client] = TTLCache(_MAX_DOCUMENTS, _FRESH_SECONDS, clock.seconds)
        self._stale: TTLCache[str, Client] = TTLCache(_MAX_DOCUMENTS, _STALE_SECONDS, clock.seconds)
        self._in_flight: Counter[str] = Counter()

    def register(self, body: bytes) -> Client:
        """The client that registers with this body. Nothing is kept of it.

        Raises:
            OAuthError: it is no client that this server can serve.
        """
        return registered_client(body, nonce=token_urlsafe(9), mac=self._mac)

    async def find(self, client_id: str, *, address: str, may_register: bool) -> Client:
        """The client with this id, for a person at `address` (an IP address).

        Raises:
            ClientRefused: nobody has this id, or the document or its host will not do.
            TooManyAttempts: too many documents are being read.
        """
        if not client_id.startswith("https:"):
            return read_registered_id(client_id if may_register else "", mac=self._mac)
        if (fresh := self._fresh.get(client_id)) is not None:
            return fresh
        where = document_address(client_id)
        try:
            with self._counted(network_of(address)):
                client = read_document(await self._fetch(where), client_id)
            self._stale[client_id] = client
        except (_FetchFailed, TooManyAttempts) as error:
            if isinstance(error, _Gone):
                self._stale.pop(client_id, None)
            stale = self._stale.get(client_id) or KNOWN_CLIENTS.get(client_id)
            if stale is None:
                if isinstance(error, TooManyAttempts):
                    raise
                raise ClientRefused(
                    f"The description of this client cannot be read: its host {where.host} {error}."
                    " Nothing was allowed. Try again in a minute."
                ) from None
            client = stale
        self._fresh[client_id] = client
        return client

    @contextmanager
    def _counted(self, network: str) -> Iterator[None]:
        if (
            self._in_flight.total() >= _MAX_IN_FLIGHT
            or self._in_flight[network] >= _MAX_IN_FLIGHT_EACH
        ):
            raise TooManyAttempts(_BUSY_SECONDS)
        self._in_flight[network] += 1
        try:
            yield
        finally:
            self._in_flight -= Counter([network])

    async def _fetch(self, where: DocumentAddress) -> bytes:
        """Read a document."""
        ends = anyio.current_time() + self._timeout_seconds
        try:
            with anyio.fail_after(self._timeout_seconds):
                ips = await self._resolve(where.host)
        except TimeoutError:
            raise _FetchFailed("does not answer in time") from None
        except (OSError, UnicodeError):
            raise _FetchFailed("has no address on the internet") from None
        if not ips or not all(map(self._is_public, ips)):  # one that is not makes all suspicious
            raise _FetchFailed("has no address on the public internet")
        # A TLS handshake that is cancelled leaves its connection open for ever (httpcore 1.0.9). So
        # nobody cancels, and the time-outs for connecting end before `ends`.
        with anyio.CancelScope(deadline=ends, shield=True):
            for ip in ips[:_MAX_IP_ADDRESSES]:
                try:
                    return await self._get(ip, where, seconds=ends - anyio.current_time())
                except (httpx.ConnectError, httpx.ConnectTimeout):
                    continue
                except httpx.TimeoutException:
                    break
                except httpx.HTTPError:
                    raise _FetchFailed("broke off its answer") from None
            else:
                raise _FetchFailed("cannot be reached over HTTPS")
        raise _FetchFailed("does not answer in time")

    async def _get(self, ip: str, where: DocumentAddress, *, seconds: float) -> bytes:
        connect = min(_CONNECT_SECONDS, seconds / 3)  # once for TCP, and again for TLS
        async with httpx.AsyncClient(
            verify=self._tls, trust_env=False, timeout=httpx.Timeout(seconds, connect=connect)
        ) as http:
            host = where.host if where.port == HTTPS_PORT else f"{where.host}:{where.port}"
            request = http.build_request(
                "GET",
                f"https://{f'[{ip}]' if ':' in ip else ip}:{where.port}/",
                headers={
                    "Host": host,
                    "User-Agent": f"trax-mcp/{__version__}",
                    "Accept": "application/json",
                    "Accept-Encoding": _UNCOMPRESSED,
                },
                extensions={"sni_hostname": where.host, "target": where.path.encode()},
            )
            answer = await http.send(request, stream=True)
            _check(answer)
            body = b""
            async for part in answer.aiter_raw():
                body += part
                if len(body) > MAX_DOCUMENT_BYTES:
                    raise _FetchFailed("sends more than a description")
            return body

    @cached_property
    def _tls(self) -> SSLContext:
        return self._given_tls or httpx.create_ssl_context()


def _check(answer: httpx.Response) -> None:
    if answer.status_code in {httpx.codes.NOT_FOUND, httpx.codes.GONE}:
        raise _Gone("has no description of it any more")
    if answer.status_code != httpx.codes.OK:  # a redirect too: the draft forbids to follow it
        raise _FetchFailed(f"answers with HTTP {answer.status_code}")
    content_type = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "application/json" and not (
        content_type.startswith("application/") and content_type.endswith("+json")
    ):
        raise _FetchFailed("does not send JSON")
    if answer.headers.get("content-encoding", _UNCOMPRESSED) != _UNCOMPRESSED:
        raise _FetchFailed("compresses it")  # a small answer could become one of any size


_name_threads = ThreadPoolExecutor(16, thread_name_prefix="sign-in-names")
"""One that a name server leaves waiting goes on after its request has ended, so other work has
other threads."""


async def _resolve(host: str) -> Sequence[str]:
    return await asyncio.wrap_future(_name_threads.submit(_look_up, host))


def _look_up(host: str) -> Sequence[str]:
    # The dot keeps it this name, and not one that a search list makes of it.
    found = socket.getaddrinfo(f"{host}.", None, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]
