"""Which files can be uploaded: the content decides, not the name."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.media_samples import MEDIA, MP4, OTHER_CONTENT, PNG
from tests.support.product.faults import Fault
from tests.support.uploads import (
    NOT_UPLOADED,
    calls,
    failure,
    keep_content,
    open_uploads,
    reserved,
    upload,
    upload_failure,
)

if TYPE_CHECKING:
    from tests.support.uploads import Json

NOT_MEDIA: Final = (
    "doesn't contain video, image or audio, so nothing was sent."
    " Name a video, picture or sound file."
)
NOT_REGULAR: Final = (
    "isn't a regular file, so nothing was sent. Name a file, not a folder, pipe or device."
)
DEVICES: Final = [it for it in ("zero", "null", "tty") if Path("/dev", it).is_char_device()]
NOT_FOUND: Final = "is not there, so nothing was sent. Check its path."


def refused(why: str) -> Json:
    """The failure of a file that is refused."""
    return upload_failure("invalid_file", f"The file {why}")


async def test_the_media_type_comes_from_the_content_not_the_name(tmp_path: Path) -> None:
    """Videos, pictures and sound, whose content arrives completely."""
    async with open_uploads(tmp_path) as it:
        contents = keep_content(it)
        for content, _ in MEDIA.values():
            (tmp_path / "allowed" / "notes.txt").write_bytes(content)
            await upload(it, "notes.txt")
        made = reserved(it)
    assert made == [
        {"filename": "notes.txt", "contentType": media_type, "byteSize": len(content)}
        for content, media_type in MEDIA.values()
    ]
    assert contents == [content for content, _ in MEDIA.values()]


async def test_other_content_is_refused_whatever_its_name(tmp_path: Path) -> None:
    """Texts and keys do not become videos by their name."""
    async with open_uploads(tmp_path) as it:
        for kind, content in OTHER_CONTENT.items():
            (tmp_path / "allowed" / "video.mp4").write_bytes(content)
            assert await failure(it, "video.mp4") == refused(NOT_MEDIA), kind
        assert calls(it) == []


async def test_a_path_may_be_absolute_or_relative_to_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first folder that has the file is used; `..` inside a folder is allowed, and `~`."""
    monkeypatch.setenv("HOME", str(tmp_path))
    other = tmp_path / "other"
    other.mkdir()
    (other / "only.png").write_bytes(PNG)
    (other / "intro.mp4").write_bytes(PNG)
    folders = os.pathsep.join((str(tmp_path / "allowed"), str(other)))
    async with open_uploads(tmp_path, TRAX_MEDIA_DIRS=folders) as it:
        contents = keep_content(it)
        for path in ("only.png", f"{other}/only.png", f"{other}/../other/only.png"):
            await upload(it, path)
        for path in ("intro.mp4", "sub/../intro.mp4", "./sub//deep.mp4", "~/allowed/intro.mp4"):
            await upload(it, path)
    assert contents == [PNG] * 3 + [MP4] * 4


async def test_a_link_that_stays_inside_is_followed(tmp_path: Path) -> None:
    """The target decides, and gives the name. The folder itself may be a link too."""
    (tmp_path / "linked").symlink_to(tmp_path / "allowed")
    linked = str(tmp_path / "linked")
    async with open_uploads(tmp_path, TRAX_MEDIA_DIRS=linked) as it:
        (tmp_path / "allowed" / "latest.mp4").symlink_to("sub/deep.mp4")
        (tmp_path / "allowed" / "by").symlink_to(tmp_path / "allowed" / "sub")
        for path in ("latest.mp4", "by/deep.mp4", f"{tmp_path}/allowed/sub/deep.mp4"):
            await upload(it, path)
        made = reserved(it)
    assert [each["filename"] for each in made] == ["deep.mp4"] * 3


async def test_only_regular_files_are_uploaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Folders, pipes, sockets and devices are refused at once: to open one can wait for ever."""
    folders = os.pathsep.join((str(tmp_path / "allowed"), "/dev"))
    async with open_uploads(tmp_path, TRAX_MEDIA_DIRS=folders) as it:
        os.mkfifo(tmp_path / "allowed" / "pipe.mp4")
        monkeypatch.chdir(tmp_path / "allowed")  # the path of a socket must be short
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind("socket.mp4")
            for path in ("pipe.mp4", "socket.mp4", "sub", ".", str(tmp_path / "allowed"), *DEVICES):
                assert await failure(it, path) == refused(NOT_REGULAR), path
        assert calls(it) == []


async def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """Inside a folder the refusal may say what exists. The folder may be gone too."""
    (tmp_path / "gone").mkdir()
    folders = os.pathsep.join((str(tmp_path / "allowed"), str(tmp_path / "gone")))
    async with open_uploads(tmp_path, TRAX_MEDIA_DIRS=folders) as it:
        (tmp_path / "gone").rmdir()
        (tmp_path / "allowed" / "round.mp4").symlink_to("round.mp4")
        for path in ("no-such.mp4", "sub/no/such.mp4", "intro.mp4/x.mp4", f"{tmp_path}/gone/x"):
            assert await failure(it, path) == refused(NOT_FOUND), path
        for path in ("round.mp4", "x" * 4_000, "x/" * 2_000):  # the system says why
            assert (await failure(it, path))["code"] == "invalid_file"
        assert calls(it) == []


@pytest.mark.parametrize("content", [MP4 * 2, MP4[::-1]], ids=["longer", "as long"])
async def test_a_file_that_changes_during_the_upload_is_not_uploaded(
    tmp_path: Path, content: bytes
) -> None:
    """For example a recording in progress: it no longer matches the reservation."""
    async with open_uploads(tmp_path) as it:
        path = tmp_path / "allowed" / "intro.mp4"
        it.trax.faults.add(Fault.followed_by(lambda: path.write_bytes(content)), method="POST")
        failed = await failure(it)
        assert it.trax.last_asset["status"] == "UPLOADING"
    message = f"The file changed while it was sent, {NOT_UPLOADED} Wait until it's complete."
    assert failed == upload_failure("invalid_file", message)
