"""What a storage can do wrong, in one table: what is said, and what became of the file.

The upload address is a secret, and in no failure. Real connections are in `test_storage`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import httpx
import pytest

from tests.support.media_samples import MP4
from tests.support.product.sandbox_transport import SandboxTransport
from tests.support.upload_client import (
    NOT_UPLOADED,
    RESERVE,
    open_upload_session,
    upload_failure,
)
from tests.support.upload_storage import QUERY

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.product.sandbox import Sandbox
    from tests.support.upload_client import Json

ADDRESS: Final = f"https://bucket.storage.example/canary-object?{QUERY}"
RETRY: Final = "Call again to try anew."
CHECK_FIRST: Final = (
    "whether the file arrived is not known. Look with list_media before anything else."
)


@dataclass
class Storage:
    """A storage that takes some bytes of the file, and then answers or fails."""

    then: int | Exception
    takes: float = len(MP4)

    async def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer a request."""
        assert isinstance(request.stream, httpx.AsyncByteStream)
        taken = 0
        if self.takes:
            async for chunk in request.stream:
                taken += len(chunk)
                if taken >= self.takes:
                    break
        if isinstance(self.then, Exception):
            raise self.then
        elsewhere = {"Location": "https://elsewhere.example/canary"}
        return httpx.Response(self.then, headers=elsewhere, text=f"<Error>{QUERY}</Error>")


class StorageTransport(SandboxTransport):
    """The sandbox, and a storage beside it."""

    def __init__(self, trax: Sandbox, storage: Storage) -> None:
        super().__init__(trax)
        self.storage = storage
        self.received: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Pass a request on, or give it to the storage."""
        if request.method != "PUT":
            return await super().handle_async_request(request)
        self.received.append(request)
        return await self.storage.answer(request)


def refused(status: int, advice: str, *, retryable: bool = False) -> Json:
    """The failure after an answer with this status."""
    message = f"The storage answered the upload with HTTP {status}, {NOT_UPLOADED} {advice}"
    return upload_failure("upload_failed", message, httpStatus=status) | {"retryable": retryable}


def not_uploaded(code: str, happened: str) -> Json:
    """The failure of a file that did not arrive."""
    return upload_failure(code, f"{happened}, {NOT_UPLOADED} {RETRY}") | {"retryable": True}


def unconfirmed(code: str, happened: str) -> Json:
    """The failure of a file that may have arrived."""
    return upload_failure(code, f"{happened}; {CHECK_FIRST}", "unknown")


UNREACHABLE: Final = "The storage that TRaX named could not be reached"
BROKEN: Final = "The connection to the storage broke"
LATE: Final = "The storage did not take the file in time"
USELESS: Final = "The same call is likely to fail again."

STORAGES: Final[dict[str, tuple[Storage, Json]]] = {
    "a redirect": (Storage(307), refused(307, USELESS)),
    "another redirect": (Storage(303), refused(303, USELESS)),
    "forbidden": (Storage(403), refused(403, USELESS)),
    "too large": (Storage(413), refused(413, USELESS)),
    "too slow": (Storage(408), refused(408, RETRY, retryable=True)),
    "too often": (Storage(429), refused(429, RETRY, retryable=True)),
    "overloaded": (Storage(503), refused(503, RETRY, retryable=True)),
    "no connection": (
        Storage(httpx.ConnectError(f"no route to {ADDRESS}"), takes=0),
        not_uploaded("unreachable", UNREACHABLE),
    ),
    "a connection that takes too long": (
        Storage(httpx.ConnectTimeout(ADDRESS), takes=0),
        not_uploaded("unreachable", UNREACHABLE),
    ),
    "a break inside the file": (
        Storage(httpx.WriteError(ADDRESS), takes=1),
        unconfirmed("unreachable", BROKEN),
    ),
    "a stall inside the file": (
        Storage(httpx.WriteTimeout(ADDRESS), takes=1),
        unconfirmed("timeout", LATE),
    ),
    "a break after the file": (
        Storage(httpx.ReadError(ADDRESS)),
        unconfirmed("unreachable", BROKEN),
    ),
    "no answer": (
        Storage(httpx.ReadTimeout(ADDRESS)),
        unconfirmed("timeout", LATE),
    ),
    "no HTTP": (
        Storage(httpx.RemoteProtocolError(ADDRESS)),
        unconfirmed("unreachable", BROKEN),
    ),
    "an exception of another library": (
        Storage(ValueError(ADDRESS)),
        unconfirmed("unreachable", BROKEN),
    ),
}


@pytest.mark.parametrize("kind", STORAGES)
async def test_a_failure_of_the_storage_says_what_became_of_the_file(
    tmp_path: Path, sandbox: Sandbox, kind: str
) -> None:
    """It is sent once, and nothing of the storage is repeated."""
    storage, expected = STORAGES[kind]
    transport = StorageTransport(sandbox, storage)
    async with open_upload_session(tmp_path, trax=sandbox, transport=transport) as session:
        (session.folder / "long.mp4").write_bytes(MP4 + bytes(1 << 20))
        path = "long.mp4" if storage.takes == 1 else "intro.mp4"
        session.send_to(ADDRESS)
        failure = await session.failure(path)
        assert session.calls == [RESERVE]
    assert failure == expected
    assert [str(it.url) for it in transport.received] == [ADDRESS]
    assert not any(it in str(failure) for it in ("canary", "bucket", "Amz", "elsewhere"))


async def test_only_waits_are_limited_not_the_whole_upload(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    """30 s to connect and for each chunk, and longer for the answer to a whole file."""
    transport = StorageTransport(sandbox, Storage(403))
    async with open_upload_session(tmp_path, trax=sandbox, transport=transport) as session:
        await session.failure()
    (request,) = transport.received
    assert request.extensions["timeout"] == {"connect": 30, "write": 30, "read": 300, "pool": 30}
