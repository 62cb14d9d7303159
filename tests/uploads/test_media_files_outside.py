"""No file outside of the allowed folders is read: by no path, no link, and no replaced file."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.media_folders import (
    NOT_FOUND,
    NOT_REGULAR,
    OUTSIDE,
    SECRET,
    UNREADABLE,
    make_media_folder,
    open_descriptors,
    read,
    refusal_reason,
    upload_content,
)
from tests.support.media_samples import MP4, OTHER_CONTENT
from tests.support.server_process import PATIENCE_SECONDS
from trax_mcp.uploads.files import MediaFileError, open_media_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def allowed(tmp_path: Path) -> Path:
    """An allowed folder with two videos; the folders beside it are not allowed."""
    return make_media_folder(tmp_path)


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
    "a process that does not exist": "/proc/99999999/root/x",
    "a home directory that does not exist": "~nobody-of-this-name/x.mp4",
    "a null character": "intro.mp4\x00.png",
    "a missing file": "{root}/outside/no-such.png",
    "a link to a missing file": "nowhere.png",
    "a network path": "//server/share/x.mp4",
}


@pytest.fixture
def folder_with_links(allowed: Path) -> Path:
    """An allowed folder with links that lead out of it."""
    outside = allowed.parent / "outside"
    (allowed / "link.png").symlink_to(outside / "secret.png")
    (allowed / "far.png").symlink_to("sub/link.png")
    (allowed / "sub" / "link.png").symlink_to("../../outside/secret.png")
    (allowed / "out").symlink_to(outside)
    (allowed / "in").symlink_to("sub")
    (allowed / "up").symlink_to("..")
    (allowed / "nowhere.png").symlink_to(outside / "no-such.png")
    return allowed


@pytest.mark.parametrize("path", ESCAPING_PATHS.values(), ids=ESCAPING_PATHS)
async def test_no_path_or_link_escapes_the_folder(
    folder_with_links: Path, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is opened, and the refusal does not say whether the target exists."""
    opened: list[object] = []
    monkeypatch.setattr(os, "open", lambda *path, **_: opened.append(path))
    why = await refusal_reason(path.format(root=folder_with_links.parent), folder_with_links)
    assert (why, opened) == (OUTSIDE, [])


LEXICALLY_OUTSIDE: Final = (
    "{root}/outside/secret.png",
    "{root}/outside/into.mp4",
    "{root}/outside/no-such/../../allowed/intro.mp4",
    "../outside/secret.png",
    "sub/../../outside/secret.png",
    "in/../../outside/x/../../allowed/intro.mp4",
)


