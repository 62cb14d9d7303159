"""Nothing that lies outside of the folders is read: by no path, by no link, and by no swap."""

from __future__ import annotations

import ntpath
import os
import threading
from pathlib import PureWindowsPath
from typing import TYPE_CHECKING, Final

import pytest

from tests.folders import (
    NO_FILE,
    OUTSIDE,
    SECRET,
    THERE,
    UNREADABLE,
    descriptors,
    furnish,
    read,
    refusal,
    taken,
)
from tests.media import MP4, NO_MEDIA
from tests.processes import PATIENCE_SECONDS
from trax_mcp.uploads import files
from trax_mcp.uploads.files import UnfitFileError, opened

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path


@pytest.fixture
def allowed(tmp_path: Path) -> Path:
    """A folder that may be read, with a video; beside it lies what may not."""
    return furnish(tmp_path)


LEADING_OUT: Final[dict[str, str]] = {
    "up": "../outside/secret.png",
    "down and up": "sub/../../outside/secret.png",
    "whole": "{root}/outside/secret.png",
    "whole, by way of inside": "{root}/allowed/../outside/secret.png",
    "a namesake": "{root}/allowed-not/secret.png",
    "up to a namesake": "../allowed-not/secret.png",
    "a link": "link.png",
    "a link to a link": "far.png",
    "a link to a folder": "out/secret.png",
    "through a link and up": "in/../../outside/secret.png",
    "a link up": "up/outside/secret.png",
    "the folder above": "..",
    "the root": "/",
    "the keys of the machine": "/etc/passwd",
    "by way of this process": "/proc/self/root{root}/outside/secret.png",
    "a process of nobody": "/proc/99999999/root/x",
    "a home of nobody": "~nobody-of-this-name/x.mp4",
    "a zero": "intro.mp4\x00.png",
    "what is not there": "{root}/outside/no-such.png",
    "a link to what is not there": "nowhere.png",
    "a network": "//server/share/x.mp4",
}


@pytest.fixture
def leading_out(allowed: Path) -> Path:
    """Links that lead out, one way and another."""
    outside = allowed.parent / "outside"
    (allowed / "link.png").symlink_to(outside / "secret.png")
    (allowed / "far.png").symlink_to("sub/link.png")
    (allowed / "sub" / "link.png").symlink_to("../../outside/secret.png")
    (allowed / "out").symlink_to(outside)
    (allowed / "in").symlink_to("sub")
    (allowed / "up").symlink_to("..")
    (allowed / "nowhere.png").symlink_to(outside / "no-such.png")
    return allowed


