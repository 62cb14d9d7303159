"""A storage that refuses, disconnects, stalls or redirects: what is reported, and what is not.

The upload URL is in no failure, and in no exception text that a log could contain.
"""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any, Final

import anyio
import httpx
import pytest

from tests.support.media_samples import MP4
from tests.support.raw_upstream import closed_port
from tests.support.server_process import PATIENCE_SECONDS
from tests.support.upload_client import NOT_UPLOADED
from tests.support.upload_storage import (
    QUERY,
    disconnect_unread,
    open_storage,
    put,
    receive_and_disconnect,
    receive_and_stall,
    receive_until_disconnect,
    refuse_unread,
    reset_while_reading,
    respond_endlessly,
    respond_with,
    stop_reading,
    zero_chunks,
)
from trax_mcp.api.errors import Failure, NotSent, TraxError
from trax_mcp.uploads.storage import TIMEOUT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.upload_storage import StorageBehaviour

pytestmark = pytest.mark.slow

SHORT_SECONDS: Final = 0.4
"""The timeout, in seconds, where nothing moves."""

SHORT_WRITE: Final = httpx.Timeout(PATIENCE_SECONDS, write=SHORT_SECONDS)
SHORT_READ: Final = httpx.Timeout(PATIENCE_SECONDS, read=SHORT_SECONDS)

RETRY: Final = "Call again to try anew."
CHECK_FIRST: Final = (
    "whether the file arrived is not known. Look with list_media before anything else."
)

OK: Final = respond_with("200 OK", "Content-Length: 0")
LARGE: Final = 1 << 25
"""More than the buffers of two sockets hold."""


async def failure_of(
    url: str,
    *,
    size: int = len(MP4),
    timeouts: httpx.Timeout = TIMEOUT,
) -> Failure:
    """The failure of an upload; checks that neither it nor its traceback contains the URL."""
    chunks = None if size == len(MP4) else zero_chunks(size)
    with pytest.raises(TraxError) as caught:
        await put(url, chunks, size=size, timeouts=timeouts)
    error = caught.value
    text = "".join(traceback.format_exception(error)) + repr(error.failure)
    assert [it for it in ("canary", "bucket", "Amz", "127.0.0.1", url) if it and it in text] == []
    assert error.failure.request_id is None
    return error.failure


def failure(code: str, message: str, **rest: Any) -> Failure:  # noqa: ANN401  the fields of one
    """The expected failure."""
    return Failure(code=code, message=message, **{"retryable": False, **rest})


@pytest.mark.parametrize("status", [307, 303])
async def test_a_redirect_is_not_followed(status: int) -> None:
    """Not even to the same machine: the file has exactly one URL."""
    async with (
        open_storage(OK) as elsewhere,
        open_storage(respond_with(f"{status} Away", f"Location: {elsewhere.url}")) as storage,
    ):
        assert await failure_of(storage.url) == failure(
            "upload_failed",
            f"The storage answered the upload with HTTP {status}, {NOT_UPLOADED}"
            " The same call is likely to fail again.",
            http_status=status,
        )
        assert elsewhere.heads == []


@pytest.mark.parametrize(
    ("status", "is_temporary"),
    [
        *((it, False) for it in (403, 413)),
        *((it, True) for it in (408, 429, 503)),
    ],
)
async def test_a_storage_error_is_reported_by_its_status_only(
    *, status: int, is_temporary: bool
) -> None:
    """The body of a storage error is not reported."""
    body = f"<Error>{QUERY}</Error>"
    behaviour = respond_with(f"{status} canary", f"Content-Length: {len(body)}", "", body)
    async with open_storage(behaviour) as storage:
        advice = RETRY if is_temporary else "The same call is likely to fail again."
        assert await failure_of(storage.url) == failure(
            "upload_failed",
            f"The storage answered the upload with HTTP {status}, {NOT_UPLOADED} {advice}",
            retryable=is_temporary,
            http_status=status,
        )


