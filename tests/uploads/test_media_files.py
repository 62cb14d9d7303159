"""A media file for an upload: the opened file decides, not its path."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.media_folders import (
    CHANGED,
    NOT_FOUND,
    NOT_MEDIA,
    NOT_REGULAR,
    OUTSIDE,
    UNREADABLE,
    make_media_folder,
    read,
    refusal_reason,
    upload_content,
)
from tests.support.media_samples import MEDIA, MP4, OTHER_CONTENT, PNG
from trax_mcp.uploads.files import CHUNK_BYTES, MediaFileError, open_media_file

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def allowed(tmp_path: Path) -> Path:
    """An allowed folder with two videos; the folders beside it are not allowed."""
    return make_media_folder(tmp_path)


# Files that can be uploaded


async def test_an_open_file_has_name_type_size_and_content(allowed: Path) -> None:
    """The content is returned completely."""
    async with open_media_file(str(allowed / "intro.mp4"), [allowed]) as file:
        assert (file.name, file.media_type, file.size) == ("intro.mp4", "video/mp4", len(MP4))
        assert await read(file) == MP4


@pytest.mark.parametrize(("content", "media_type"), MEDIA.values(), ids=MEDIA)
async def test_the_media_type_comes_from_the_content_not_the_name(
    allowed: Path, content: bytes, media_type: str
) -> None:
    """Videos, pictures and sound."""
    (allowed / "notes.txt").write_bytes(content)
    async with open_media_file("notes.txt", [allowed]) as file:
        assert file.media_type == media_type


@pytest.mark.parametrize("content", OTHER_CONTENT.values(), ids=OTHER_CONTENT)
async def test_other_content_is_refused_whatever_its_name(allowed: Path, content: bytes) -> None:
    """Texts and keys do not become videos by their name."""
    (allowed / "video.mp4").write_bytes(content)
    assert await refusal_reason("video.mp4", allowed) == NOT_MEDIA


async def test_a_path_may_be_absolute_or_relative_to_a_folder(
    allowed: Path, tmp_path: Path
) -> None:
    """The first folder that has the file is used; `..` inside a folder is allowed."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "only.png").write_bytes(PNG)
    (other / "intro.mp4").write_bytes(PNG)
    for path in ("only.png", other / "only.png", f"{other}/../other/only.png"):
        assert await upload_content(path, allowed, other) == PNG
    for path in ("intro.mp4", "sub/deep.mp4", "sub/../intro.mp4", "./sub//deep.mp4"):
        assert await upload_content(path, allowed, other) == MP4