@pytest.mark.parametrize("path", LEADING_OUT.values(), ids=LEADING_OUT)
async def test_nothing_leads_out(
    leading_out: Path, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is opened, and nothing is said of what is there: not even whether it is."""
    ways: list[object] = []
    monkeypatch.setattr(os, "open", lambda *way, **_: ways.append(way))
    why = await refusal(path.format(root=leading_out.parent), leading_out)
    assert (why, ways) == (OUTSIDE, [])


OUTSIDE_BY_ITS_LETTERS: Final = (
    "{root}/outside/secret.png",
    "{root}/outside/into.mp4",
    "{root}/outside/no-such/../../allowed/intro.mp4",
    "../outside/secret.png",
    "sub/../../outside/secret.png",
    "in/../../outside/x/../../allowed/intro.mp4",
)


@pytest.mark.parametrize("path", OUTSIDE_BY_ITS_LETTERS)
async def test_what_lies_outside_by_its_letters_is_not_even_looked_at(
    leading_out: Path, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look alone may mount a disk, or send a password to a server: also where the end is inside.

    What begins inside is looked at there.
    """
    outside = leading_out.parent / "outside"
    (outside / "into.mp4").symlink_to(leading_out / "intro.mp4")
    looked: list[str] = []

    def watching(call: str) -> None:
        look = getattr(os, call)

        def watched(path: str, *rest: object, **how: object) -> object:
            looked.append(os.fspath(path))
            return look(path, *rest, **how)

        monkeypatch.setattr(os, call, watched)

    for call in ("lstat", "readlink", "stat"):
        watching(call)
    given = path.format(root=leading_out.parent)
    if path.endswith("allowed/intro.mp4"):
        assert await taken(given, leading_out) == MP4
    else:
        assert await refusal(given, leading_out) == OUTSIDE
    assert [it for it in looked if str(it).startswith(str(outside))] == []
    assert looked != []


ON_WINDOWS: Final[tuple[tuple[str, bool], ...]] = (
    (r"C:\Videos\intro.mp4", True),
    (r"c:/videos/sub/../intro.mp4", True),
    (r"C:\Videos", True),
    (r"C:\Videos\..\secret.png", False),
    (r"C:\Videos-not\x.png", False),
    (r"\\server\share\x.mp4", False),
    (r"//server/share/x.mp4", False),
    (r"\\?\C:\Videos\intro.mp4", False),
    (r"\\?\UNC\server\share\x.mp4", False),
    (r"\\.\pipe\x", False),
    (r"D:\Videos\intro.mp4", False),
    (r"D:intro.mp4", False),
    (r"\Windows\x.png", False),
)


@pytest.mark.parametrize(("path", "below"), ON_WINDOWS)
def test_on_windows_no_server_and_no_device_lies_below_a_folder(
    *, path: str, below: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To look at a server is to log in there; a folder that is on one may still be allowed."""
    monkeypatch.setattr(os.path, "normpath", ntpath.normpath)
    folder = PureWindowsPath(r"C:\Videos")
    assert files.is_below(folder / path, folder) is below
    share = PureWindowsPath(r"\\server\share")
    assert files.is_below(share / "x.mp4", share)
    assert not files.is_below(share / path, share / "videos")


async def test_a_refusal_names_the_folders(allowed: Path, tmp_path: Path) -> None:
    """So that a model can tell the person where to put the file."""
    with pytest.raises(UnfitFileError) as caught:
        await taken("/etc/passwd", allowed, tmp_path / "outside")
    named = f"TRAX_MEDIA_DIRS allows {allowed}, {tmp_path / 'outside'}."
    assert caught.value.remedy == named


async def test_without_folders_nothing_may_be_read(allowed: Path) -> None:
    """None is not all."""
    assert await refusal(allowed / "intro.mp4") == OUTSIDE


# What is swapped between the check and the use


def afterwards(monkeypatch: pytest.MonkeyPatch, asking: str, swap: Callable[[], object]) -> None:
    """Let somebody swap what lies on the disk, once, right after the system was asked this."""
    owner = os.path if asking == "realpath" else os
    ask, waiting = getattr(owner, asking), [swap]

    def asked(path: str, **how: object) -> object:
        answer = ask(path, **how)
        while waiting:
            waiting.pop()()
        return answer

    monkeypatch.setattr(owner, asking, asked)


def relink(path: Path, target: Path) -> None:
    """Put a link in the place of what is there."""
    path.rename(path.with_name("moved away"))
    path.symlink_to(target)


async def test_a_file_that_becomes_a_link_is_not_followed(
    allowed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was a file when its path was looked at, and leads out when it is opened."""
    secret = allowed.parent / "outside" / "secret.png"
    swap = lambda: relink(allowed / "intro.mp4", secret)  # noqa: E731  a swap has no name
    afterwards(monkeypatch, "realpath", swap)
    assert await refusal("intro.mp4", allowed) == NO_FILE


async def test_a_file_that_becomes_a_link_at_the_last_moment_is_not_followed(
    allowed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even after the last look at what it is."""
    secret = allowed.parent / "outside" / "secret.png"
    swap = lambda: relink(allowed / "intro.mp4", secret)  # noqa: E731  as above
    afterwards(monkeypatch, "stat", swap)
    assert await refusal("intro.mp4", allowed) == UNREADABLE


async def test_a_folder_that_becomes_a_link_is_not_followed(
    allowed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step on the way leads out all of a sudden; there is a file of that name."""
    outside = allowed.parent / "outside"
    (outside / "deep.mp4").write_bytes(SECRET)
    swap = lambda: relink(allowed / "sub", outside)  # noqa: E731  as above
    afterwards(monkeypatch, "realpath", swap)
    assert await refusal("sub/deep.mp4", allowed) == THERE


async def test_a_file_that_becomes_a_pipe_holds_nobody_up(
    allowed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Opening one waits for a writer; here there is none, unless it takes for ever."""
    path, late = allowed / "intro.mp4", threading.Event()

    def write() -> None:
        late.set()
        path.open("r+b").close()

    writer = threading.Timer(PATIENCE_SECONDS / 2, write)

    def swap() -> None:
        path.unlink()
        os.mkfifo(path)
        writer.start()

    afterwards(monkeypatch, "stat", swap)
    before = descriptors()
    assert await refusal("intro.mp4", allowed) == NO_FILE
    writer.cancel()
    assert not late.is_set()
    assert descriptors() == before


async def test_what_was_opened_is_what_is_read(allowed: Path) -> None:
    """Another file under the same name comes too late."""
    async with opened("intro.mp4", [allowed]) as file:
        (allowed / "intro.mp4").rename(allowed / "moved.mp4")
        (allowed / "intro.mp4").write_bytes(SECRET)
        assert await read(file) == MP4


# What stays behind


async def test_nothing_stays_open(leading_out: Path) -> None:
    """Neither what was read, nor what was refused at any step."""
    (leading_out / "text.mp4").write_bytes(NO_MEDIA["text"])
    os.mkfifo(leading_out / "pipe.mp4")
    await taken("intro.mp4", leading_out)
    before = descriptors()
    await taken("sub/deep.mp4", leading_out)
    for path in ("text.mp4", "pipe.mp4", "sub", "no/such", "intro.mp4/x", *LEADING_OUT.values()):
        await refusal(path.format(root=leading_out.parent), leading_out)
    assert descriptors() == before


def test_steps_are_names_and_nothing_else(leading_out: Path) -> None:
    """No way up, no way of its own, and the folder itself is none of its files."""
    for path, steps in {
        "sub/../sub/deep.mp4": ("sub", "deep.mp4"),
        "in/deep.mp4": ("sub", "deep.mp4"),
        "sub": ("sub",),
        ".": (".",),
        "..": None,
    }.items():
        found: Sequence[str] | None = files._steps(path, leading_out)
        assert found == steps
