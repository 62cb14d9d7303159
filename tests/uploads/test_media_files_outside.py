"""No file outside of the allowed folders is read: by no path and by no link."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support.media_folders import SECRET, open_descriptors
from tests.support.media_samples import OTHER_CONTENT, PNG
from tests.support.uploads import calls, failure, keep_content, open_uploads, upload, upload_failure

if TYPE_CHECKING:
    from pathlib import Path

ESCAPING_PATHS: Final[dict[str, str]] = {
    "up": "../outside/secret.png",
    "down and up": "sub/../../outside/secret.png",
    "absolute": "{root}/outside/secret.png",
    "absolute, through the folder": "{root}/allowed/../outside/secret.png",
    "a folder with the same prefix": "{root}/allowed-not/secret.png",
    "up to a folder with the same prefix": "../allowed-not/secret.png",
    "a link": "link.png",
    "a link to a link": "far.png",
    "a link to a folder": "out/secret.png",
    "through a link and up": "in/../../outside/secret.png",
    "a link up": "up/outside/secret.png",
    "the folder above": "..",
    "the root": "/",
    "a system file": "/etc/passwd",
    "through /proc of this process": "/proc/self/root{root}/outside/secret.png",
    "a home directory that does not exist": "~nobody-of-this-name/x.mp4",
    "a null character": "intro.mp4\x00.png",
    "a missing file": "{root}/outside/no-such.png",
    "a link to a missing file": "nowhere.png",
    "a network path": "//server/share/x.mp4",
}


def add_links(folder: Path) -> None:
    """Add links that lead out of the folder."""
    outside = folder.parent / "outside"
    (folder / "link.png").symlink_to(outside / "secret.png")
    (folder / "far.png").symlink_to("sub/link.png")
    (folder / "sub" / "link.png").symlink_to("../../outside/secret.png")
    (folder / "out").symlink_to(outside)
    (folder / "in").symlink_to("sub")
    (folder / "up").symlink_to("..")
    (folder / "nowhere.png").symlink_to(outside / "no-such.png")


async def test_no_path_or_link_escapes_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing outside is opened, and the refusal does not say whether the target exists.

    It names the allowed folder, so that a model can tell the person where to put the file.
    """
    opened: list[str] = []
    folder = tmp_path / "allowed"
    real_open = os.open

    def recording_open(path: str, *rest: Any, **named: Any) -> int:  # noqa: ANN401  as `os.open`
        opened.append(os.fspath(path))
        return real_open(path, *rest, **named)

    async with open_uploads(tmp_path) as it:
        add_links(folder)
        monkeypatch.setattr(os, "open", recording_open)
        refusal = upload_failure(
            "invalid_file",
            "The file isn't in a folder that may be read, so nothing was sent."
            f" TRAX_MEDIA_DIRS allows {folder}.",
        )
        for kind, path in ESCAPING_PATHS.items():
            assert await failure(it, path.format(root=tmp_path)) == refusal, kind
        assert calls(it) == []
    assert [it for it in opened if "secret" in it or "passwd" in it] == []


async def test_all_file_descriptors_are_closed(tmp_path: Path) -> None:
    """After an upload, and after refusals at any step."""
    folder = tmp_path / "allowed"
    async with open_uploads(tmp_path) as it:
        add_links(folder)
        (folder / "text.mp4").write_bytes(OTHER_CONTENT["text"])
        os.mkfifo(folder / "pipe.mp4")
        await upload(it)
        before = open_descriptors()
        await upload(it, "sub/deep.mp4")
        for path in ("text.mp4", "pipe.mp4", "sub", "no/such", *ESCAPING_PATHS.values()):
            await failure(it, path.format(root=tmp_path))
        assert open_descriptors() == before


@pytest.mark.parametrize("opening", range(3))
async def test_a_folder_that_becomes_a_link_after_the_check_leads_nowhere(
    opening: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Right before any of the openings. It is swapped by somebody who may write in the folder."""
    folder, count, real_open = tmp_path / "allowed", 0, os.open
    inner, kept = folder / "sub" / "inner", folder / "kept"

    def swapping_open(path: str, *rest: Any, **named: Any) -> int:  # noqa: ANN401  as `os.open`
        nonlocal count
        if count == opening and not kept.exists():
            inner.rename(kept)
            inner.symlink_to(tmp_path / "outside")
        count += 1
        return real_open(path, *rest, **named)

    async with open_uploads(tmp_path) as it:
        inner.mkdir()
        (inner / "secret.png").write_bytes(PNG)
        sent = keep_content(it)
        monkeypatch.setattr(os, "open", swapping_open)
        await upload(it, "sub/inner/secret.png")
        assert kept.exists()
        assert SECRET not in sent
