"""An upload to the address that TRaX names: complete, without the key, and only where it is safe.

What a storage can do wrong is one table: what is said, and what became of the file. The upload
address is a secret, and in no failure.
"""

from __future__ import annotations

import tracemalloc
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import anyio
import httpx
import pytest

from tests.support.media_samples import MP4
from tests.support.product.local_servers import upstream
from tests.support.product.sandbox_transport import SandboxTransport
from tests.support.product.server import VERSION
from tests.support.upload_storage import (
    QUERY,
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


# What a storage can do wrong


@dataclass
class Answer:
    """A storage that takes some bytes of the file, and then answers or fails."""

    then: int | Exception
    takes: float = len(MP4)


class StorageTransport(SandboxTransport):
    """The sandbox, and a storage beside it."""

    def __init__(self, trax: Sandbox, answer: Answer) -> None:
        super().__init__(trax)
        self.answer = answer
        self.received: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Pass a request on, or read from the file, and answer."""
        if request.method != "PUT":
            return await super().handle_async_request(request)
        self.received.append(request)
        assert isinstance(request.stream, httpx.AsyncByteStream)
        taken = 0
        if self.answer.takes:
            async for chunk in request.stream:
                taken += len(chunk)
                if taken >= self.answer.takes:
                    break
        if isinstance(self.answer.then, Exception):
            raise self.answer.then
        elsewhere = {"Location": "https://elsewhere.example/canary"}
        return httpx.Response(self.answer.then, headers=elsewhere, text=f"<Error>{QUERY}</Error>")


ADDRESS: Final = f"https://bucket.storage.example/canary-object?{QUERY}"
RETRY: Final = "Call again to try anew."
CHECK_FIRST: Final = (
    "whether the file arrived is not known. Look with list_media before anything else."
)
UNREACHABLE: Final = "The storage that TRaX named could not be reached"
BROKEN: Final = "The connection to the storage broke"
LATE: Final = "The storage did not take the file in time"
USELESS: Final = "The same call is likely to fail again."


def refused(status: int, advice: str) -> Json:
    """The failure after an answer with this status."""
    message = f"The storage answered the upload with HTTP {status}, {NOT_UPLOADED} {advice}"
    expected = upload_failure("upload_failed", message, httpStatus=status)
    return expected | {"retryable": advice == RETRY}


def unconfirmed(code: str, happened: str) -> Json:
    """The failure of a file that may have arrived."""
    return upload_failure(code, f"{happened}; {CHECK_FIRST}", "unknown")


NOT_REACHED: Final = upload_failure("unreachable", f"{UNREACHABLE}, {NOT_UPLOADED} {RETRY}") | {
    "retryable": True
}
STORAGES: Final[list[tuple[Answer, Json]]] = [
    *((Answer(it), refused(it, USELESS)) for it in (303, 307, 403, 413)),
    *((Answer(it), refused(it, RETRY)) for it in (408, 429, 503)),
    (Answer(httpx.ConnectError(f"no route to {ADDRESS}"), takes=0), NOT_REACHED),
    (Answer(httpx.ConnectTimeout(ADDRESS), takes=0), NOT_REACHED),
    (Answer(httpx.WriteError(ADDRESS), takes=1), unconfirmed("unreachable", BROKEN)),
    (Answer(httpx.WriteTimeout(ADDRESS), takes=1), unconfirmed("timeout", LATE)),
    (Answer(httpx.ReadError(ADDRESS)), unconfirmed("unreachable", BROKEN)),
    (Answer(httpx.ReadTimeout(ADDRESS)), unconfirmed("timeout", LATE)),
    (Answer(httpx.RemoteProtocolError(ADDRESS)), unconfirmed("unreachable", BROKEN)),
    # An exception of another library.
    (Answer(ValueError(ADDRESS)), unconfirmed("unreachable", BROKEN)),
]


@pytest.mark.parametrize(
    ("answer", "expected"), STORAGES, ids=[repr(it.then).partition("(")[0] for it, _ in STORAGES]
)
async def test_a_failure_of_the_storage_says_what_became_of_the_file(
    tmp_path: Path, sandbox: Sandbox, answer: Answer, expected: Json
) -> None:
    """It is sent once, and nothing of the storage is repeated.

    Only waits are limited: 30 s to connect and for each chunk, and longer for the answer.
    """
    transport = StorageTransport(sandbox, answer)
    async with open_uploads(tmp_path, trax=sandbox, transport=lambda _: transport) as it:
        (tmp_path / "allowed" / "long.mp4").write_bytes(MP4 + bytes(1 << 20))
        send_to(it, ADDRESS)
        error = await failure(it, "long.mp4" if answer.takes == 1 else "intro.mp4")
        assert calls(it) == [RESERVE]
    assert error == expected
    (sent,) = transport.received
    assert str(sent.url) == ADDRESS
    assert sent.extensions["timeout"] == {"connect": 30, "write": 30, "read": 300, "pool": 30}
    assert not any(secret in str(error) for secret in ("canary", "bucket", "Amz", "elsewhere"))


# Allowed addresses

INSECURE: Final = upload_failure(
    "bad_answer",
    f"TRaX gave an upload address that is not https, {NOT_UPLOADED} Tell whoever runs this TRaX.",
)
LOOPBACK: Final = "http://127.0.0.1:9/x"

UNSAFE_URLS: Final = (
    *("", "x", "//storage.example/x", "https:///x", "http://storage.example/x?canary"),
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
        for url in (*UNSAFE_URLS, *(() if loopback else (LOOPBACK,))):
            send_to(it, url)
            error = await failure(it)
            assert error == INSECURE, url
        assert set(calls(it)) == {RESERVE}
        assert transport.received == []
        for url in (ADDRESS, *((LOOPBACK,) if loopback else ())):
            send_to(it, url, ready=True)
            assert not (await upload(it)).is_error, url