@pytest.mark.parametrize("path", LEXICALLY_OUTSIDE)
async def test_a_path_that_is_lexically_outside_is_not_inspected(
    folder_with_links: Path, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Inspecting a path can mount a disk or send a password to a server.

    This holds even if the path ends inside. A path that begins inside is inspected there.
    """
    outside = folder_with_links.parent / "outside"
    (outside / "into.mp4").symlink_to(folder_with_links / "intro.mp4")
    inspected: list[str] = []

    def record(call: str) -> None:
        real_call = getattr(os, call)

        def recording(path: str, *rest: object, **kwargs: object) -> object:
            inspected.append(os.fspath(path))
            return real_call(path, *rest, **kwargs)

        monkeypatch.setattr(os, call, recording)

    for call in ("lstat", "readlink", "stat"):
        record(call)
    full_path = path.format(root=folder_with_links.parent)
    if path.endswith("allowed/intro.mp4"):
        assert await upload_content(full_path, folder_with_links) == MP4
    else:
        assert await refusal_reason(full_path, folder_with_links) == OUTSIDE
    assert [it for it in inspected if str(it).startswith(str(outside))] == []
    assert inspected != []


async def test_a_refusal_names_the_allowed_folders(allowed: Path, tmp_path: Path) -> None:
    """So that a model can tell the person where to put the file."""
    with pytest.raises(MediaFileError) as caught:
        await upload_content("/etc/passwd", allowed, tmp_path / "outside")
    named = f"TRAX_MEDIA_DIRS allows {allowed}, {tmp_path / 'outside'}."
    assert caught.value.remedy == named


async def test_without_allowed_folders_no_file_can_be_read(allowed: Path) -> None:
    """No folder does not mean all folders."""
    assert await refusal_reason(allowed / "intro.mp4") == OUTSIDE


# Files that are replaced between check and use


def swap_after(
    monkeypatch: pytest.MonkeyPatch, function_name: str, swap: Callable[[], object]
) -> None:
    """Run `swap` once, right after the first call of this `os` function."""
    owner = os.path if function_name == "realpath" else os
    real_function, pending = getattr(owner, function_name), [swap]

    def swapping(path: str, **kwargs: object) -> object:
        answer = real_function(path, **kwargs)
        while pending:
            pending.pop()()
        return answer

    monkeypatch.setattr(owner, function_name, swapping)


def replace_by_link(path: Path, target: Path) -> None:
    """Replace a file by a link."""
    path.rename(path.with_name("moved away"))
    path.symlink_to(target)


async def test_a_file_replaced_by_a_link_is_not_followed(
    allowed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is a file when its path is resolved, and a link when it is opened."""
    secret = allowed.parent / "outside" / "secret.png"
    swap = lambda: replace_by_link(allowed / "intro.mp4", secret)  # noqa: E731  a function would be longer
    swap_after(monkeypatch, "realpath", swap)
    assert await refusal_reason("intro.mp4", allowed) == NOT_REGULAR


async def test_a_file_replaced_by_a_link_just_before_open_is_not_followed(
    allowed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even after the last check of its type."""
    secret = allowed.parent / "outside" / "secret.png"
    swap = lambda: replace_by_link(allowed / "intro.mp4", secret)  # noqa: E731  as above
    swap_after(monkeypatch, "stat", swap)
    assert await refusal_reason("intro.mp4", allowed) == UNREADABLE


async def test_a_folder_replaced_by_a_link_is_not_followed(
    allowed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A parent folder is replaced; its target has a file of the same name."""
    outside = allowed.parent / "outside"
    (outside / "deep.mp4").write_bytes(SECRET)
    swap = lambda: replace_by_link(allowed / "sub", outside)  # noqa: E731  as above
    swap_after(monkeypatch, "realpath", swap)
    assert await refusal_reason("sub/deep.mp4", allowed) == NOT_FOUND


async def test_a_file_replaced_by_a_pipe_does_not_block(
    allowed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Opening a pipe waits for a writer; here none comes before the timeout."""
    path, timed_out = allowed / "intro.mp4", threading.Event()

    def write() -> None:
        timed_out.set()
        path.open("r+b").close()

    writer = threading.Timer(PATIENCE_SECONDS / 2, write)

    def swap() -> None:
        path.unlink()
        os.mkfifo(path)
        writer.start()

    swap_after(monkeypatch, "stat", swap)
    before = open_descriptors()
    assert await refusal_reason("intro.mp4", allowed) == NOT_REGULAR
    writer.cancel()
    assert not timed_out.is_set()
    assert open_descriptors() == before


async def test_the_opened_file_is_read_even_if_its_path_is_replaced(allowed: Path) -> None:
    """Another file under the same name is ignored."""
    async with open_media_file("intro.mp4", [allowed]) as file:
        (allowed / "intro.mp4").rename(allowed / "moved.mp4")
        (allowed / "intro.mp4").write_bytes(SECRET)
        assert await read(file) == MP4


# Cleanup


async def test_all_file_descriptors_are_closed(folder_with_links: Path) -> None:
    """After successful reads, and after refusals at any step."""
    (folder_with_links / "text.mp4").write_bytes(OTHER_CONTENT["text"])
    os.mkfifo(folder_with_links / "pipe.mp4")
    await upload_content("intro.mp4", folder_with_links)
    before = open_descriptors()
    await upload_content("sub/deep.mp4", folder_with_links)
    for path in ("text.mp4", "pipe.mp4", "sub", "no/such", "intro.mp4/x", *ESCAPING_PATHS.values()):
        await refusal_reason(path.format(root=folder_with_links.parent), folder_with_links)
    assert open_descriptors() == before
