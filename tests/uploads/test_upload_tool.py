"""`upload_media`: from a local file to a ready asset, and where the tool is offered.

Through a real client, on a sandbox with a manual clock.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.conftest import text_of
from tests.support.media_samples import MP4
from tests.support.product.faults import Fault
from tests.support.upload_client import (
    LIST,
    MAX_PROCESSING_SECONDS,
    PUT,
    RESERVE,
    RESERVED,
    TOOL,
    open_upload_session,
    upload_failure,
)

if TYPE_CHECKING:
    from pathlib import Path


# Uploads


async def test_a_file_becomes_a_ready_asset(era: str, tmp_path: Path) -> None:
    """It is reserved, sent completely, polled until READY, and returned as TRaX returns it."""
    async with open_upload_session(tmp_path, era=era) as session:
        result = await session.upload(folder="Openers")
        assert session.calls == [RESERVE, PUT, LIST, LIST, LIST]
        assert session.trax.requests[0].body_json == {**RESERVED, "folder": "Openers"}
        last_asset_json = session.trax.last_asset
    assert (last_asset_json["status"], last_asset_json["kind"], last_asset_json["folder"]) == (
        "READY",
        "video",
        "Openers",
    )
    assert (result.is_error, result.structured_content) == (False, last_asset_json)
    done, _, text = text_of(result).partition("\n")
    assert done == 'Uploaded the file "intro.mp4" to the media library. It is READY.'
    assert json.loads(text) == last_asset_json


async def test_unknown_fields_of_the_asset_are_returned(tmp_path: Path) -> None:
    """The client checks the result against the schema."""
    async with open_upload_session(tmp_path) as session:
        await session.client.list_tools()
        added_fields = {"codec": ["av1"], "folder": None}
        add_fields: Any = lambda it: [asset.update(added_fields) for asset in it["data"]]  # noqa: E731  a patch
        session.trax.faults.add(Fault.patched(add_fields), times=None, method="GET")
        result = await session.upload()
        assert result.structured_content == {**session.trax.last_asset, **added_fields}


async def test_the_key_is_sent_to_trax_but_not_to_the_storage(tmp_path: Path) -> None:
    """The storage needs only the URL, and gets no other data."""
    async with open_upload_session(tmp_path) as session:
        await session.upload()
        has_key = [("authorization" in it.headers, it.method) for it in session.trax.requests]
        assert has_key == [(True, "POST"), (False, "PUT"), *[(True, "GET")] * 3]
        (put,) = [it for it in session.trax.requests if it.method == "PUT"]
        assert not {"x-api-key", "cookie", "x-request-id"} & put.headers.keys()
        assert (put.headers["content-type"], put.headers["content-length"]) == (
            "video/mp4",
            str(len(MP4)),
        )


async def test_the_client_receives_progress(tmp_path: Path) -> None:
    """The share that was sent, then the share of the longest wait; each counts as 1."""
    async with open_upload_session(tmp_path) as session:
        await session.upload()
    processing = "Sent 2.1 kB. TRaX is processing it."
    assert session.progress.all == [
        (0, 2, "Sent 0 bytes of 2.1 kB."),
        (1, 2, processing),
        (1 + 1 / MAX_PROCESSING_SECONDS, 2, processing),
        (1 + 2.5 / MAX_PROCESSING_SECONDS, 2, processing),
    ]


async def test_progress_is_reported_at_most_once_per_second(tmp_path: Path) -> None:
    """Not with each chunk: clients show every message."""
    async with open_upload_session(tmp_path) as session:
        (session.folder / "long.mp4").write_bytes(MP4 + bytes(1 << 22))
        await session.upload("long.mp4")
        sending = [it for it in session.progress.all if " of " in str(it[2])]
    assert len(sending) == 1


async def test_an_asset_is_found_on_any_page(tmp_path: Path) -> None:
    """TRaX can only list assets; no page after the one with the asset is read."""
    async with open_upload_session(tmp_path) as session:
        for start, count in ((0, 250), (9, 450)):  # before and after the new one
            for number in range(count):
                session.trax.add_asset("x.mp4", record_id=f"asset_{start}{number:03}")
        result = await session.upload()
        queries = [dict(it.query) for it in session.trax.requests if it.method == "GET"]
    assert result.structured_content == session.trax.last_asset
    assert [it["limit"] for it in queries] == ["200"] * 6
    assert ["cursor" in it for it in queries] == [False, True] * 3


# Where the tool is offered

ADVICE: Final = "so upload_media was not sent. Whoever runs the server can change that."
NOT_LOCAL: Final = "reads no files: it does so only on stdio, from the folders in TRAX_MEDIA_DIRS"
GUARDED: Final = "asks for a yes before what this tool would do, which cannot ask (TRAX_GUARD_ALSO)"
HIDDEN: Final = "does not offer this tool (TRAX_TOOLS)"
READ_ONLY: Final = "only reads (TRAX_READ_ONLY)"
OTHER_GUARD: Final[dict[str, Any]] = {"TRAX_GUARD_ALSO": "send_chat_message"}
GUARD: Final[dict[str, Any]] = {"TRAX_GUARD_ALSO": "create_media_upload"}

CASES: Final[dict[str, tuple[dict[str, str], str | None]]] = {
    "local": (OTHER_GUARD, None),
    "local, by name": ({**OTHER_GUARD, "TRAX_TOOLS": TOOL}, None),
    "local, by tag": ({"TRAX_TOOLS": "media"}, None),
    "without folders": ({"TRAX_MEDIA_DIRS": ""}, NOT_LOCAL),
    "filtered out": ({"TRAX_TOOLS": "list_media"}, HIDDEN),
    "read-only": ({"TRAX_READ_ONLY": "1"}, READ_ONLY),
    "guarded reservation": (GUARD, GUARDED),
}


@pytest.mark.parametrize(("settings", "reason"), CASES.values(), ids=CASES)
async def test_the_tool_is_offered_only_where_settings_permit_it(
    *, tmp_path: Path, settings: dict[str, Any], reason: str | None
) -> None:
    """It is listed and works, or it is not listed and a call says why. It cannot bypass a guard."""
    async with open_upload_session(tmp_path, **settings) as session:
        listed = [tool.name for tool in (await session.client.list_tools()).tools]
        assert (TOOL in listed) is (reason is None)
        if reason is None:
            assert listed[-1] == TOOL
            assert (await session.upload()).structured_content == session.trax.last_asset
        else:
            code = "read_only" if reason == READ_ONLY else "not_offered"
            assert await session.failure() == upload_failure(
                code, f"This server {reason}, {ADVICE}"
            )
            assert session.calls == []


async def test_a_guard_on_the_reservation_applies_to_the_reservation_tool(tmp_path: Path) -> None:
    """The reservation tool itself asks for confirmation."""
    async with open_upload_session(tmp_path, **GUARD) as session:
        preview = await session.client.call_tool("create_media_upload", RESERVED)
        assert (preview.structured_content or {})["status"] == "confirmation_required"
        assert RESERVE not in session.calls
