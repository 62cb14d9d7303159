"""A folder that may be read, beside folders that may not."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tests.support.media_samples import MP4, PNG

SECRET: Final = PNG + b"nobody may see this"


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


def open_descriptors() -> list[str]:
    """The open file descriptors of this process."""
    return sorted(it.name for it in Path("/dev/fd").iterdir())