async def test_an_unreachable_storage_is_reported() -> None:
    """Nothing listens on the port, over http or https."""
    unreachable = failure(
        "unreachable",
        f"The storage that TRaX named could not be reached, {NOT_UPLOADED} {RETRY}",
        retryable=True,
    )
    assert await failure_of(f"http://127.0.0.1:{closed_port()}/canary?{QUERY}") == unreachable
    assert await failure_of(f"https://127.0.0.1:{closed_port()}/canary?{QUERY}") == unreachable


async def test_an_invalid_proxy_setting_is_reported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The proxy URL is invalid."""
    monkeypatch.setenv("HTTPS_PROXY", "nonsense://canary")
    failed = await failure_of("https://storage.example/canary")
    assert failed.code == "unreachable"


BROKEN: Final = "The connection to the storage broke"
INCOMPLETE: Final[dict[str, tuple[StorageBehaviour, str, str]]] = {
    "disconnect": (disconnect_unread, "unreachable", BROKEN),
    "reset": (reset_while_reading, "unreachable", BROKEN),
    "stall": (
        stop_reading,
        "timeout",
        f"The storage took nothing more of the file for {SHORT_SECONDS} s",
    ),
}


@pytest.mark.parametrize(("behaviour", "code", "message"), INCOMPLETE.values(), ids=INCOMPLETE)
async def test_an_incomplete_upload_has_not_been_applied(
    behaviour: StorageBehaviour, code: str, message: str
) -> None:
    """The length was announced, so a part is never taken for the whole."""
    async with open_storage(behaviour) as storage:
        assert await failure_of(storage.url, size=LARGE, timeouts=SHORT_WRITE) == failure(
            code, f"{message}, {NOT_UPLOADED} {RETRY}", retryable=True
        )


async def test_a_storage_that_responds_without_reading_is_reported() -> None:
    """It responds while the client still sends; the response may be lost with the connection."""
    async with open_storage(refuse_unread) as storage:
        failed = await failure_of(storage.url, size=LARGE, timeouts=SHORT_WRITE)
    assert (failed.code, failed.outcome) == ("timeout", "not_applied")


UNCONFIRMED: Final[dict[str, tuple[StorageBehaviour, str, str]]] = {
    "disconnect": (receive_and_disconnect, "unreachable", BROKEN),
    "no response": (
        receive_and_stall,
        "timeout",
        f"The storage did not confirm the upload for {SHORT_SECONDS} s",
    ),
    "endless response": (respond_endlessly, "unreachable", BROKEN),
}


@pytest.mark.parametrize(("behaviour", "code", "message"), UNCONFIRMED.values(), ids=UNCONFIRMED)
async def test_an_unconfirmed_upload_has_an_unknown_outcome(
    behaviour: StorageBehaviour, code: str, message: str
) -> None:
    """A second upload could create a second asset."""
    async with open_storage(behaviour) as storage:
        assert await failure_of(storage.url, timeouts=SHORT_READ) == failure(
            code, f"{message}; {CHECK_FIRST}", outcome="unknown"
        )


async def test_a_file_read_error_ends_the_upload() -> None:
    """The read error is reported, and the storage never receives a complete body."""
    read_error = NotSent(failure("invalid_file", "It is gone."))

    async def failing_chunks() -> AsyncIterator[bytes]:
        yield MP4
        raise read_error

    async with open_storage(OK) as storage:
        with pytest.raises(NotSent) as caught:
            await put(storage.url, failing_chunks(), size=2 * len(MP4))
        await storage.disconnected.wait()
    assert caught.value is read_error
    assert storage.received <= len(MP4)


async def test_a_cancelled_upload_closes_its_connection() -> None:
    """The caller has cancelled, or the server shuts down."""
    async with open_storage(receive_until_disconnect) as storage:
        with anyio.move_on_after(SHORT_SECONDS) as scope:
            await put(storage.url)
        assert scope.cancelled_caught
        await storage.disconnected.wait()
    assert storage.content == MP4
