"""A folder that may be read, with neighbours that may not, and what comes of reading in it.

It knows what is said of a file, and no rule of when.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import anyio
import pytest

from tests.media import MP4, PNG
from tests.processes import PATIENCE_SECONDS
from trax_mcp.uploads.files import UnfitFileError, opened

if TYPE_CHECKING:
    from trax_mcp.uploads.files import MediaFile

SECRET: Final = PNG + b"nobody may see this"

THERE: Final = "is not there"
NO_FILE: Final = "is no regular file"
NO_MEDIA_FILE: Final = "is not video, image or audio by its content"
UNREADABLE: Final = "cannot be read"
CHANGED: Final = "changed while it was sent"
OUTSIDE: Final = "is in no folder that may be read"


def furnish(tmp_path: Path) -> Path:
    """A folder that may be read, with a video; beside it lies what may not."""
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
    """All that it gives."""
    return b"".join([piece async for piece in file.pieces()])


async def taken(path: str | Path, *folders: Path) -> bytes:
    """What would be uploaded."""
    with anyio.fail_after(PATIENCE_SECONDS):
        async with opened(str(path), folders) as file:
            return await read(file)


async def refusal(path: str | Path, *folders: Path) -> str:
    """Why nothing would be."""
    with pytest.raises(UnfitFileError) as caught:
        await taken(path, *folders)
    assert caught.value.remedy.endswith(".")
    return caught.value.why


def descriptors() -> list[str]:
    """What this process has open."""
    return sorted(it.name for it in Path("/dev/fd").iterdir())
