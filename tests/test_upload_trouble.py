"""`upload_media` where it cannot be done, or goes wrong: what is told, and what became of the file.

Through a real client in both eras, on a sandbox where time passes only when the test says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.media import MP4, NO_MEDIA
from tests.uploading import EMPTY, LONGEST, LOOK, PUT, RESERVE, TOOL, acting, failed, uploading
from trax_mcp.api.caller import ANONYMOUS, Caller
from trax_mcp.sandbox import READONLY_KEY, Fault

if TYPE_CHECKING:
    from pathlib import Path

    from tests.uploading import Json

UNSEEN: Final = (
    "The file was uploaded, but whether it is ready could not be seen. Do not upload it again."
)


async def test_what_may_not_be_read_is_refused_and_trax_is_not_asked(
    era: str, tmp_path: Path
) -> None:
    """With what is wrong, and where files may be."""
    async with uploading(era, tmp_path) as desk:
        (desk.folder / "link.png").symlink_to(tmp_path / "outside" / "secret.png")
        (desk.folder / "text.mp4").write_bytes(NO_MEDIA["a private key"])
        outside = (
            "The file is in no folder that may be read, so nothing was sent."
            f" TRAX_MEDIA_DIRS allows {desk.folder}."
        )
        secret = "outside/secret.png"
        for path in (f"../{secret}", f"{tmp_path}/{secret}", "link.png", "/etc/passwd"):
            assert await desk.failure(path) == failed("invalid_file", outside)
        for path, why in {
            "no-such.mp4": "is not there, so nothing was sent. Check its path.",
            "text.mp4": "is not video, image or audio by its content, so nothing was sent."
            " Name one whose content is a video, a picture or sound.",
            ".": "is no regular file, so nothing was sent."
            " Name one that is, no folder, pipe or device.",
        }.items():
            assert await desk.failure(path) == failed("invalid_file", f"The file {why}")
        assert desk.calls == []


async def test_a_file_that_is_called_nothing_is_refused_by_that(era: str, tmp_path: Path) -> None:
    """TRaX takes no name of blanks; nothing is reserved, and the file can be called something."""
    async with uploading(era, tmp_path) as desk:
        (desk.folder / "sub" / "  ").write_bytes(MP4)
        told = await desk.failure("sub/  ")
        assert desk.calls == []
    message = "The file has a name that TRaX would not take, so nothing was sent."
    remedy = "Give it a name with something to read in it."
    assert told == failed("invalid_file", f"{message} {remedy}")


WRONG: Final[tuple[tuple[Json, str], ...]] = (
    ({}, "`path` is required"),
    ({"path": ""}, "`path` must be a non-empty string"),
    ({"path": 7}, "`path` must be a non-empty string"),
    ({"path": "a.mp4", "folder": " "}, "`folder` must be a non-empty string"),
    (
        {"path": "a.mp4", "confirm": True},
        f'"confirm" is not an argument of {TOOL}, which takes `path`, `folder`',
    ),
)


@pytest.mark.parametrize(("arguments", "problem"), WRONG)
async def test_wrong_arguments_are_refused_by_name(
    era: str, tmp_path: Path, arguments: Json, problem: str
) -> None:
    """Before any file is looked at."""
    async with uploading(era, tmp_path) as desk:
        result = await desk.client.call_tool(TOOL, arguments)
        message = f"{problem}. Nothing was sent: correct the arguments and call again."
        assert result.structured_content == {"error": failed("invalid_arguments", message)}


async def test_writes_that_are_off_are_told_as_trax_tells_it(era: str, tmp_path: Path) -> None:
    """The same account as of the call that it stands on; no byte leaves."""
    async with uploading(era, tmp_path) as desk:
        desk.trax.write_enabled = False
        refused = await desk.failure()
        given = {"filename": "a", "contentType": "video/mp4", "byteSize": 1}
        same = await desk.client.call_tool("create_media_upload", given)
        assert desk.calls == [RESERVE, RESERVE]
    expected = (same.structured_content or {})["error"]
    expected.pop("requestId")
    assert (refused["code"], refused) == ("write_disabled", expected)


@pytest.mark.parametrize(
    ("caller", "code", "calls"),
    [(ANONYMOUS, "no_key", []), (Caller(READONLY_KEY), "insufficient_scope", [RESERVE])],
)
async def test_a_key_that_may_not_reserve_sends_nothing(
    *, era: str, tmp_path: Path, caller: Caller, code: str, calls: list[str]
) -> None:
    """What is not reserved has nowhere to go."""
    async with uploading(era, tmp_path, caller=caller) as desk:
        assert (await desk.failure())["code"] == code
        assert desk.calls == calls


async def test_a_reservation_whose_answer_was_lost_is_not_made_again(
    era: str, tmp_path: Path
) -> None:
    """It may be there; what came of it is for a look to tell."""
    async with uploading(era, tmp_path) as desk:
        desk.trax.faults.add(Fault.dropped(when="after"))
        told = await desk.failure()
        assert (told["code"], told["outcome"]) == ("unreachable", "unknown")
        assert told["message"].endswith("Look with list_media before anything else.")
        assert desk.calls == [RESERVE]


async def test_a_reservation_without_an_address_is_told_so(era: str, tmp_path: Path) -> None:
    """It has been made all the same."""
    async with uploading(era, tmp_path) as desk:
        desk.trax.faults.add(Fault.patched(lambda it: it.pop("uploadUrl")))
        told = await desk.failure()
        assert (told["code"], told["outcome"], desk.calls) == ("bad_answer", "applied", [RESERVE])


async def test_an_address_that_others_may_listen_to_is_not_used(era: str, tmp_path: Path) -> None:
    """The file stays here; the address is told to nobody."""
    async with uploading(era, tmp_path) as desk:
        desk.trax.base_url = "http://storage.example"
        told = await desk.failure()
        assert desk.calls == [RESERVE]
    message = f"TRaX gave an upload address that is not https, {EMPTY}"
    assert told == failed("bad_answer", f"{message} Tell whoever runs this TRaX.")


async def test_a_storage_that_refuses_is_told_with_its_status(era: str, tmp_path: Path) -> None:
    """What was reserved is still there, and nobody asks whether it is ready."""
    async with uploading(era, tmp_path) as desk:
        body = {"error": {"code": "canary", "message": "/uploads/canary"}}
        desk.trax.faults.add(Fault.status(403, body), method="PUT")
        told = await desk.failure()
        assert (desk.calls, desk.shown["status"]) == ([RESERVE, PUT], "UPLOADING")
    message = f"The storage answered the upload with HTTP 403, {EMPTY}"
    message += " The same call is likely to fail again."
    assert told == failed("upload_failed", message, httpStatus=403)


async def test_a_storage_that_hangs_up_may_have_taken_it(era: str, tmp_path: Path) -> None:
    """All bytes had left."""
    async with uploading(era, tmp_path) as desk:
        desk.trax.faults.add(Fault.dropped(when="after"), method="PUT")
        told = await desk.failure()
        assert desk.calls == [RESERVE, PUT]
    message = "The connection to the storage broke; whether the file arrived is not known."
    message += " Look with list_media before anything else."
    assert told == failed("unreachable", message, "unknown")


async def test_a_file_that_changes_meanwhile_is_not_uploaded(era: str, tmp_path: Path) -> None:
    """A recording that is still being written: what was reserved is not what it is now."""
    async with uploading(era, tmp_path) as desk:
        path = desk.folder / "intro.mp4"
        desk.trax.faults.add(acting(lambda: path.write_bytes(MP4 * 2)), method="POST")
        told = await desk.failure()
        assert (desk.shown["status"], LOOK in desk.calls) == ("UPLOADING", False)
    message = f"The file changed while it was sent, {EMPTY} Wait until it is complete."
    assert told == failed("invalid_file", message)


async def test_a_file_that_trax_cannot_process_is_told_so(era: str, tmp_path: Path) -> None:
    """It arrived, and is FAILED: another try with the same file would only make another."""
    async with uploading(era, tmp_path) as desk:
        desk.trax.faults.add(acting(lambda: desk.change(status="FAILED")), method="PUT")
        told = await desk.failure()
        assert desk.calls == [RESERVE, PUT, LOOK]
    message = (
        "The file was uploaded, but TRaX could not process it: the media library lists it as"
        " FAILED. Tell the person; do not upload the same file again."
    )
    assert told == failed("upload_failed", message, "applied")


async def test_a_file_that_is_never_ready_is_given_up(era: str, tmp_path: Path) -> None:
    """After ten minutes, in which TRaX is asked less and less often."""
    async with uploading(era, tmp_path) as desk:
        desk.trax.faults.add(acting(lambda: desk.change(ready_at=None)), method="PUT")
        began = desk.clock.seconds()
        told = await desk.failure()
        assert desk.clock.seconds() - began == LONGEST
        assert 30 < desk.calls.count(LOOK) < 60
        (first, total, _), *_, (last, _, _) = desk.progress.all
    gone = [it[0] for it in desk.progress.all]
    assert gone == sorted(set(gone))
    assert (first, last < len(MP4) + LONGEST == total) == (0, True)
    message = (
        "The file was uploaded, but TRaX has not finished processing it in 600 s."
        " Do not upload it again: list_media shows when it is READY."
    )
    assert told == failed("timeout", message, "applied")


UNKNOWN_STATES: Final = ("PROCESSING", "", None, 7, "ready")


async def test_a_state_that_nobody_knows_is_waited_through(era: str, tmp_path: Path) -> None:
    """TRaX may add states; only READY is ready, and only FAILED has failed."""
    async with uploading(era, tmp_path) as desk:
        for state in UNKNOWN_STATES:
            odd: Any = lambda it, state=state: [a.update(status=state) for a in it["data"]]  # noqa: E731  an act
            desk.trax.faults.add(Fault.patched(odd), method="GET")
        result = await desk.upload()
        assert result.structured_content == desk.shown
        assert desk.calls.count(LOOK) == len(UNKNOWN_STATES) + 1


PASSING: Final[dict[str, Fault]] = {
    "a mistake": Fault.status(500),
    "no answer": Fault.dropped(),
    "too often": Fault.error(429, "rate_limited", Retry_After="60"),
    "not listed yet": Fault.status(200, {"data": []}),
    "a list of anything": Fault.status(200, {"data": [None, 7, "x", {"id": 7}, {}]}),
    "no list": Fault.status(200, {"data": None}),
}


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
async def test_a_look_that_goes_wrong_is_taken_again(
    era: str, tmp_path: Path, fault: Fault
) -> None:
    """The file is there already; nothing is lost by looking once more."""
    async with uploading(era, tmp_path) as desk:
        desk.trax.faults.add(fault, method="GET")
        result = await desk.upload()
        assert result.structured_content == desk.shown
        assert desk.trax.faults.pending == 0


async def test_a_library_that_may_not_be_read_is_told_so(era: str, tmp_path: Path) -> None:
    """The key may write and not read: the file is there, and whether it is ready nobody can see."""
    async with uploading(era, tmp_path) as desk:
        fault = Fault.error(403, "insufficient_scope")
        desk.trax.faults.add(fault, method="GET", times=None)
        told = await desk.failure()
        assert desk.calls == [RESERVE, PUT, LOOK]
    assert (told["code"], told["outcome"], told["retryable"]) == (
        "insufficient_scope",
        "applied",
        False,
    )
    assert told["message"].startswith(UNSEEN)


async def test_a_library_that_cannot_be_read_for_ten_minutes_is_told_so(
    era: str, tmp_path: Path
) -> None:
    """The last trouble is what is told, and that the file is there."""
    async with uploading(era, tmp_path) as desk:
        desk.trax.faults.add(Fault.status(500), method="GET", times=None)
        told = await desk.failure()
    assert (told["httpStatus"], told["outcome"], told["retryable"]) == (500, "applied", False)
    assert told["message"].startswith(UNSEEN)


async def test_pages_without_an_end_are_not_read_for_ever(era: str, tmp_path: Path) -> None:
    """Each look ends, and the wait with them."""
    async with uploading(era, tmp_path) as desk:
        pagination_loop = Fault.status(200, {"data": [], "nextCursor": "again"})
        desk.trax.faults.add(pagination_loop, method="GET", times=100)
        result = await desk.upload()
        assert result.structured_content == desk.shown