async def test_a_path_may_begin_with_a_tilde(
    allowed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It means the home directory."""
    monkeypatch.setenv("HOME", str(allowed.parent))
    assert await upload_content("~/allowed/intro.mp4", allowed) == MP4
    assert await refusal_reason("~/outside/secret.png", allowed) == OUTSIDE


async def test_a_link_that_stays_inside_is_followed(allowed: Path, tmp_path: Path) -> None:
    """The target decides. The folder itself may be a link too."""
    (allowed / "latest.mp4").symlink_to("sub/deep.mp4")
    (allowed / "by").symlink_to(allowed / "sub")
    (tmp_path / "linked").symlink_to(allowed)
    for path in ("latest.mp4", "by/deep.mp4", "by/../by/deep.mp4"):
        assert await upload_content(path, allowed) == MP4
    for start in ("linked", "allowed"):
        assert await upload_content(tmp_path / start / "intro.mp4", tmp_path / "linked") == MP4
    async with open_media_file("latest.mp4", [allowed]) as file:
        assert file.name == "deep.mp4"


async def test_a_name_that_is_not_utf8_is_reported_as_text(allowed: Path) -> None:
    """File names are bytes; TRaX accepts only text."""
    name = os.fsdecode(b"caf\xe9.mp4")
    try:
        (allowed / name).write_bytes(MP4)
    except OSError:
        pytest.skip("this file system accepts only UTF-8 names")
    (allowed / "way.mp4").symlink_to(name)
    async with open_media_file("way.mp4", [allowed]) as file:
        assert file.name == "caf\N{REPLACEMENT CHARACTER}.mp4"


# Refused files


DEVICES: Final = [it for it in ("zero", "null", "tty", "ptmx") if Path("/dev", it).is_char_device()]


async def test_only_regular_files_are_opened(
    allowed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Folders, pipes, sockets and devices are not opened: that can block or have effects."""
    os.mkfifo(allowed / "pipe.mp4")
    monkeypatch.chdir(allowed)  # the path of a socket must be short
    opened: list[object] = []
    real_open = os.open

    def recording_open(path: str, flags: int, **kwargs: int) -> int:
        opened.append(path)
        return real_open(path, flags, **kwargs)

    monkeypatch.setattr(os, "open", recording_open)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket.mp4")
        for path in ("pipe.mp4", "socket.mp4", "sub", "", ".", allowed):
            assert await refusal_reason(path, allowed) == NOT_REGULAR
    for device in DEVICES:
        assert await refusal_reason(device, Path("/dev")) == NOT_REGULAR
    assert set(opened) == {allowed, Path("/dev")}


MISSING: Final = (
    "no-such.mp4",
    "sub/no/such.mp4",
    "intro.mp4/x.mp4",
    "intro.mp4/../../allowed/x",
)


@pytest.mark.parametrize("path", MISSING)
async def test_a_missing_file_is_refused(allowed: Path, path: str) -> None:
    """Inside a folder the refusal may say what exists."""
    assert await refusal_reason(path, allowed) == NOT_FOUND


async def test_a_link_loop_and_an_overlong_name_are_refused(allowed: Path) -> None:
    """The reason depends on the operating system."""
    (allowed / "round.mp4").symlink_to("round.mp4")
    assert await refusal_reason("round.mp4", allowed) in {NOT_REGULAR, UNREADABLE}
    assert await refusal_reason("x" * 5000, allowed) in {UNREADABLE, OUTSIDE}
    assert await refusal_reason("x/" * 5000, allowed) in {UNREADABLE, OUTSIDE, NOT_FOUND}


def deny(*_: object, **__: object) -> bytes:
    """Fail as a system call without permission."""
    raise PermissionError(13, "no", "a path")


async def test_an_unreadable_file_is_refused(
    allowed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Opening fails, or reading fails."""
    for call in ("read", "open"):
        monkeypatch.setattr(os, call, deny)
        assert await refusal_reason("intro.mp4", allowed) == UNREADABLE


async def test_a_file_in_a_removed_folder_is_missing(allowed: Path) -> None:
    """The folder existed at the start."""
    assert await refusal_reason("intro.mp4", allowed.parent / "gone") == NOT_FOUND


# Files that change


LONG: Final = MP4 + bytes(CHUNK_BYTES * 2)

CHANGES: Final[dict[str, Callable[[Path], object]]] = {
    "it grows": lambda it: it.write_bytes(LONG + b"more"),
    "it shrinks": lambda it: it.write_bytes(LONG[:-1]),
    "it is emptied": lambda it: it.write_bytes(b""),
    "it is written anew": lambda it: it.write_bytes(LONG[::-1]),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_a_file_that_changes_while_it_is_read_is_never_read_to_its_end(
    allowed: Path, change: Callable[[Path], object]
) -> None:
    """A partial recording must never look complete."""
    path = allowed / "growing.mp4"
    path.write_bytes(LONG)
    os.utime(path, ns=(1, 1))
    sizes: list[int] = []
    with pytest.raises(MediaFileError, match=CHANGED):  # noqa: PT012  the loop is the call
        async with open_media_file("growing.mp4", [allowed]) as file:
            async for piece in file.chunks():
                sizes.append(len(piece))
                change(path)
    assert 0 < sum(sizes) < len(LONG)


async def test_a_read_error_inside_a_file_is_reported(
    allowed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For example if the disk is removed."""
    (allowed / "long.mp4").write_bytes(LONG)

    with pytest.raises(MediaFileError, match=UNREADABLE):  # noqa: PT012  as above
        async with open_media_file("long.mp4", [allowed]) as file:
            async for _ in file.chunks():
                monkeypatch.setattr(os, "read", deny)


async def test_a_file_is_read_in_chunks(allowed: Path) -> None:
    """No chunk is larger than the limit, and together they are the file."""
    (allowed / "long.mp4").write_bytes(LONG)
    async with open_media_file("long.mp4", [allowed]) as file:
        pieces = [piece async for piece in file.chunks()]
    assert [len(it) for it in pieces] == [CHUNK_BYTES, CHUNK_BYTES, len(MP4)]
    assert b"".join(pieces) == LONG
