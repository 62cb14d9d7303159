"""`upload_media`: from a local file to a ready asset, what fails on the way, and where it is."""

from __future__ import annotations

import json
from math import inf
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support.media_samples import MP4
from tests.support.product.faults import Fault
from tests.support.product.limits import lists_end_after
from tests.support.product.sandbox_accounts import READONLY_KEY
from tests.support.uploads import (
    LIST,
    PUT,
    RESERVE,
    RESERVED,
    TOOL,
    calls,
    failure,
    open_uploads,
    progress_of,
    upload,
    upload_failure,
)
from tests.world.answers import plain_data_of, text_of
from tests.world.world import MINE

if TYPE_CHECKING:
    from pathlib import Path

LONGEST_WAIT_SECONDS: Final = 45
"""How long the call takes, at most, before its last look at an asset that is not ready."""

READINESS_UNKNOWN: Final = "The file was uploaded, but it's unclear whether it's ready ("
NOT_AGAIN: Final = "Don't upload it again. list_media shows when it's READY."


async def test_a_file_becomes_a_ready_asset(era: str, tmp_path: Path) -> None:
    """It is reserved, sent, polled until READY, and returned as TRaX returns it."""
    added = {"codec": ["av1"]}

    def add_fields(page: dict[str, Any]) -> None:
        for asset in page["data"]:
            asset.update(added)

    async with open_uploads(tmp_path, era=era) as it:
        await it[MINE].client.list_tools()  # the client compares the result with the schema
        it.trax.faults.add(Fault.patched(add_fields), times=None, method="GET")
        result = await upload(it, folder="Openers")
        assert calls(it) == [RESERVE, PUT, LIST, LIST, LIST]
        assert it.trax.requests[0].body_json == {**RESERVED, "folder": "Openers"}
        asset = it.trax.last_asset
    assert (asset["status"], asset["kind"], asset["folder"]) == ("READY", "video", "Openers")
    assert (result.is_error, plain_data_of(result)) == (False, {**asset, **added})
    done, _, text = text_of(result).partition("\n")
    assert done == 'Uploaded the file "intro.mp4" to the media library. It is READY.'
    assert json.loads(text) == {**asset, **added}


async def test_the_client_receives_progress(tmp_path: Path) -> None:
    """The percentage that was sent, then the seconds of the wait for TRaX.

    None comes right before the answer.
    """
    async with open_uploads(tmp_path) as it:
        await upload(it)
        told = progress_of(it)[:]
        (tmp_path / "allowed" / "long.mp4").write_bytes(MP4 + bytes(1 << 22))
        await upload(it, "long.mp4")
        sending = [each for each in progress_of(it)[len(told) :] if " of " in str(each[2])]
    processing = "Sent 2.1 kB. TRaX is processing it."
    assert told == [
        (0, 145, "Sent 0 bytes of 2.1 kB."),
        (100, 145, processing),
        (101, 145, processing),
    ]
    assert len(sending) == 1  # not with each chunk


async def test_an_asset_is_found_on_any_page(tmp_path: Path) -> None:
    """TRaX can only list assets; no page after the one with the asset is read."""
    async with open_uploads(tmp_path) as it:
        for start, count in ((0, 250), (9, 450)):  # before and after the new one
            for number in range(count):
                it.trax.add_asset("x.mp4", record_id=f"asset_{start}{number:03}")
        result = await upload(it)
        queries = [dict(sent.query) for sent in it.trax.requests if sent.method == "GET"]
    assert plain_data_of(result) == it.trax.last_asset
    assert [query["limit"] for query in queries] == ["200"] * 6
    assert ["cursor" in query for query in queries] == [False, True] * 3


# The reservation

