"""A folder that may be read, beside folders that may not, and ways to read from it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import anyio
import pytest

from tests.support.media_samples import MP4, PNG
from tests.support.server_process import PATIENCE_SECONDS
from trax_mcp.uploads.files import MediaFileError, open_media_file

if TYPE_CHECKING:
    from trax_mcp.uploads.files import MediaFile

SECRET: Final = PNG + b"nobody may see this"

NOT_FOUND: Final = "is not there"
NOT_REGULAR: Final = "is no regular file"
NOT_MEDIA: Final = "is not video, image or audio by its content"
UNREADABLE: Final = "cannot be read"
CHANGED: Final = "changed while it was sent"
OUTSIDE: Final = "is in no folder that may be read"


def make_media_folder(tmp_path: Path) -> Path:
    """Make an allowed folder with two videos; the folders beside it are not allowed."""
    folder = tmp_path / "allowed"
    (folder / "sub").mkdir(parents=True)
    (folder / "intro.mp4").write_bytes(MP4)
    (folder / "sub" / "deep.mp4").write_bytes(MP4)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.png").write_bytes(SECRET)
    (tmp_path / "allowed-not").mkdir()
    (tmp_path / "allowed-not" / "secret.png").write_bytes(SECRET)
    return folder


async def read(file: MediaFile) -> bytes:
    """The whole content of an open file."""
    return b"".join([piece async for piece in file.chunks()])


async def upload_content(path: str | Path, *folders: Path) -> bytes:
    """The content that would be uploaded from a path."""
    with anyio.fail_after(PATIENCE_SECONDS):
        async with open_media_file(str(path), folders) as file:
            return await read(file)


async def refusal_reason(path: str | Path, *folders: Path) -> str:
    """The reason why nothing would be uploaded from a path."""
    with pytest.raises(MediaFileError) as caught:
        await upload_content(path, *folders)
    assert caught.value.remedy.endswith(".")
    return caught.value.why


def open_descriptors() -> list[str]:
    """The open file descriptors of this process."""
    return sorted(it.name for it in Path("/dev/fd").iterdir())
