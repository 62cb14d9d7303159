"""Bytes to a presigned address: whole, without a key, and only where nobody else can read them."""

from __future__ import annotations

import traceback
import tracemalloc
from typing import TYPE_CHECKING, Final

import anyio
import httpx
import pytest

from tests.media import MP4
from tests.storage import QUERY, answering, put, storing, zeros
from tests.uploading import EMPTY
from tests.wire import closed_port
from trax_mcp import __version__
from trax_mcp.api.client import Client
from trax_mcp.api.errors import Failure, TraxError
from trax_mcp.uploads.files import opened
from trax_mcp.uploads.storage import ANSWER_SECONDS, IDLE_SECONDS, UploadStorage

if TYPE_CHECKING:
    from pathlib import Path

OK: Final = answering("200 OK", "Content-Length: 0")

LONG_SECONDS: Final = 120
"""For a file that takes its time: two gibibytes go through this machine twice."""


# What is sent


async def test_the_file_arrives_whole_and_as_it_was_reserved() -> None:
    """One PUT to the very address, with its type and exact length, and all of its bytes."""
    async with storing(OK) as storage:
        await put(storage.url)
    assert len(storage.heads) == 1
    assert storage.heads[0].startswith(f"PUT /bucket/canary-object?{QUERY} HTTP/1.1\r\n")
    assert storage.content == MP4
    assert (storage.headers["content-type"], storage.headers["content-length"]) == (
        "video/mp4",
        str(len(MP4)),
    )


async def test_nothing_goes_along_but_what_a_put_needs() -> None:
    """No key, no cookie, no name of a user: only that it is we who send."""
    async with storing(OK) as storage:
        for _ in range(2):
            await put(storage.url)
    plain = {"host", "accept", "accept-encoding", "connection", "content-type", "content-length"}
    assert storage.headers.keys() == {*plain, "user-agent"}
    assert storage.headers["user-agent"] == f"trax-mcp/{__version__}"


async def test_a_proxy_reads_no_address_that_is_not_encrypted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On loopback there is no way for one to stand in."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port()}")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    async with storing(OK) as storage:
        await put(storage.url)
    assert storage.content == MP4


@pytest.mark.parametrize("status", ["200 OK", "201 Created", "204 No Content"])
async def test_any_success_is_one(status: str) -> None:
    """Storages confirm in one way or another."""
    async with storing(answering(status, "Content-Length: 0")) as storage:
        await put(storage.url)


async def test_a_file_of_two_gibibytes_takes_no_more_memory_than_a_small_one(
    tmp_path: Path,
) -> None:
    """It is read, sent and forgotten, piece by piece."""
    path, size = tmp_path / "long.mp4", 2 << 30
    path.write_bytes(MP4)
    with path.open("r+b") as file:
        file.truncate(size)
    long = storing(OK, seconds=LONG_SECONDS)
    async with long as storage, opened("long.mp4", [tmp_path]) as video:
        await put(storage.url)
        tracemalloc.start()
        try:
            await UploadStorage(plain=True).put(
                storage.url, video.pieces(), size=video.size, content_type=video.media_type
            )
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert storage.taken == size
    assert peak < 4 << 20


async def test_an_upload_that_goes_on_may_go_on() -> None:
    """With each piece that is taken there is as much time again, however much has passed.

    After the last one the storage has longer to answer: what lies in buffers is still on its way.
    """
    deadlines: list[float] = []

    class Slow(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            async for _ in request.stream:  # type: ignore[union-attr]  # it is
                deadlines.append(anyio.current_effective_deadline())
                taken = anyio.current_time()
                while anyio.current_time() == taken:
                    await anyio.lowlevel.checkpoint()
            deadlines.append(anyio.current_effective_deadline())
            return httpx.Response(200)

    began = anyio.current_time()
    await UploadStorage(transport=Slow(), plain=True).put(
        "http://127.0.0.1/x", zeros(4 << 18), size=4 << 18, content_type="video/mp4"
    )
    assert len(deadlines) == 5
    assert deadlines[0] >= began + IDLE_SECONDS
    assert deadlines == sorted(set(deadlines))
    given = anyio.current_time()
    assert deadlines[2] <= given + IDLE_SECONDS < began + ANSWER_SECONDS <= deadlines[3]
    assert deadlines[4] <= given + ANSWER_SECONDS


# Where it may go


ANYWHERE: Final = (
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


class Counting(httpx.AsyncBaseTransport):
    """Takes everything, and keeps the addresses."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Take it."""
        async for _ in request.stream:  # type: ignore[union-attr]  # it is
            pass
        self.seen.append(str(request.url))
        return httpx.Response(200)


@pytest.mark.parametrize("url", ANYWHERE)
async def test_nothing_is_sent_where_others_may_listen(url: str) -> None:
    """https, or this very machine; no other scheme, no user, and nothing that is no address."""
    counting = Counting()
    for plain in (True, False):
        with pytest.raises(TraxError) as caught:
            await put(url, UploadStorage(transport=counting, plain=plain))
        message = f"TRaX gave an upload address that is not https, {EMPTY}"
        message += " Tell whoever runs this TRaX."
        told = Failure(code="bad_answer", message=message, retryable=False)
        assert caught.value.failure == told
        assert "canary" not in "".join(traceback.format_exception(caught.value))
    assert counting.seen == []


HTTPS: Final = f"https://bucket.storage.example/canary-object?{QUERY}"


@pytest.mark.parametrize(
    ("base_url", "url", "taken"),
    [
        ("https://trax.example", HTTPS, True),
        ("https://trax.example", "http://127.0.0.1:9/x", False),
        ("https://trax.example", "http://localhost/x", False),
        ("http://127.0.0.1:8766", HTTPS, True),
        ("HTTP://localhost", "http://127.0.0.1:9/x", True),
        ("http://127.0.0.1:8766", "http://storage.example/x", False),
    ],
)
async def test_this_machine_is_a_storage_only_for_a_trax_that_is_on_it(
    *, base_url: str, url: str, taken: bool
) -> None:
    """One that is elsewhere has no business with what listens here."""
    counting = Counting()
    client = Client(base_url=base_url, timeout_seconds=1, transport=counting)
    if taken:
        await put(url, UploadStorage.for_client(client))
    else:
        with pytest.raises(TraxError):
            await put(url, UploadStorage.for_client(client))
    assert counting.seen == ([url] if taken else [])
