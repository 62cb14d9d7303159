"""An upload to the address that TRaX names: complete, without the key, and only where it is safe.

The upload address is a secret, and in no failure.
"""

from __future__ import annotations

import tracemalloc
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import anyio
import pytest

from tests.support.media_samples import MP4
from tests.support.product.local_servers import upstream
from tests.support.product.server import VERSION
from tests.support.upload_storage import (
    ADDRESS,
    QUERY,
    Answer,
    StorageTransport,
    open_storage,
    receive_and_disconnect,
    receive_until_disconnect,
    reset_while_reading,
    respond_with,
)
from tests.support.uploads import (
    NOT_UPLOADED,
    RESERVE,
    Json,
    calls,
    failure,
    open_uploads,
    send_to,
    upload,
    upload_failure,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.support.product.sandbox import Sandbox
    from tests.support.upload_storage import Storage, StorageBehaviour
    from tests.world.world import World

LARGE: Final = 1 << 26
"""Bytes: much more than the memory that an upload may use, and than the buffers of sockets."""


# On real sockets


@asynccontextmanager
async def uploading(root: Path, behave: StorageBehaviour) -> AsyncIterator[tuple[World, Storage]]:
    """A world, and the storage that TRaX names for the next upload, with a large file."""
    async with (
        upstream() as trax,
        open_storage(behave) as storage,
        open_uploads(root, trax=trax, TRAX_BASE_URL=trax.base_url) as it,
    ):
        path = root / "allowed" / "long.mp4"
        path.write_bytes(MP4)
        with path.open("r+b") as file:
            file.truncate(LARGE)
        send_to(it, storage.url, ready=True)
        yield it, storage


@pytest.mark.parametrize("status", ["200 OK", "204 No Content"])
async def test_the_file_arrives_complete_and_without_the_key(tmp_path: Path, status: str) -> None:
    """One PUT to exactly this URL, with its type, its length and no other header than needed."""
    answer = respond_with(status, "Content-Length: 0")
    async with uploading(tmp_path, answer) as (it, storage):
        result = await upload(it)
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


async def test_memory_use_does_not_grow_with_the_file_size(tmp_path: Path) -> None:
    """It is read and sent in chunks."""
    async with uploading(tmp_path, respond_with("200 OK", "Content-Length: 0")) as (it, storage):
        await upload(it)
        send_to(it, storage.url, ready=True)
        tracemalloc.start()
        try:
            result = await upload(it, "long.mp4")
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert not result.is_error
    assert storage.received == LARGE
    assert peak < 4 << 20


@pytest.mark.parametrize("behave", [reset_while_reading, receive_and_disconnect])
async def test_after_a_connection_that_breaks_the_library_shows_whether_the_file_arrived(
    tmp_path: Path, behave: StorageBehaviour
) -> None:
    """The length was announced, so a part is never taken for the whole."""
    async with uploading(tmp_path, behave) as (it, _):
        error = await failure(it, "long.mp4")
    assert (error["code"], error["outcome"]) == ("unreachable", "unknown")
    assert error["message"].startswith(BROKEN)


async def test_a_cancelled_upload_closes_its_connection(tmp_path: Path) -> None:
    async with uploading(tmp_path, receive_until_disconnect) as (it, storage):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(upload, it)
            await storage.complete.wait()
            tasks.cancel_scope.cancel()
        await storage.disconnected.wait()
    assert storage.content == MP4


BROKEN: Final = "The connection to the storage broke"
TELL: Final = "Tell the people who run this TRaX."

# Allowed addresses


def useless_address(what: str) -> Json:
    """The failure of an upload whose address is not used."""
    message = f"TRaX gave an upload address that isn't {what}, {NOT_UPLOADED} {TELL}"
    return upload_failure("bad_answer", message)


LOOPBACK: Final = "http://127.0.0.1:9/x"

RELATIVE_URLS: Final = ("", "x", "/uploads/x", "//storage.example/x")
UNSAFE_URLS: Final = (
    *("https:///x", "http://storage.example/x?canary"),
    *("http://127.0.0.1.evil.example/x", "http://localhost@evil.example/x", "http://0.0.0.0/x"),
    *("http://[::1/x", "ftp://127.0.0.1/x", "file:///etc/passwd"),
    *("https://me:canary@storage.example/x", "https://storage.example:port/x"),
    *("https://storage\x00.example/x", "https://" + "x" * 70_000),
)


@pytest.mark.parametrize(
    ("base_url", "loopback"), [("https://trax.example", False), ("HTTP://localhost", True)]
)
async def test_nothing_is_sent_to_an_unsafe_address(
    *, tmp_path: Path, sandbox: Sandbox, base_url: str, loopback: bool
) -> None:
    """Only https, or loopback for a TRaX on loopback: a remote one must not address this machine.

    No other scheme, no user info, no invalid URL.
    """
    transport = StorageTransport(sandbox, Answer(200))
    async with open_uploads(
        tmp_path, trax=sandbox, transport=lambda _: transport, TRAX_BASE_URL=base_url
    ) as it:
        for url in (*RELATIVE_URLS, *UNSAFE_URLS, *(() if loopback else (LOOPBACK,))):
            send_to(it, url)
            error = await failure(it)
            is_whole = url not in RELATIVE_URLS
            assert error == useless_address("https" if is_whole else "a whole URL"), url
        assert set(calls(it)) == {RESERVE}
        assert transport.received == []
        for url in (ADDRESS, *((LOOPBACK,) if loopback else ())):
            send_to(it, url, ready=True)
            assert not (await upload(it)).is_error, url
