"""Reads one document over HTTPS from an address of the public internet.

The address that was checked is the one that is connected to: a name that resolves otherwise a
moment later changes nothing.
"""

import socket
import threading
from collections.abc import Awaitable, Callable, Sequence
from ssl import SSLContext
from typing import Final

import anyio
import httpx
from anyio import to_thread

from trax_mcp import __version__
from trax_mcp.sign_in.client_metadata import MAX_BYTES, DocumentAddress

_CONNECT_SECONDS: Final = 2.0
"""For one IP address; then the next one is tried."""
_MAX_IP_ADDRESSES: Final = 4
_MAX_LOOKUPS: Final = 16
"""Threads that ask for a name at the same time. One that a name server leaves waiting goes on
after its request has ended, so these are threads of their own."""
_UNCOMPRESSED: Final = "identity"

Resolve = Callable[[str], Awaitable[Sequence[str]]]
"""The IP addresses of a host name. Raises OSError."""


class Unreadable(Exception):
    """A document cannot be read now. The text says why, as it follows "Its host"."""


class Withdrawn(Unreadable):
    """The document does not count any more, even if it was read before."""


async def fetch_document(
    address: DocumentAddress,
    *,
    resolve: Resolve,
    is_public: Callable[[str], bool],
    tls: SSLContext,
) -> tuple[bytes, str]:
    """Read a document; returns it with its `Cache-Control`. The caller limits the time.

    Raises:
        Unreadable: the host has no public address, cannot be reached, or answers otherwise.
    """
    try:
        ips = await resolve(address.host)
    except (OSError, UnicodeError):
        raise Unreadable("has no address on the internet") from None
    if not ips or not all(is_public(ip) for ip in ips):  # one that is not makes all suspicious
        raise Withdrawn("has no address on the public internet")
    # A new client each time: a connection that is kept would be shared by all names of an IP
    # address, whichever of them its certificate was checked for.
    async with httpx.AsyncClient(
        verify=tls,
        trust_env=False,
        follow_redirects=False,
        timeout=httpx.Timeout(None, connect=_CONNECT_SECONDS),
        headers={
            "User-Agent": f"trax-mcp/{__version__}",
            "Accept": "application/json",
            "Accept-Encoding": _UNCOMPRESSED,
        },
    ) as http:
        for ip in ips[:_MAX_IP_ADDRESSES]:
            try:
                return await _get(http, address, ip)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
            except (httpx.HTTPError, OSError):  # also raw TLS errors
                raise Unreadable("broke off its answer") from None
    raise Unreadable("cannot be reached over HTTPS")


async def resolve_host(host: str) -> Sequence[str]:
    """Ask the system for the IP addresses of a host name.

    Raises:
        OSError: there are none, or too many names are asked for at the same time.
    """
    if not _lookups.acquire(blocking=False):
        raise OSError
    return await to_thread.run_sync(
        _look_up, host, abandon_on_cancel=True, limiter=anyio.CapacityLimiter(1)
    )


_lookups = threading.BoundedSemaphore(_MAX_LOOKUPS)


def _look_up(host: str) -> Sequence[str]:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    finally:
        _lookups.release()
    return [str(address[0]) for *_, address in found]


async def _get(http: httpx.AsyncClient, address: DocumentAddress, ip: str) -> tuple[bytes, str]:
    host = address.host if address.port == 443 else f"{address.host}:{address.port}"  # noqa: PLR2004
    request = http.build_request(
        "GET",
        httpx.URL(scheme="https", host=ip, port=address.port),
        headers={"Host": host},
        # `target` as it stands in the id: httpx would write some characters otherwise.
        extensions={"sni_hostname": address.host, "target": address.path.encode()},
    )
    response = await http.send(request, stream=True)
    try:
        _check(response)
        body = bytearray()
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > MAX_BYTES:
                raise Unreadable("sends more than a description")
        return bytes(body), response.headers.get("cache-control", "")
    finally:
        await response.aclose()


def _check(response: httpx.Response) -> None:
    status = response.status_code
    if status in (httpx.codes.NOT_FOUND, httpx.codes.GONE):
        raise Withdrawn("has no description of it any more")
    if status != httpx.codes.OK:
        raise Unreadable(f"answers with HTTP {status}")
    content_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "application/json" and not (
        content_type.startswith("application/") and content_type.endswith("+json")
    ):
        raise Unreadable("does not send JSON")
    if response.headers.get("content-encoding", _UNCOMPRESSED) != _UNCOMPRESSED:
        raise Unreadable("compresses it")  # a small answer could become one of any size
