"""A file is replaced completely or not at all."""

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


def contents(path: Path) -> dict[str, bytes | None]:
    """The content of every file by relative path; None for a folder."""
    return {
        str(it.relative_to(path)): it.read_bytes() if it.is_file() else None
        for it in path.rglob("*")
    }


@pytest.mark.parametrize("exists", [True, False], ids=["existing file", "new file"])
def test_replacement_without_commit_leaves_nothing(*, exists: bool, tmp_path: Path) -> None:
    """No temporary file and no new folder."""
    file = tmp_path / "a" / "b" / "file"
    if exists:
        file.parent.mkdir(parents=True)
        file.write_bytes(b"old")
    before = contents(tmp_path)
    with Replacement(file, b"new") as replacement:
        assert b"new" in contents(tmp_path).values()
        assert replacement.new_folders == ([] if exists else [tmp_path / "a", tmp_path / "a" / "b"])
    assert contents(tmp_path) == before


def test_committed_replacement_leaves_no_temporary_file(tmp_path: Path) -> None:
    """The missing folder is created."""
    file = tmp_path / "a" / "file"
    with Replacement(file, b"new") as replacement:
        replacement.commit()
    assert contents(tmp_path) == {"a": None, "a/file": b"new"}


def test_incomplete_backup_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a full disk."""
    file = tmp_path / "file"
    file.write_bytes(b"old")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "full")

    monkeypatch.setattr(Path, "chmod", full)
    with pytest.raises(OSError, match="full"):
        back_up(file, b"old")
    assert contents(tmp_path) == {"file": b"old"}


@pytest.mark.parametrize(("mode", "expected"), [(0o644, 0o600), (0o660, 0o600), (0o600, 0o600)])
def test_backup_is_private(tmp_path: Path, mode: int, expected: int) -> None:
    """It may contain a key."""
    file = tmp_path / "file"
    file.write_bytes(b"old")
    file.chmod(mode)
    assert back_up(file, b"old").path.stat().st_mode & 0o777 == expected


def test_interrupt_after_the_last_replacement_is_ignored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything is done, so an error would be wrong."""
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
            pytest.fail("the interrupt was raised")
    assert contents(tmp_path) == {"a": b"1", "b": b"2"}


def test_interrupt_after_the_first_replacement_undoes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even before the commit returns."""
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
    assert contents(tmp_path) == {"a": b"old"}


def test_folder_created_before_the_commit_stays(tmp_path: Path) -> None:
    """The temporary file is removed."""
    file = tmp_path / "file"
    with Replacement(file, b"new") as replacement:
        file.mkdir()
        with pytest.raises(InstallError, match="is a folder, not a file"):
            replacement.commit()
    assert contents(tmp_path) == {"file": None}


def test_file_that_cannot_be_created_leaves_no_folder(tmp_path: Path) -> None:
    """Here the name is too long."""
    file = tmp_path / "a" / ("b" * 300)
    with pytest.raises(InstallError, match="cannot be written"), Replacement(file, b"new"):
        pass
    assert contents(tmp_path) == {}
    with pytest.raises(InstallError, match="cannot be reached"):
        check_writable(tmp_path / ("b" * 300) / "c")
