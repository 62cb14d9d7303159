"""`upload_media` failures: what is reported, and what became of the file.

Through a real client, on a sandbox with a manual clock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support.media_samples import MP4, OTHER_CONTENT
from tests.support.product.faults import Fault
from tests.support.product.sandbox_accounts import READONLY_KEY
from tests.support.upload_client import (
    LIST,
    MAX_PROCESSING_SECONDS,
    NOT_UPLOADED,
    PUT,
    RESERVE,
    open_upload_session,
    upload_failure,
)
from trax_mcp.api.caller import ANONYMOUS, Caller

if TYPE_CHECKING:
    from pathlib import Path


READINESS_UNKNOWN: Final = (
    "The file was uploaded, but whether it is ready could not be seen. Do not upload it again."
)


async def test_forbidden_or_invalid_files_are_refused_without_a_request(tmp_path: Path) -> None:
    """The failure says what is wrong, and which folders are allowed."""
    async with open_upload_session(tmp_path) as session:
        (session.folder / "link.png").symlink_to(tmp_path / "outside" / "secret.png")
        (session.folder / "text.mp4").write_bytes(OTHER_CONTENT["a private key"])
        outside = (
            "The file is in no folder that may be read, so nothing was sent."
            f" TRAX_MEDIA_DIRS allows {session.folder}."
        )
        secret = "outside/secret.png"
        for path in (f"../{secret}", f"{tmp_path}/{secret}", "link.png", "/etc/passwd"):
            assert await session.failure(path) == upload_failure("invalid_file", outside)
        for path, reason in {
            "no-such.mp4": "is not there, so nothing was sent. Check its path.",
            "text.mp4": "is not video, image or audio by its content, so nothing was sent."
            " Name one whose content is a video, a picture or sound.",
            ".": "is no regular file, so nothing was sent."
            " Name one that is, no folder, pipe or device.",
        }.items():
            assert await session.failure(path) == upload_failure(
                "invalid_file", f"The file {reason}"
            )
        assert session.calls == []


async def test_a_file_with_a_blank_name_is_refused(tmp_path: Path) -> None:
    """TRaX accepts no blank name; nothing is reserved."""
    async with open_upload_session(tmp_path) as session:
        (session.folder / "sub" / "  ").write_bytes(MP4)
        failure = await session.failure("sub/  ")
        assert session.calls == []
    message = "The file has a name that TRaX would not take, so nothing was sent."
    remedy = "Give it a name with something to read in it."
    assert failure == upload_failure("invalid_file", f"{message} {remedy}")


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
    ("caller", "code", "calls"),
    [(ANONYMOUS, "no_key", []), (Caller(READONLY_KEY), "insufficient_scope", [RESERVE])],
)
async def test_without_a_reservation_no_file_is_sent(
    *, tmp_path: Path, caller: Caller, code: str, calls: list[str]
) -> None:
    """There is no upload URL."""
    async with open_upload_session(tmp_path, caller=caller) as session:
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


async def test_an_unencrypted_upload_url_is_not_used(tmp_path: Path) -> None:
    """The file is not sent, and the URL is not shown."""
    async with open_upload_session(tmp_path) as session:
        session.trax.base_url = "http://storage.example"
        failure = await session.failure()
        assert session.calls == [RESERVE]
    message = f"TRaX gave an upload address that is not https, {NOT_UPLOADED}"
    assert failure == upload_failure("bad_answer", f"{message} Tell whoever runs this TRaX.")


async def test_a_storage_error_is_reported_with_its_status(tmp_path: Path) -> None:
    """The reservation remains, and the asset is not polled."""
    async with open_upload_session(tmp_path) as session:
        body = {"error": {"code": "canary", "message": "/uploads/canary"}}
        session.trax.faults.add(Fault.status(403, body), method="PUT")
        failure = await session.failure()
        assert (session.calls, session.last_asset_json["status"]) == ([RESERVE, PUT], "UPLOADING")
    message = f"The storage answered the upload with HTTP 403, {NOT_UPLOADED}"
    message += " The same call is likely to fail again."
    assert failure == upload_failure("upload_failed", message, httpStatus=403)


async def test_after_a_storage_disconnect_the_outcome_is_unknown(tmp_path: Path) -> None:
    """All bytes had been sent."""
    async with open_upload_session(tmp_path) as session:
        session.trax.faults.add(Fault.dropped(when="after"), method="PUT")
        failure = await session.failure()
        assert session.calls == [RESERVE, PUT]
    message = "The connection to the storage broke; whether the file arrived is not known."
    message += " Look with list_media before anything else."
    assert failure == upload_failure("unreachable", message, "unknown")


async def test_a_file_that_changes_during_the_upload_is_not_uploaded(tmp_path: Path) -> None:
    """For example a recording in progress: it no longer matches the reservation."""
    async with open_upload_session(tmp_path) as session:
        path = session.folder / "intro.mp4"
        session.trax.faults.add(Fault.followed_by(lambda: path.write_bytes(MP4 * 2)), method="POST")
        failure = await session.failure()
        assert (session.last_asset_json["status"], LIST in session.calls) == ("UPLOADING", False)
    message = f"The file changed while it was sent, {NOT_UPLOADED} Wait until it is complete."
    assert failure == upload_failure("invalid_file", message)


async def test_a_failed_asset_is_reported(tmp_path: Path) -> None:
    """It arrived, and its state is FAILED: the same file would fail again."""
    async with open_upload_session(tmp_path) as session:
        session.trax.faults.add(
            Fault.followed_by(lambda: session.change_last_asset(status="FAILED")), method="PUT"
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
            Fault.followed_by(lambda: session.change_last_asset(ready_at=None)), method="PUT"
        )
        started = session.clock.seconds()
        failure = await session.failure()
        assert session.clock.seconds() - started == MAX_PROCESSING_SECONDS
        assert 30 < session.calls.count(LIST) < 60
        (first, total, _), *_, (last, _, _) = session.progress.all
    progress = [it[0] for it in session.progress.all]
    assert progress == sorted(set(progress))
    assert (first, last < len(MP4) + MAX_PROCESSING_SECONDS == total) == (0, True)
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
        assert result.structured_content == session.last_asset_json
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
        assert result.structured_content == session.last_asset_json
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
        assert result.structured_content == session.last_asset_json


async def test_a_library_that_cannot_be_read_to_its_end_leaves_the_status_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file may be ready: the failure does not say that TRaX has not finished."""
    monkeypatch.setattr("trax_mcp.studio.pages.MAX_ITEMS", 1)
    async with open_upload_session(tmp_path) as session:
        failure = await session.failure()
    assert (failure["code"], failure["outcome"]) == ("bad_answer", "applied")
    assert failure["message"].startswith(READINESS_UNKNOWN)
