"""`upload_media` failures: what is reported, and what became of the file.

Through a real client, on a sandbox with a manual clock.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support.product.faults import Fault
from tests.support.product.limits import lists_end_after
from tests.support.product.sandbox_accounts import READONLY_KEY
from tests.support.upload_client import (
    LIST,
    MAX_PROCESSING_SECONDS,
    PUT,
    RESERVE,
    open_upload_session,
    upload_failure,
)

if TYPE_CHECKING:
    from pathlib import Path


READINESS_UNKNOWN: Final = (
    "The file was uploaded, but whether it is ready could not be seen. Do not upload it again."
)


async def test_disabled_writes_fail_like_the_reservation_tool(tmp_path: Path) -> None:
    """The failure equals that of the reservation tool; no byte is sent."""
    async with open_upload_session(tmp_path) as session:
        session.trax.write_enabled = False
        failure = await session.failure()
        arguments = {"filename": "a", "contentType": "video/mp4", "byteSize": 1}
        reservation = await session.client.call_tool("create_media_upload", arguments)
        assert session.calls == [RESERVE, RESERVE]
    expected = (reservation.structured_content or {})["error"]
    expected.pop("requestId")
    assert (failure["code"], failure) == ("write_disabled", expected)


@pytest.mark.parametrize(
    ("key", "code", "calls"),
    [(None, "no_key", []), (READONLY_KEY, "insufficient_scope", [RESERVE])],
)
async def test_without_a_reservation_no_file_is_sent(
    *, tmp_path: Path, key: str | None, code: str, calls: list[str]
) -> None:
    """There is no upload URL."""
    async with open_upload_session(tmp_path, key=key) as session:
        assert (await session.failure())["code"] == code
        assert session.calls == calls


async def test_a_reservation_is_not_repeated_after_a_lost_response(tmp_path: Path) -> None:
    """Its outcome is unknown, and the failure says how to check."""
    async with open_upload_session(tmp_path) as session:
        session.trax.faults.add(Fault.dropped(when="after"))
        failure = await session.failure()
        assert (failure["code"], failure["outcome"]) == ("unreachable", "unknown")
        assert failure["message"].endswith("Look with list_media before anything else.")
        assert session.calls == [RESERVE]


async def test_a_reservation_without_an_upload_url_is_reported_as_made(tmp_path: Path) -> None:
    """The reservation took effect, and the status is the one that TRaX sent."""
    async with open_upload_session(tmp_path) as session:
        session.trax.faults.add(Fault.patched(lambda it: it.pop("uploadUrl")))
        failure = await session.failure()
        assert session.calls == [RESERVE]
    assert (failure["code"], failure["httpStatus"], failure["outcome"]) == (
        "bad_answer",
        201,
        "applied",
    )


async def test_a_failed_asset_is_reported(tmp_path: Path) -> None:
    """It arrived, and its state is FAILED: the same file would fail again."""
    async with open_upload_session(tmp_path) as session:
        session.trax.faults.add(
            Fault.followed_by(lambda: session.trax.change_last_asset(status="FAILED")), method="PUT"
        )
        failure = await session.failure()
        assert session.calls == [RESERVE, PUT, LIST]
    message = (
        "The file was uploaded, but TRaX could not process it: the media library lists it as"
        " FAILED. Tell the person; do not upload the same file again."
    )
    assert failure == upload_failure("upload_failed", message, "applied")


async def test_polling_ends_after_ten_minutes(tmp_path: Path) -> None:
    """The polls become less frequent."""
    async with open_upload_session(tmp_path) as session:
        session.trax.faults.add(
            Fault.followed_by(lambda: session.trax.change_last_asset(_readyAt=inf)), method="PUT"
        )
        started = session.clock.seconds()
        failure = await session.failure()
        assert session.clock.seconds() - started == MAX_PROCESSING_SECONDS
        assert 30 < session.calls.count(LIST) < 60
        (first, total, _), *_, (last, _, _) = session.progress.all
    progress = [it[0] for it in session.progress.all]
    assert progress == sorted(set(progress))
    assert (first, total, last < 2) == (0, 2, True)
    message = (
        "The file was uploaded, but TRaX has not finished processing it in 600 s."
        " Do not upload it again: list_media shows when it is READY."
    )
    assert failure == upload_failure("timeout", message, "applied")


UNKNOWN_STATES: Final = ("PROCESSING", "", None, 7, "ready")


async def test_unknown_states_are_polled_again(tmp_path: Path) -> None:
    """TRaX may add states; only READY means ready, and only FAILED means failed."""
    async with open_upload_session(tmp_path) as session:
        for state in UNKNOWN_STATES:
            set_state: Any = lambda it, state=state: [a.update(status=state) for a in it["data"]]  # noqa: E731  a patch
            session.trax.faults.add(Fault.patched(set_state), method="GET")
        result = await session.upload()
        assert result.structured_content == session.trax.last_asset
        assert session.calls.count(LIST) == len(UNKNOWN_STATES) + 1


TEMPORARY: Final[dict[str, Fault]] = {
    "server error": Fault.status(500),
    "no response": Fault.dropped(),
    "rate limit": Fault.error(429, "rate_limited", Retry_After="60"),
    "not listed yet": Fault.status(200, {"data": []}),
    "invalid items": Fault.status(200, {"data": [None, 7, "x", {"id": 7}, {}]}),
    "no list": Fault.status(200, {"data": None}),
}


@pytest.mark.parametrize("fault", TEMPORARY.values(), ids=TEMPORARY)
async def test_a_failed_poll_is_repeated(tmp_path: Path, fault: Fault) -> None:
    """The file has already arrived."""
    async with open_upload_session(tmp_path) as session:
        session.trax.faults.add(fault, method="GET")
        result = await session.upload()
        assert result.structured_content == session.trax.last_asset
        assert session.trax.faults.pending == 0


async def test_a_missing_read_scope_is_reported_after_the_upload(tmp_path: Path) -> None:
    """The key may write but not read, so nobody can see whether the asset is ready."""
    async with open_upload_session(tmp_path) as session:
        fault = Fault.error(403, "insufficient_scope")
        session.trax.faults.add(fault, method="GET", times=None)
        failure = await session.failure()
        assert session.calls == [RESERVE, PUT, LIST]
    assert (failure["code"], failure["outcome"], failure["retryable"]) == (
        "insufficient_scope",
        "applied",
        False,
    )
    assert failure["message"].startswith(READINESS_UNKNOWN)


async def test_ten_minutes_of_failed_polls_are_reported(tmp_path: Path) -> None:
    """The failure holds the last error, and says that the file has arrived."""
    async with open_upload_session(tmp_path) as session:
        session.trax.faults.add(Fault.status(500), method="GET", times=None)
        failure = await session.failure()
    assert (failure["httpStatus"], failure["outcome"], failure["retryable"]) == (
        500,
        "applied",
        False,
    )
    assert failure["message"].startswith(READINESS_UNKNOWN)


async def test_endless_pages_do_not_block_the_upload(tmp_path: Path) -> None:
    """Each poll ends, and so does the wait."""
    async with open_upload_session(tmp_path) as session:
        endless = Fault.status(200, {"data": [], "nextCursor": "again"})
        session.trax.faults.add(endless, method="GET", times=4)
        result = await session.upload()
        assert result.structured_content == session.trax.last_asset


async def test_a_library_that_cannot_be_read_to_its_end_leaves_the_status_unknown(
    tmp_path: Path,
) -> None:
    """The file may be ready: the failure does not say that TRaX has not finished."""
    async with open_upload_session(tmp_path) as session:
        with lists_end_after(1):
            failure = await session.failure()
    assert (failure["code"], failure["outcome"]) == ("bad_answer", "applied")
    assert failure["message"].startswith(READINESS_UNKNOWN)
