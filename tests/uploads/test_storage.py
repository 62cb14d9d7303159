"""Uploads to a presigned URL: complete, without the key, and only over an encrypted connection."""

from __future__ import annotations

import traceback
import tracemalloc
from typing import TYPE_CHECKING, Final

import httpx
import pytest

from tests.support.media_samples import MP4
from tests.support.raw_upstream import closed_port
from tests.support.upload_client import NOT_UPLOADED
from tests.support.upload_storage import QUERY, local_client, open_storage, put, respond_with
from trax_mcp import __version__
from trax_mcp.api.client import Client
from trax_mcp.api.errors import Failure, TraxError
from trax_mcp.uploads.files import open_media_file

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

OK: Final = respond_with("200 OK", "Content-Length: 0")

LONG_SECONDS: Final = 120
"""For the large file: two gibibytes are sent and received on this machine."""


# What is sent


async def test_the_file_arrives_complete_with_its_type_and_length() -> None:
    """One PUT to exactly this URL, with its type, its exact length and all bytes."""
    async with open_storage(OK) as storage:
        await put(storage.url)
    assert len(storage.heads) == 1
    assert storage.heads[0].startswith(f"PUT /bucket/canary-object?{QUERY} HTTP/1.1\r\n")
    assert storage.content == MP4
    assert (storage.headers["content-type"], storage.headers["content-length"]) == (
        "video/mp4",
        str(len(MP4)),
    )


async def test_an_upload_has_only_the_headers_that_a_put_needs() -> None:
    """No key and no cookie; only the user agent identifies the server."""
    async with open_storage(OK) as storage:
        for _ in range(2):
            await put(storage.url)
    required = {
        "host",
        "accept",
        "accept-encoding",
        "connection",
        "content-type",
        "content-length",
    }
    assert storage.headers.keys() == {*required, "user-agent"}
    assert storage.headers["user-agent"] == f"trax-mcp/{__version__}"


async def test_an_upload_to_loopback_bypasses_proxies(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A proxy would see an unencrypted URL."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port()}")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    async with open_storage(OK) as storage:
        await put(storage.url)
    assert storage.content == MP4


@pytest.mark.parametrize("status", ["200 OK", "201 Created", "204 No Content"])
async def test_any_2xx_status_of_a_storage_is_a_success(status: str) -> None:
    """Storages use different ones."""
    async with open_storage(respond_with(status, "Content-Length: 0")) as storage:
        await put(storage.url)


async def test_memory_use_does_not_grow_with_the_file_size(
    tmp_path: Path,
) -> None:
    """It is read and sent in chunks."""
    path, size = tmp_path / "long.mp4", 2 << 30
    path.write_bytes(MP4)
    with path.open("r+b") as file:
        file.truncate(size)
    long_storage = open_storage(OK, seconds=LONG_SECONDS)
    async with long_storage as storage, open_media_file("long.mp4", [tmp_path]) as video:
        await put(storage.url)
        tracemalloc.start()
        try:
            await put(storage.url, video.chunks(), size=video.size)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert storage.received == size
    assert peak < 4 << 20


async def test_only_waits_are_limited_not_the_whole_upload() -> None:
    """30 s to connect and for each chunk, and longer for the answer to a whole file."""
    transport = AcceptingTransport()
    await put("http://127.0.0.1/x", client=local_client(transport))
    (request,) = transport.requests
    assert request.extensions["timeout"] == {"connect": 30, "write": 30, "read": 300, "pool": 30}


# Allowed URLs


INSECURE_URLS: Final = (
    "",
    "x",
    "//storage.example/x",
    "https:///x",
    "https://",
    "http://storage.example/x?canary",
    "http://127.0.0.1.evil.example/x",
    "http://localhost.evil.example/x",
    "http://localhost@evil.example/x",
    "http://0.0.0.0/x",
    "http://[::1/x",
    "ftp://127.0.0.1/x",
    "file:///etc/passwd",
    "https://me:canary@storage.example/x",
    "https://storage.example:port/x",
    "https://storage\x00.example/x",
    "https://" + "x" * 70_000,
)


class AcceptingTransport(httpx.AsyncBaseTransport):
    """Accepts every request and records it."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Read the request and respond with success."""
        async for _ in request.stream:  # type: ignore[union-attr]  # always async here
            pass
        self.requests.append(request)
        return httpx.Response(200)


@pytest.mark.parametrize("url", INSECURE_URLS)
async def test_nothing_is_sent_to_an_insecure_or_invalid_url(url: str) -> None:
    """Only https, or loopback: no other scheme, no user info, no invalid URL."""
    transport = AcceptingTransport()
    for base_url in ("http://127.0.0.1", "https://trax.example"):
        client = Client(base_url=base_url, timeout_seconds=1, transport=transport)
        with pytest.raises(TraxError) as caught:
            await put(url, client=client)
        message = f"TRaX gave an upload address that is not https, {NOT_UPLOADED}"
        message += " Tell whoever runs this TRaX."
        failure = Failure(code="bad_answer", message=message, retryable=False)
        assert caught.value.failure == failure
        assert "canary" not in "".join(traceback.format_exception(caught.value))
    assert transport.requests == []


HTTPS: Final = f"https://bucket.storage.example/canary-object?{QUERY}"


@pytest.mark.parametrize(
    ("base_url", "url", "accepted"),
    [
        ("https://trax.example", HTTPS, True),
        ("https://trax.example", "http://127.0.0.1:9/x", False),
        ("https://trax.example", "http://localhost/x", False),
        ("http://127.0.0.1:8766", HTTPS, True),
        ("HTTP://localhost", "http://127.0.0.1:9/x", True),
        ("http://127.0.0.1:8766", "http://storage.example/x", False),
    ],
)
async def test_loopback_storage_is_allowed_only_for_a_loopback_trax(
    *, base_url: str, url: str, accepted: bool
) -> None:
    """A remote TRaX must not address servers on this machine."""
    transport = AcceptingTransport()
    client = Client(base_url=base_url, timeout_seconds=1, transport=transport)
    if accepted:
        await put(url, client=client)
    else:
        with pytest.raises(TraxError):
            await put(url, client=client)
    assert [str(it.url) for it in transport.requests] == ([url] if accepted else [])