RESERVATIONS: Final[dict[str, tuple[str, Fault, tuple[str, int | None, str]]]] = {
    "writes are off": (
        MINE,
        Fault.error(503, "write_disabled"),
        ("write_disabled", 503, "not_applied"),
    ),
    "no key": ("", Fault.dropped(), ("no_key", None, "not_applied")),
    "no scope": (READONLY_KEY, Fault.delay(0), ("insufficient_scope", 403, "not_applied")),
    "a lost answer": (MINE, Fault.dropped(when="after"), ("unreachable", None, "unknown")),
    "no upload address": (
        MINE,
        Fault.patched(lambda it: it.pop("uploadUrl")),
        ("bad_answer", 201, "applied"),
    ),
}
"""The key, what goes wrong, and the code, the status and the outcome that are told."""


@pytest.mark.parametrize(("key", "fault", "expected"), RESERVATIONS.values(), ids=RESERVATIONS)
async def test_without_a_reservation_no_file_is_sent_and_it_is_made_once(
    tmp_path: Path, key: str, fault: Fault, expected: tuple[str, int | None, str]
) -> None:
    async with open_uploads(tmp_path, key=key) as it:
        it.trax.faults.add(fault, method="POST")
        error = await failure(it)
        assert calls(it) == ([RESERVE] if key else [])
    assert (error["code"], error.get("httpStatus"), error["outcome"]) == expected


# Until it is ready


async def test_a_failed_asset_is_reported(tmp_path: Path) -> None:
    """It arrived, and its state is FAILED: the same file would fail again."""
    async with open_uploads(tmp_path) as it:
        fails = Fault.followed_by(lambda: it.trax.change_last_asset(status="FAILED"))
        it.trax.faults.add(fails, method="PUT")
        error = await failure(it)
        assert calls(it) == [RESERVE, PUT, LIST]
    message = (
        "The file was uploaded, but TRaX couldn't process it. The media library lists it as"
        " FAILED. Tell the user. Don't upload the same file again."
    )
    assert error == upload_failure("upload_failed", message, "applied")


async def test_a_file_that_is_still_in_processing_is_no_failure(tmp_path: Path) -> None:
    """The call ends while a client still waits for it. The polls become less frequent."""
    async with open_uploads(tmp_path) as it:
        slow = Fault.followed_by(lambda: it.trax.change_last_asset(_readyAt=inf))
        it.trax.faults.add(slow, method="PUT")
        started = it.hand_clock.seconds()
        result = await upload(it)
        assert it.hand_clock.seconds() - started == LONGEST_WAIT_SECONDS
        assert 5 < calls(it).count(LIST) < 15
        progress = [done for done, _, _ in progress_of(it)]
        asset = it.trax.last_asset
    assert progress == sorted(set(progress))
    assert (progress[0], progress[-1] < 145) == (0, True)
    assert (result.is_error, plain_data_of(result)) == (False, asset)
    assert text_of(result).splitlines()[:2] == [
        'Uploaded the file "intro.mp4" to the media library. TRaX is still processing it.',
        NOT_AGAIN,
    ]


async def test_a_slow_upload_leaves_less_time_to_wait(tmp_path: Path) -> None:
    """The time is counted from the beginning of the call; the library is read at least once."""
    async with open_uploads(tmp_path) as it:
        it.trax.faults.add(Fault.followed_by(lambda: it.hand_clock.advance(40)), method="POST")
        slow = Fault.followed_by(lambda: it.trax.change_last_asset(_readyAt=inf))
        it.trax.faults.add(slow, method="PUT")
        started = it.hand_clock.seconds()
        assert not (await upload(it)).is_error
        assert it.hand_clock.seconds() - started == LONGEST_WAIT_SECONDS
        it.trax.faults.add(Fault.followed_by(lambda: it.hand_clock.advance(400)), method="POST")
        assert not (await upload(it)).is_error
        assert calls(it)[-3:] == [RESERVE, PUT, LIST]


async def test_a_file_that_the_library_never_lists_is_not_told_as_in_processing(
    tmp_path: Path,
) -> None:
    async with open_uploads(tmp_path) as it:
        it.trax.faults.add(Fault.status(200, {"data": []}), method="GET", times=None)
        error = await failure(it)
    message = f"The file was uploaded, but the media library doesn't list it yet. {NOT_AGAIN}"
    assert error == upload_failure("timeout", message, "applied")


