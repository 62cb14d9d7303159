"""An upload to the address that TRaX names: complete, without the key, and only where it is safe.

On real sockets. What a storage can do wrong is in `test_storage_failures`.
"""

from __future__ import annotations

import tracemalloc
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import anyio
import httpx
import pytest

from tests.support.media_samples import MP4
from tests.support.product.local_servers import upstream
from tests.support.product.sandbox_transport import SandboxTransport
from tests.support.product.server import VERSION
from tests.support.upload_client import (
    NOT_UPLOADED,
    RESERVE,
    open_upload_session,
    upload_failure,
)
from tests.support.upload_storage import (
    QUERY,
    open_storage,
    receive_and_disconnect,
    receive_until_disconnect,
    reset_while_reading,
    respond_with,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.support.product.sandbox import Sandbox
    from tests.support.upload_client import Json, UploadSession
    from tests.support.upload_storage import Storage, StorageBehaviour

LARGE: Final = 1 << 26
"""Bytes: much more than the memory that an upload may use, and than the buffers of sockets."""


@asynccontextmanager
async def uploading(
    root: Path, behave: StorageBehaviour
) -> AsyncIterator[tuple[UploadSession, Storage]]:
    """A client, and the storage that TRaX names for its next upload, on sockets."""
    async with (
        upstream() as trax,
        open_storage(behave) as storage,
        open_upload_session(root, trax=trax, TRAX_BASE_URL=trax.base_url) as session,
    ):
        session.send_to(storage.url, ready=True)
        yield session, storage


@pytest.mark.parametrize("status", ["200 OK", "201 Created", "204 No Content"])
async def test_the_file_arrives_complete_and_without_the_key(tmp_path: Path, status: str) -> None:
    """One PUT to exactly this URL, with its type, its length and no other header than needed."""
    answer = respond_with(status, "Content-Length: 0")
    async with uploading(tmp_path, answer) as (session, storage):
        result = await session.upload()
    assert not result.is_error
    assert len(storage.heads) == 1
    assert storage.heads[0].startswith(f"PUT /bucket/canary-object?{QUERY} HTTP/1.1\r\n")
    assert storage.content == MP4
    headers = storage.headers
    for needed in ("host", "accept", "accept-encoding", "connection"):
        del headers[needed]
    assert headers == {
        "content-type": "video/mp4",
        "content-length": str(len(MP4)),
        "user-agent": f"trax-mcp/{VERSION}",
    }


def make_large_file(folder: Path) -> None:
    """Add a large video, mostly zeros."""
    path = folder / "long.mp4"
    path.write_bytes(MP4)
    with path.open("r+b") as file:
        file.truncate(LARGE)


async def test_memory_use_does_not_grow_with_the_file_size(tmp_path: Path) -> None:
    """It is read and sent in chunks."""
    async with uploading(tmp_path, respond_with("200 OK", "Content-Length: 0")) as (it, storage):
        make_large_file(it.folder)
        await it.upload()
        it.send_to(storage.url, ready=True)
        tracemalloc.start()
        try:
            result = await it.upload("long.mp4")
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert not result.is_error
    assert storage.received == LARGE
    assert peak < 4 << 20


BROKEN: Final[dict[str, StorageBehaviour]] = {
    "inside": reset_while_reading,
    "after the file": receive_and_disconnect,
}


@pytest.mark.parametrize("behave", BROKEN.values(), ids=BROKEN)
async def test_after_a_connection_that_breaks_the_library_shows_whether_the_file_arrived(
    tmp_path: Path, behave: StorageBehaviour
) -> None:
    """The length was announced, so a part is never taken for the whole."""
    async with uploading(tmp_path, behave) as (session, _):
        make_large_file(session.folder)
        failure = await session.failure("long.mp4")
    assert (failure["code"], failure["outcome"]) == ("unreachable", "unknown")
    assert failure["message"].startswith("The connection to the storage broke")


async def test_a_cancelled_upload_closes_its_connection(tmp_path: Path) -> None:
    """The caller has cancelled."""
    async with uploading(tmp_path, receive_until_disconnect) as (session, storage):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(session.upload)
            await storage.complete.wait()
            tasks.cancel_scope.cancel()
        await storage.disconnected.wait()
    assert storage.content == MP4


# Allowed addresses


class AcceptingTransport(SandboxTransport):
    """Accepts every upload that is not for the sandbox, and records its address."""

    def __init__(self, trax: Sandbox) -> None:
        super().__init__(trax)
        self.uploaded_to: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Pass a request on, or read it and respond with success."""
        if request.method != "PUT":
            return await super().handle_async_request(request)
        await request.aread()
        self.uploaded_to.append(str(request.url))
        return httpx.Response(200)


INSECURE: Final = upload_failure(
    "bad_answer",
    f"TRaX gave an upload address that is not https, {NOT_UPLOADED} Tell whoever runs this TRaX.",
)
HTTPS: Final = f"https://bucket.storage.example/canary-object?{QUERY}"
LOOPBACK: Final = "http://127.0.0.1:9/x"

UNSAFE_URLS: Final = (
    *("", "x", "//storage.example/x", "https:///x", "http://storage.example/x?canary"),
    *("http://127.0.0.1.evil.example/x", "http://localhost@evil.example/x", "http://0.0.0.0/x"),
    *("http://[::1/x", "ftp://127.0.0.1/x", "file:///etc/passwd"),
    *("https://me:canary@storage.example/x", "https://storage.example:port/x"),
    *("https://storage\x00.example/x", "https://" + "x" * 70_000),
)


@pytest.mark.parametrize("base_url", ["http://127.0.0.1:8766", "https://trax.example"])
async def test_nothing_is_sent_to_an_unsafe_address(
    tmp_path: Path, sandbox: Sandbox, base_url: str
) -> None:
    """Only https, or loopback: no other scheme, no user info, no invalid URL."""
    transport = AcceptingTransport(sandbox)
    async with open_upload_session(
        tmp_path, trax=sandbox, transport=transport, TRAX_BASE_URL=base_url
    ) as session:
        for url in UNSAFE_URLS:
            session.send_to(url)
            failure: Json = await session.failure()
            assert failure == INSECURE, url
            assert "canary" not in str(failure)
        assert set(session.calls) == {RESERVE}
    assert transport.uploaded_to == []


@pytest.mark.parametrize(
    ("base_url", "url", "accepted"),
    [
        ("https://trax.example", HTTPS, True),
        ("https://trax.example", LOOPBACK, False),
        ("http://127.0.0.1:8766", HTTPS, True),
        ("HTTP://localhost", LOOPBACK, True),
    ],
)
async def test_loopback_storage_is_allowed_only_for_a_loopback_trax(
    *, tmp_path: Path, sandbox: Sandbox, base_url: str, url: str, accepted: bool
) -> None:
    """A remote TRaX must not address servers on this machine."""
    transport = AcceptingTransport(sandbox)
    async with open_upload_session(
        tmp_path, trax=sandbox, transport=transport, TRAX_BASE_URL=base_url
    ) as session:
        session.send_to(url, ready=True)
        assert (await session.upload()).is_error is not accepted
    assert transport.uploaded_to == ([url] if accepted else [])
