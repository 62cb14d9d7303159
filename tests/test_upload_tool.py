"""`upload_media`: from a file of this computer to an asset that is ready, and how it may not be.

Through a real client in both eras, on a sandbox where time passes only when the test says so.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.media import MP4
from tests.uploading import LONGEST, LOOK, PUT, RESERVE, RESERVED, TOOL, failed, uploading
from trax_mcp.consent.rules import Rules
from trax_mcp.sandbox import Fault
from trax_mcp.server.tool_filter import ToolFilter
from trax_mcp.uploads.files import PIECE_BYTES

if TYPE_CHECKING:
    from pathlib import Path


# It is uploaded


async def test_a_file_becomes_an_asset_that_is_ready(era: str, tmp_path: Path) -> None:
    """Reserved as what it is, sent whole, looked for until it is READY; told as TRaX tells it."""
    async with uploading(era, tmp_path) as desk:
        result = await desk.upload(folder="Openers")
        assert desk.calls == [RESERVE, PUT, LOOK, LOOK, LOOK]
        assert desk.trax.requests[0].body_json == {**RESERVED, "folder": "Openers"}
        shown = desk.shown
    assert (shown["status"], shown["kind"], shown["folder"]) == ("READY", "video", "Openers")
    assert (result.is_error, result.structured_content) == (False, shown)
    assert [json.loads(block.model_dump()["text"]) for block in result.content] == [shown]


async def test_what_trax_adds_is_told_too(era: str, tmp_path: Path) -> None:
    """Fields that nobody knows yet; and the client checks the answer against the schema."""
    async with uploading(era, tmp_path) as desk:
        await desk.client.list_tools()
        added = {"codec": ["av1"], "folder": None}
        odd: Any = lambda it: [asset.update(added) for asset in it["data"]]  # noqa: E731  an act
        desk.trax.faults.add(Fault.patched(odd), times=None, method="GET")
        result = await desk.upload()
        assert result.structured_content == {**desk.shown, **added}


async def test_the_key_goes_to_trax_and_not_to_the_storage(era: str, tmp_path: Path) -> None:
    """The address is all that the storage needs; whoever runs it learns nothing else."""
    async with uploading(era, tmp_path) as desk:
        await desk.upload()
        keyed = [("authorization" in it.headers, it.method) for it in desk.trax.requests]
        assert keyed == [(True, "POST"), (False, "PUT"), *[(True, "GET")] * 3]
        (put,) = [it for it in desk.trax.requests if it.method == "PUT"]
        assert not {"x-api-key", "cookie", "x-request-id"} & put.headers.keys()
        assert (put.headers["content-type"], put.headers["content-length"]) == (
            "video/mp4",
            str(len(MP4)),
        )


async def test_the_client_is_told_how_far_it_is(era: str, tmp_path: Path) -> None:
    """In bytes that are sent, then in seconds of waiting; it never goes back, nor over the end."""
    async with uploading(era, tmp_path) as desk:
        await desk.upload()
    size, total = len(MP4), len(MP4) + LONGEST
    processing = "Sent 2.1 kB. TRaX is processing it."
    assert desk.progress.all == [
        (0, total, "Sent 0 bytes of 2.1 kB."),
        (size, total, processing),
        (size + 1, total, processing),
        (size + 2.5, total, processing),
    ]


async def test_a_long_file_is_told_of_once_a_second(era: str, tmp_path: Path) -> None:
    """Not with each piece: clients show every word."""
    async with uploading(era, tmp_path) as desk:
        (desk.folder / "long.mp4").write_bytes(MP4 + bytes(8 * PIECE_BYTES))
        await desk.upload("long.mp4")
        sending = [it for it in desk.progress.all if " of " in str(it[2])]
    assert len(sending) == 1


async def test_an_asset_is_found_wherever_it_stands(era: str, tmp_path: Path) -> None:
    """There is no call for a single one; once it is found, only its page is read again."""
    async with uploading(era, tmp_path) as desk:
        assets = desk.trax.world.library.assets
        mine = next(iter(assets.values()))
        assets.extend(replace(mine, id=f"asset_0{number:03}") for number in range(450))
        result = await desk.upload()
        looks = [dict(it.query) for it in desk.trax.requests if it.method == "GET"]
    assert result.structured_content == desk.shown
    assert [it["limit"] for it in looks] == ["200"] * 5
    first, second, *rest = [it.get("cursor") for it in looks]
    assert (first, second is None) == (None, False)
    assert len(set(rest)) == 1


# Where it is offered

WHY: Final = "so upload_media was not sent. Whoever runs the server can change that."
NOT_LOCAL: Final = "reads no files: it does so only on stdio, from the folders in TRAX_MEDIA_DIRS"
GUARDED: Final = "asks for a yes before what this tool would do, which cannot ask (TRAX_GUARD_ALSO)"
HIDDEN: Final = "does not offer this tool (TRAX_TOOLS)"
READ_ONLY: Final = "only reads (TRAX_READ_ONLY)"
GUARDS: Final = Rules(also=frozenset({"create_media_upload"}))
NO_GUARD: Final = Rules(also=frozenset({"send_chat_message"}))

OFFERED: Final[dict[str, tuple[ToolFilter, Rules, str | None]]] = {
    "beside the caller": (ToolFilter(local=True), NO_GUARD, None),
    "by its name": (ToolFilter(only=frozenset({TOOL}), local=True), NO_GUARD, None),
    "by its tag": (ToolFilter(only=frozenset({"media"}), local=True), NO_GUARD, None),
    "elsewhere": (ToolFilter(), NO_GUARD, NOT_LOCAL),
    "elsewhere, by its name": (ToolFilter(only=frozenset({TOOL})), NO_GUARD, NOT_LOCAL),
    "among others": (ToolFilter(only=frozenset({"list_media"}), local=True), NO_GUARD, HIDDEN),
    "reading only": (ToolFilter(read_only=True, local=True), NO_GUARD, READ_ONLY),
    "around a guard": (ToolFilter(local=True), GUARDS, GUARDED),
    "guarded by its own name": (ToolFilter(local=True), Rules(also=frozenset({TOOL})), GUARDED),
}


@pytest.mark.parametrize(("offer", "rules", "why"), OFFERED.values(), ids=OFFERED)
async def test_it_is_offered_where_it_may_be(
    *, era: str, tmp_path: Path, offer: ToolFilter, rules: Rules, why: str | None
) -> None:
    """Listed and callable, or neither, and then it says why; it is no way around a guard."""
    async with uploading(era, tmp_path, offer=offer, rules=rules) as desk:
        listed = [tool.name for tool in (await desk.client.list_tools()).tools]
        assert (TOOL in listed) is (why is None)
        if why is None:
            assert listed[-1] == TOOL
            assert (await desk.upload()).structured_content == desk.shown
        else:
            code = "read_only" if why == READ_ONLY else "not_offered"
            assert await desk.failure() == failed(code, f"This server {why}, {WHY}")
            assert desk.calls == []


async def test_a_guard_on_something_else_is_none_on_it(era: str, tmp_path: Path) -> None:
    """What it stands on is what counts; a yes for that is asked for by the call itself."""
    async with uploading(era, tmp_path, rules=GUARDS) as desk:
        waits = await desk.client.call_tool("create_media_upload", RESERVED)
        assert (waits.structured_content or {})["status"] == "confirmation_required"
        assert RESERVE not in desk.calls
