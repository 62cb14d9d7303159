"""A file that may be uploaded: what counts is what was opened, not what its path says."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.folders import (
    CHANGED,
    NO_FILE,
    NO_MEDIA_FILE,
    OUTSIDE,
    THERE,
    UNREADABLE,
    furnish,
    read,
    refusal,
    taken,
)
from tests.media import MEDIA, MP4, NO_MEDIA, PNG
from trax_mcp.uploads.files import PIECE_BYTES, UnfitFileError, opened

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def allowed(tmp_path: Path) -> Path:
    """A folder that may be read, with a video; beside it lies what may not."""
    return furnish(tmp_path)


# What may be read


async def test_a_file_is_known_by_what_is_in_it(allowed: Path) -> None:
    """Its name, its type and its size, and then all of it."""
    async with opened(str(allowed / "intro.mp4"), [allowed]) as file:
        assert (file.name, file.media_type, file.size) == ("intro.mp4", "video/mp4", len(MP4))
        assert await read(file) == MP4


@pytest.mark.parametrize(("content", "media_type"), MEDIA.values(), ids=MEDIA)
async def test_the_content_says_what_it_is_and_not_its_name(
    allowed: Path, content: bytes, media_type: str
) -> None:
    """What a streamer has: videos, pictures and sound."""
    (allowed / "notes.txt").write_bytes(content)
    async with opened("notes.txt", [allowed]) as file:
        assert file.media_type == media_type


@pytest.mark.parametrize("content", NO_MEDIA.values(), ids=NO_MEDIA)
async def test_what_is_no_media_is_refused_whatever_it_is_called(
    allowed: Path, content: bytes
) -> None:
    """Letters and keys do not become videos by their names."""
    (allowed / "video.mp4").write_bytes(content)
    assert await refusal("video.mp4", allowed) == NO_MEDIA_FILE


async def test_a_path_may_be_whole_or_begin_at_a_folder(allowed: Path, tmp_path: Path) -> None:
    """Of several folders the first that has it; `..` inside is a way like any other."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "only.png").write_bytes(PNG)
    (other / "intro.mp4").write_bytes(PNG)
    for path in ("only.png", other / "only.png", f"{other}/../other/only.png"):
        assert await taken(path, allowed, other) == PNG
    for path in ("intro.mp4", "sub/deep.mp4", "sub/../intro.mp4", "./sub//deep.mp4"):
        assert await taken(path, allowed, other) == MP4


