"""A file is replaced whole or not at all: what waits to take its place leaves no trace if not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from trax_mcp.cli.replacement import (
    InstallError,
    Replacement,
    back_up,
    check_writable,
    commit_all,
)

if TYPE_CHECKING:
    import os


def below(path: Path) -> dict[str, bytes | None]:
    """All that there is; None for a folder."""
    return {
        str(it.relative_to(path)): it.read_bytes() if it.is_file() else None
        for it in path.rglob("*")
    }


@pytest.mark.parametrize("there", [True, False], ids=["old", "new"])
def test_what_is_not_committed_was_never_there(*, there: bool, tmp_path: Path) -> None:
    """No content, no file beside it, no folder that was made for it."""
    file = tmp_path / "a" / "b" / "file"
    if there:
        file.parent.mkdir(parents=True)
        file.write_bytes(b"old")
    before = below(tmp_path)
    with Replacement(file, b"new") as waiting:
        assert b"new" in below(tmp_path).values()
        assert waiting.made == ([] if there else [tmp_path / "a", tmp_path / "a" / "b"])
    assert below(tmp_path) == before


def test_what_is_committed_is_all_that_stays(tmp_path: Path) -> None:
    """With nothing left beside it."""
    file = tmp_path / "a" / "file"
    with Replacement(file, b"new") as waiting:
        waiting.commit()
    assert below(tmp_path) == {"a": None, "a/file": b"new"}


def test_what_is_only_half_kept_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full: half a backup would be taken for one."""
    file = tmp_path / "file"
    file.write_bytes(b"old")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "full")

    monkeypatch.setattr(Path, "chmod", full)
    with pytest.raises(OSError, match="full"):
        back_up(file, b"old")
    assert below(tmp_path) == {"file": b"old"}


@pytest.mark.parametrize(("mode", "kept"), [(0o644, 0o600), (0o660, 0o600), (0o600, 0o600)])
def test_a_backup_is_for_its_owner(tmp_path: Path, mode: int, kept: int) -> None:
    """It may hold a key, and outlives it."""
    file = tmp_path / "file"
    file.write_bytes(b"old")
    file.chmod(mode)
    assert back_up(file, b"old").path.stat().st_mode & 0o777 == kept


def test_an_interrupt_after_the_last_replacement_comes_too_late(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All is done: to say that nothing was would be wrong."""
    replace = Path.replace

    def interrupted(path: Path, target: str | os.PathLike[str]) -> Path:
        replace(path, target)
        if Path(target).name == "b":
            raise KeyboardInterrupt
        return Path(target)

    monkeypatch.setattr(Path, "replace", interrupted)
    with Replacement(tmp_path / "a", b"1") as first, Replacement(tmp_path / "b", b"2") as last:
        try:
            commit_all([first, last])
        except KeyboardInterrupt:
            pytest.fail("it was told as if it had come in time")
    assert below(tmp_path) == {"a": b"1", "b": b"2"}


def test_an_interrupt_right_after_the_first_undoes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even before anybody could note that it was done."""
    replace, calls = Path.replace, [KeyboardInterrupt]

    def interrupted(path: Path, target: str | os.PathLike[str]) -> Path:
        replace(path, target)
        while calls:
            raise calls.pop()
        return Path(target)

    monkeypatch.setattr(Path, "replace", interrupted)
    (tmp_path / "a").write_bytes(b"old")
    with (
        Replacement(tmp_path / "a", b"1") as first,
        Replacement(tmp_path / "c" / "b", b"2") as last,
        pytest.raises(KeyboardInterrupt),
    ):
        commit_all([first, last])
    assert below(tmp_path) == {"a": b"old"}


def test_a_place_that_was_taken_meanwhile_stays_taken(tmp_path: Path) -> None:
    """And nothing waits for it any longer."""
    file = tmp_path / "file"
    with Replacement(file, b"new") as waiting:
        file.mkdir()
        with pytest.raises(InstallError, match="is a folder, not a file"):
            waiting.commit()
    assert below(tmp_path) == {"file": None}


def test_what_cannot_be_made_is_told_and_leaves_no_folder(tmp_path: Path) -> None:
    """A name may be longer than a file system takes."""
    file = tmp_path / "a" / ("b" * 300)
    with pytest.raises(InstallError, match="cannot be written"), Replacement(file, b"new"):
        pass
    assert below(tmp_path) == {}
    with pytest.raises(InstallError, match="cannot be reached"):
        check_writable(tmp_path / ("b" * 300) / "c")