def in_state(state: object) -> Fault:
    """A list in which each asset has this state."""
    return Fault.patched(lambda it: [asset.update(status=state) for asset in it["data"]])


TEMPORARY: Final[dict[str, Fault]] = {
    "server error": Fault.status(500),
    "no response": Fault.dropped(),
    "rate limit": Fault.error(429, "rate_limited", Retry_After="60"),
    "not listed yet": Fault.status(200, {"data": []}),
    "invalid items": Fault.status(200, {"data": [None, 7, "x", {"id": 7}, {}]}),
    "no list": Fault.status(200, {"data": None}),
    "endless pages": Fault.status(200, {"data": [], "nextCursor": "again"}),
    **{f"state {it!r}": in_state(it) for it in ("PROCESSING", "", None, 7, "ready")},
}


async def test_what_is_no_answer_to_a_poll_is_polled_again(tmp_path: Path) -> None:
    """The file has already arrived. Only READY means ready, and TRaX may add states."""
    async with open_uploads(tmp_path) as it:
        for name, fault in TEMPORARY.items():
            it.trax.faults.add(fault, times=2 if name == "endless pages" else 1, method="GET")
            result = await upload(it)
            assert (name, plain_data_of(result)) == (name, it.trax.last_asset)
            assert it.trax.faults.pending == 0


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault.error(403, "insufficient_scope"), "insufficient_scope"),
        (Fault.status(500), "bad_answer"),
        (None, "bad_answer"),
    ],
    ids=["no scope to read", "failures to the end", "a library that is too long"],
)
async def test_what_cannot_be_seen_of_an_uploaded_file_is_reported(
    tmp_path: Path, fault: Fault | None, code: str
) -> None:
    """The failure doesn't say that TRaX has not finished."""
    async with open_uploads(tmp_path) as it:
        if fault:
            it.trax.faults.add(fault, method="GET", times=None)
            error = await failure(it)
        else:
            with lists_end_after(1):
                error = await failure(it)
    assert (error["code"], error["outcome"], error["retryable"]) == (code, "applied", False)
    assert error["message"].startswith(READINESS_UNKNOWN)
    assert error["message"].endswith(f"). {NOT_AGAIN}")


# Where the tool is offered

ADVICE: Final = "so nothing was sent. Only the server's operator can change that."
NOT_LOCAL: Final = "reads no files: it does so only on stdio, from the folders in TRAX_MEDIA_DIRS"
GUARDED: Final = "needs approval for what this tool does, but the tool can't ask (TRAX_GUARD_ALSO)"

CASES: Final[dict[str, tuple[dict[str, str], str | None]]] = {
    "with another guard": ({"TRAX_GUARD_ALSO": "send_chat_message", "TRAX_TOOLS": "media"}, None),
    "without folders": ({"TRAX_MEDIA_DIRS": ""}, NOT_LOCAL),
    "filtered out": ({"TRAX_TOOLS": "list_media"}, "doesn't offer this tool (TRAX_TOOLS)"),
    "read-only": ({"TRAX_READ_ONLY": "1"}, "only reads (TRAX_READ_ONLY)"),
    "guarded reservation": ({"TRAX_GUARD_ALSO": "create_media_upload"}, GUARDED),
}


@pytest.mark.parametrize(("settings", "reason"), CASES.values(), ids=CASES)
async def test_the_tool_is_offered_only_where_settings_permit_it(
    *, tmp_path: Path, settings: dict[str, str], reason: str | None
) -> None:
    """It is listed and works, or it is not listed and a call says why. It cannot bypass a guard."""
    async with open_uploads(tmp_path, **settings) as it:
        listed = [tool.name for tool in (await it[MINE].client.list_tools()).tools]
        assert (TOOL in listed) is (reason is None)
        if reason is None:
            assert plain_data_of(await upload(it)) == it.trax.last_asset
        else:
            code = "read_only" if "READ_ONLY" in reason else "not_offered"
            assert await failure(it) == upload_failure(code, f"This server {reason}, {ADVICE}")
            assert calls(it) == []
