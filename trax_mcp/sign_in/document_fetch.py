"""Reads one document over HTTPS from an address of the public internet.

The address that was checked is the one that is connected to: a name that resolves otherwise a
moment later changes nothing. It is written on h11: if the limit of time cancels a TLS handshake,
httpcore 1.0.9 leaves the connection open for ever, and anybody can run such a host.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from ssl import SSLContext
from typing import Final

import anyio
import h11
from anyio.abc import ByteStream

from trax_mcp import __version__
from trax_mcp.sign_in.client_metadata import HTTPS_PORT, MAX_BYTES, DocumentAddress

_CONNECT_SECONDS: Final = 2.0
"""For one IP address, with TLS; then the next one is tried."""
_MAX_IP_ADDRESSES: Final = 4
_MAX_HEAD_BYTES: Final = 16 * 1024
_READ_BYTES: Final = 4096
_MAX_LOOKUPS: Final = 16
"""Threads that ask for names. One that a name server leaves waiting goes on after its request has
ended, so other work has other threads."""
_UNCOMPRESSED: Final = "identity"
_BROKEN: Final = (OSError, anyio.BrokenResourceError, anyio.EndOfStream)
_HTTP_OK: Final = 200
_WITHDRAWN: Final = (404, 410)

Resolve = Callable[[str], Awaitable[Sequence[str]]]
"""The IP addresses of a host name. Raises OSError."""


class FetchFailed(Exception):
    """A document cannot be read now. The text says why, as it follows "Its host"."""


class Withdrawn(FetchFailed):
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
        FetchFailed: the host has no public address, cannot be reached, or answers otherwise.
    """
    try:
        ips = await resolve(address.host)
    except (OSError, UnicodeError):
        raise FetchFailed("has no address on the internet") from None
    if not ips or not all(is_public(ip) for ip in ips):  # one that is not makes all suspicious
        raise Withdrawn("has no address on the public internet")
    for ip in ips[:_MAX_IP_ADDRESSES]:
        try:
            with anyio.fail_after(_CONNECT_SECONDS):
                stream = await anyio.connect_tcp(
                    ip,
                    address.port,
                    ssl_context=tls,
                    tls_hostname=address.host,
                    tls_standard_compatible=False,  # it does not wait for the host to say goodbye
                )
        except _BROKEN:
            continue
        async with stream:
            try:
                return await _get(stream, address)
            except (*_BROKEN, h11.RemoteProtocolError):
                raise FetchFailed("broke off its answer") from None
    raise FetchFailed("cannot be reached over HTTPS")


async def resolve_host(host: str) -> Sequence[str]:
    """Ask the system for the IP addresses of a host name.

    Raises:
        OSError: there are none.
    """
    return await asyncio.wrap_future(_lookups.submit(_look_up, host))


_lookups = ThreadPoolExecutor(_MAX_LOOKUPS, thread_name_prefix="sign-in-names")


def _look_up(host: str) -> Sequence[str]:
    # The dot keeps it this name, and not one that a search list makes of it.
    found = socket.getaddrinfo(f"{host}.", None, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


async def _get(stream: ByteStream, address: DocumentAddress) -> tuple[bytes, str]:
    http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MAX_HEAD_BYTES)
    host = address.host if address.port == HTTPS_PORT else f"{address.host}:{address.port}"
    request = h11.Request(
        method="GET",
        target=address.path,
        headers=[
            ("Host", host),
            ("User-Agent", f"trax-mcp/{__version__}"),
            ("Accept", "application/json"),
            ("Accept-Encoding", _UNCOMPRESSED),
            ("Connection", "close"),
        ],
    )
    await stream.send((http.send(request) or b"") + (http.send(h11.EndOfMessage()) or b""))
    cache_control, body = "", bytearray()
    while True:
        match await _next_event(http, stream):
            case h11.Response(status_code=status, headers=headers):
                fields = {name.decode("latin-1"): it.decode("latin-1") for name, it in headers}
                _check(status, fields)
                cache_control = fields.get("cache-control", "")
            case h11.Data(data=data):
                body += data
                if len(body) > MAX_BYTES:
                    raise FetchFailed("sends more than a description")
            case h11.EndOfMessage():
                return bytes(body), cache_control
            case h11.InformationalResponse():
                continue
            case _:
                raise FetchFailed("broke off its answer")


async def _next_event(http: h11.Connection, stream: ByteStream) -> object:
    while (event := http.next_event()) is h11.NEED_DATA:
        try:
            data = await stream.receive(_READ_BYTES)
        except anyio.EndOfStream:
            data = b""
        http.receive_data(data)
    return event


def _check(status: int, headers: Mapping[str, str]) -> None:
    if status in _WITHDRAWN:
        raise Withdrawn("has no description of it any more")
    if status != _HTTP_OK:  # a redirect too: the draft forbids to follow it
        raise FetchFailed(f"answers with HTTP {status}")
    content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "application/json" and not (
        content_type.startswith("application/") and content_type.endswith("+json")
    ):
        raise FetchFailed("does not send JSON")
    if headers.get("content-encoding", _UNCOMPRESSED) != _UNCOMPRESSED:
        raise FetchFailed("compresses it")  # a small answer could become one of any size
