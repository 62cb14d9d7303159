"""The two files of signing in are this user's alone, and the server's secret is made once."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.sign_in_setup import FILE, grant_of, store_in
from trax_mcp.settings import CannotStart
from trax_mcp.sign_in.private_files import server_secret

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.sign_in_setup import WallClock
    from trax_mcp.sign_in.store import SignInStore

SECRET_SETTING: Final = "TRAX_SIGN_IN_SECRET_FILE"
posix_only = pytest.mark.skipif(os.name != "posix", reason="Windows has no such permissions")


def refusal_of_secret(path: Path) -> str:
    """The sentence with which a secret file is refused."""
    with pytest.raises(CannotStart) as caught:
        server_secret(path)
    return str(caught.value)


@posix_only
def test_only_this_user_can_open_what_is_made(
    store: SignInStore, tmp_path: Path, clock: WallClock
) -> None:
    """The file, its journal, the secret, and new folders, whatever the umask allows."""
    store.issue(grant_of())
    before = os.umask(0)
    try:
        store_in(tmp_path / "new" / "deep", clock).close()
        server_secret(tmp_path / "secret")
    finally:
        os.umask(before)
    found = [it for it in tmp_path.rglob("*") if it.is_file()]
    assert {it.name for it in found} >= {FILE, f"{FILE}-wal", f"{FILE}-shm", "secret"}
    assert {stat.S_IMODE(it.stat().st_mode) for it in found} == {0o600}
    assert stat.S_IMODE((tmp_path / "new" / "deep").stat().st_mode) == 0o700


@posix_only
@pytest.mark.parametrize("mode", [0o640, 0o620, 0o604, 0o602, 0o610, 0o777])
def test_a_file_that_others_can_open_stops_the_start(
    store: SignInStore, tmp_path: Path, clock: WallClock, mode: int
) -> None:
    """Either file; the sentence says what to run."""
    store.close()
    server_secret(tmp_path / "secret")
    for name in (FILE, "secret"):
        (tmp_path / name).chmod(mode)
    end = "names a file that others can open. Run chmod 600 on it."
    assert refusal_of_secret(tmp_path / "secret") == f"{SECRET_SETTING} {end}"
    with pytest.raises(CannotStart) as caught:
        store_in(tmp_path, clock)
    assert str(caught.value) == f"TRAX_SIGN_IN_FILE {end}"


@posix_only
def test_a_file_in_a_folder_that_everybody_can_write_stops_the_start(tmp_path: Path) -> None:
    """They could put another in its place. With the sticky bit, as in /tmp, they cannot."""
    server_secret(tmp_path / "open" / "secret")
    (tmp_path / "open").chmod(0o777)
    assert refusal_of_secret(tmp_path / "open" / "secret") == (
        f"{SECRET_SETTING} is in a folder that everybody can write. Move it elsewhere."
    )
    (tmp_path / "open").chmod(0o1777)
    server_secret(tmp_path / "open" / "secret")


@posix_only
def test_a_file_of_another_user_stops_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That user could change its permissions at any time."""
    server_secret(tmp_path / "secret")
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert refusal_of_secret(tmp_path / "secret") == (
        f"{SECRET_SETTING} names a file of another user. It must be your own."
    )


def test_the_secret_is_made_once(tmp_path: Path) -> None:
    """And no two servers have the same."""
    first = server_secret(tmp_path / "secret")
    assert server_secret(tmp_path / "secret") == first
    assert len(first) >= 43
    assert server_secret(tmp_path / "other") != first


@pytest.mark.parametrize("content", [b"", b"\n", b"x" * 31, "schlüssel".encode() * 9])
def test_a_file_without_a_good_secret_stops_the_start(tmp_path: Path, content: bytes) -> None:
    """It is not replaced, since it may be another file."""
    path = tmp_path / "secret"
    path.write_bytes(content)
    path.chmod(0o600)
    sentence = refusal_of_secret(path)
    assert sentence.startswith(SECRET_SETTING)
    assert "x" * 31 not in sentence
    assert path.read_bytes() == content


def test_a_folder_in_place_of_the_secret_stops_the_start(tmp_path: Path) -> None:
    """As Docker makes one for a file that is not there."""
    assert refusal_of_secret(tmp_path) == f"{SECRET_SETTING} must name a file."


def test_a_secret_that_cannot_be_made_stops_the_start(tmp_path: Path) -> None:
    """Its folder is a file."""
    (tmp_path / "file").write_text("")
    assert refusal_of_secret(tmp_path / "file" / "secret") == (
        f"{SECRET_SETTING} cannot be read: Not a directory."
    )
