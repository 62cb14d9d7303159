"""A storage that refuses, breaks off, stalls or sends elsewhere: what is told, and what is not.

The address that the bytes went to is in no error, and in no word that a log would hold of one.
"""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any, Final

import anyio
import pytest

from tests.media import MP4
from tests.processes import PATIENCE_SECONDS
from tests.storage import (
    QUERY,
    answering,
    dripping,
    hanging_up,
    listening_on,
    pieces_of,
    put,
    refusing,
    resetting,
    silent,
    stalling,
    storing,
    taking_and_hanging_up,
    zeros,
)
from tests.uploading import EMPTY
from tests.wire import closed_port
from trax_mcp.api.errors import Failure, NotSent, TraxError
from trax_mcp.uploads.storage import UploadStorage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.storage import Treatment

HURRY: Final = 0.4
"""Seconds in which something must move, where nothing does."""

AGAIN: Final = "Call again to try anew."
LOOK: Final = "whether the file arrived is not known. Look with list_media before anything else."

OK: Final = answering("200 OK", "Content-Length: 0")
LARGE: Final = 1 << 25
"""More than fits between two sockets."""


async def failing(
    url: str,
    *,
    size: int = len(MP4),
    idle_seconds: float = PATIENCE_SECONDS,
    answer_seconds: float = PATIENCE_SECONDS,
) -> Failure:
    """How it fails; what the error says and what a log would say of it, without the address."""
    uploads = UploadStorage(plain=True, idle_seconds=idle_seconds, answer_seconds=answer_seconds)
    pieces = pieces_of(MP4) if size == len(MP4) else zeros(size)
    with pytest.raises(TraxError) as caught:
        await uploads.put(url, pieces, size=size, content_type="video/mp4")
    error = caught.value
    told = "".join(traceback.format_exception(error)) + repr(error.failure)
    assert [it for it in ("canary", "bucket", "Amz", "127.0.0.1", url) if it and it in told] == []
    assert error.failure.request_id is None
    return error.failure


def failure(code: str, message: str, **rest: Any) -> Failure:  # noqa: ANN401  the fields of one
    """An account of it."""
    return Failure(code=code, message=message, **{"retryable": False, **rest})


@pytest.mark.parametrize("status", [307, 308, 301, 302, 303])
async def test_a_redirect_is_not_followed(status: int) -> None:
    """Not even on the same machine: the file was to go to one address."""
    async with (
        storing(OK) as elsewhere,
        storing(answering(f"{status} Away", f"Location: {elsewhere.url}")) as storage,
    ):
        assert await failing(storage.url) == failure(
            "upload_failed",
            f"The storage answered the upload with HTTP {status}, {EMPTY}"
            " The same call is likely to fail again.",
            http_status=status,
        )
        assert elsewhere.heads == []


@pytest.mark.parametrize(
    ("status", "may_pass"),
    [
        *((it, False) for it in (400, 403, 404, 411, 413)),
        *((it, True) for it in (408, 429, 500, 503)),
    ],
)
async def test_a_refusal_says_its_status_and_nothing_else(*, status: int, may_pass: bool) -> None:
    """What a storage writes into its errors is none of anybody's business."""
    body = f"<Error>{QUERY}</Error>"
    treatment = answering(f"{status} canary", f"Content-Length: {len(body)}", "", body)
    async with storing(treatment) as storage:
        again = AGAIN if may_pass else "The same call is likely to fail again."
        assert await failing(storage.url) == failure(
            "upload_failed",
            f"The storage answered the upload with HTTP {status}, {EMPTY} {again}",
            retryable=may_pass,
            http_status=status,
        )


async def test_a_storage_that_cannot_be_reached_is_told_so() -> None:
    """Nobody listens, or nobody who speaks TLS."""
    unreachable = failure(
        "unreachable",
        f"The storage that TRaX named could not be reached, {EMPTY} {AGAIN}",
        retryable=True,
    )
    assert await failing(f"http://127.0.0.1:{closed_port()}/canary?{QUERY}") == unreachable
    assert await failing(f"https://127.0.0.1:{closed_port()}/canary?{QUERY}") == unreachable


async def test_an_environment_that_lets_no_client_be_made_is_told_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A proxy that is none."""
    monkeypatch.setenv("HTTPS_PROXY", "nonsense://canary")
    told = await failing("https://storage.example/canary")
    assert told.code == "unreachable"


BROKEN: Final = "The connection to the storage broke"
INCOMPLETE: Final[dict[str, tuple[Treatment, str, str]]] = {
    "it hangs up": (hanging_up, "unreachable", BROKEN),
    "it cuts the line": (resetting, "unreachable", BROKEN),
    "it takes no more": (
        stalling,
        "timeout",
        f"The storage took nothing more of the file for {HURRY} s",
    ),
}


@pytest.mark.parametrize(("treatment", "code", "told"), INCOMPLETE.values(), ids=INCOMPLETE)
async def test_a_file_that_did_not_leave_whole_has_not_arrived(
    treatment: Treatment, code: str, told: str
) -> None:
    """Its length was said before, so nobody can take a part of it for the whole."""
    async with storing(treatment) as storage:
        assert await failing(storage.url, size=LARGE, idle_seconds=HURRY) == failure(
            code, f"{told}, {EMPTY} {AGAIN}", retryable=True
        )


async def test_a_storage_that_refuses_without_reading_is_told_of() -> None:
    """It answers while we still send; what it says may be lost with the line, or not."""
    async with storing(refusing) as storage:
        told = await failing(storage.url, size=LARGE, idle_seconds=HURRY)
    assert (told.code, told.outcome) == ("timeout", "not_applied")


UNCONFIRMED: Final[dict[str, tuple[Treatment, str, str]]] = {
    "it hangs up": (taking_and_hanging_up, "unreachable", BROKEN),
    "it is silent": (silent, "timeout", f"The storage did not confirm the upload for {HURRY} s"),
    "it never ends": (dripping, "timeout", f"The storage did not confirm the upload for {HURRY} s"),
}


@pytest.mark.parametrize(("treatment", "code", "told"), UNCONFIRMED.values(), ids=UNCONFIRMED)
async def test_a_file_that_left_whole_may_have_arrived(
    treatment: Treatment, code: str, told: str
) -> None:
    """Nobody has confirmed it, so nobody knows: sending it again may make two of it."""
    async with storing(treatment) as storage:
        assert await failing(storage.url, answer_seconds=HURRY) == failure(
            code, f"{told}; {LOOK}", outcome="unknown"
        )


async def test_a_file_that_cannot_be_read_further_ends_the_upload() -> None:
    """What the file says is what is told, and the storage never sees an end."""
    gone = NotSent(failure("invalid_file", "It is gone."))

    async def breaking() -> AsyncIterator[bytes]:
        yield MP4
        raise gone

    async with storing(OK) as storage:
        with pytest.raises(NotSent) as caught:
            await UploadStorage(plain=True).put(
                storage.url, breaking(), size=2 * len(MP4), content_type="video/mp4"
            )
        await storage.left.wait()
    assert caught.value is gone
    assert storage.taken <= len(MP4)


async def test_an_upload_that_is_given_up_leaves_the_line() -> None:
    """Whoever called has cancelled, or the server stops."""
    async with storing(listening_on) as storage:
        with anyio.move_on_after(HURRY) as scope:
            await put(storage.url)
        assert scope.cancelled_caught
        await storage.left.wait()
    assert storage.content == MP4