async def test_a_path_may_begin_at_home(allowed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a person says it."""
    monkeypatch.setenv("HOME", str(allowed.parent))
    assert await taken("~/allowed/intro.mp4", allowed) == MP4
    assert await refusal("~/outside/secret.png", allowed) == OUTSIDE


async def test_a_link_that_stays_inside_is_a_way(allowed: Path, tmp_path: Path) -> None:
    """Links lead somewhere; it is the end that counts. The folder itself may be one too."""
    (allowed / "latest.mp4").symlink_to("sub/deep.mp4")
    (allowed / "by").symlink_to(allowed / "sub")
    (tmp_path / "linked").symlink_to(allowed)
    for path in ("latest.mp4", "by/deep.mp4", "by/../by/deep.mp4"):
        assert await taken(path, allowed) == MP4
    for start in ("linked", "allowed"):
        assert await taken(tmp_path / start / "intro.mp4", tmp_path / "linked") == MP4
    async with opened("latest.mp4", [allowed]) as file:
        assert file.name == "deep.mp4"


async def test_a_name_that_is_no_text_is_told_as_text(allowed: Path) -> None:
    """Names on disk are bytes; TRaX takes only text."""
    odd = os.fsdecode(b"caf\xe9.mp4")
    try:
        (allowed / odd).write_bytes(MP4)
    except OSError:
        pytest.skip("this file system knows only names that are text")
    (allowed / "way.mp4").symlink_to(odd)
    async with opened("way.mp4", [allowed]) as file:
        assert file.name == "caf\N{REPLACEMENT CHARACTER}.mp4"


# What is no file


DEVICES: Final = [it for it in ("zero", "null", "tty", "ptmx") if Path("/dev", it).is_char_device()]


async def test_only_regular_files_are_opened(
    allowed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither folders nor pipes, sockets and devices: opening some does things, or never ends."""
    os.mkfifo(allowed / "pipe.mp4")
    monkeypatch.chdir(allowed)  # the path of a socket is short
    ways: list[object] = []
    open_it = os.open

    def watched(way: str, flags: int, **how: int) -> int:
        ways.append(way)
        return open_it(way, flags, **how)

    monkeypatch.setattr(os, "open", watched)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket.mp4")
        for path in ("pipe.mp4", "socket.mp4", "sub", "", ".", allowed):
            assert await refusal(path, allowed) == NO_FILE
    for device in DEVICES:
        assert await refusal(device, Path("/dev")) == NO_FILE
    assert set(ways) == {allowed, Path("/dev")}


NOT_THERE: Final = (
    "no-such.mp4",
    "sub/no/such.mp4",
    "intro.mp4/x.mp4",
    "intro.mp4/../../allowed/x",
)


@pytest.mark.parametrize("path", NOT_THERE)
async def test_a_file_that_is_not_there_is_told_so(allowed: Path, path: str) -> None:
    """In the folders it may be said what there is."""
    assert await refusal(path, allowed) == THERE


async def test_a_link_without_an_end_and_a_name_without_one_are_refused(allowed: Path) -> None:
    """Whatever the system makes of them."""
    (allowed / "round.mp4").symlink_to("round.mp4")
    assert await refusal("round.mp4", allowed) in {NO_FILE, UNREADABLE}
    assert await refusal("x" * 5000, allowed) in {UNREADABLE, OUTSIDE}
    assert await refusal("x/" * 5000, allowed) in {UNREADABLE, OUTSIDE, THERE}


def denied(*_: object, **__: object) -> bytes:
    """Stand in for a system that says no."""
    raise PermissionError(13, "no", "a path")


async def test_a_file_that_cannot_be_read_is_told_so(
    allowed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It cannot be opened, or opened and not read."""
    for call in ("read", "open"):
        monkeypatch.setattr(os, call, denied)
        assert await refusal("intro.mp4", allowed) == UNREADABLE


async def test_a_folder_that_is_gone_is_told_as_what_is_not_there(allowed: Path) -> None:
    """It was there at the start."""
    assert await refusal("intro.mp4", allowed.parent / "gone") == THERE


# What changes


LONG: Final = MP4 + bytes(PIECE_BYTES * 2)

MEANWHILE: Final[dict[str, Callable[[Path], object]]] = {
    "it grows": lambda it: it.write_bytes(LONG + b"more"),
    "it shrinks": lambda it: it.write_bytes(LONG[:-1]),
    "it is emptied": lambda it: it.write_bytes(b""),
    "it is written anew": lambda it: it.write_bytes(LONG[::-1]),
}


@pytest.mark.parametrize("change", MEANWHILE.values(), ids=MEANWHILE)
async def test_a_file_that_changes_is_never_given_to_its_end(
    allowed: Path, change: Callable[[Path], object]
) -> None:
    """Half a recording is no recording; whoever takes it would keep what is not whole."""
    path = allowed / "growing.mp4"
    path.write_bytes(LONG)
    os.utime(path, ns=(1, 1))
    given: list[int] = []
    with pytest.raises(UnfitFileError, match=CHANGED):  # noqa: PT012  the loop is the call
        async with opened("growing.mp4", [allowed]) as file:
            async for piece in file.pieces():
                given.append(len(piece))
                change(path)
    assert 0 < sum(given) < len(LONG)


async def test_a_file_that_cannot_be_read_further_is_told_so(
    allowed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk was pulled out."""
    (allowed / "long.mp4").write_bytes(LONG)

    with pytest.raises(UnfitFileError, match=UNREADABLE):  # noqa: PT012  as above
        async with opened("long.mp4", [allowed]) as file:
            async for _ in file.pieces():
                monkeypatch.setattr(os, "read", denied)


async def test_a_file_comes_in_pieces(allowed: Path) -> None:
    """None is larger than it may be, and together they are the file."""
    (allowed / "long.mp4").write_bytes(LONG)
    async with opened("long.mp4", [allowed]) as file:
        pieces = [piece async for piece in file.pieces()]
    assert [len(it) for it in pieces] == [PIECE_BYTES, PIECE_BYTES, len(MP4)]
    assert b"".join(pieces) == LONG
