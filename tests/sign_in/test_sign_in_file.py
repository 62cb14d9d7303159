"""The file of sign-ins: other files at its place, another process on it, and a disk that fails."""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.sign_in_setup import (
    CLIENT,
    FILE,
    KEY,
    OTHER_KEY,
    grant_of,
    key_of,
    refreshed,
    store_in,
)
from trax_mcp.settings import CannotStart
from trax_mcp.sign_in.grants import SignInUnavailable
from trax_mcp.sign_in.sign_in_file import SignInFile
from trax_mcp.sign_in.sign_in_rows import end_sign_in, list_sign_ins

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support.sign_in_setup import WallClock
    from trax_mcp.sign_in.store import SignInStore

pytestmark = pytest.mark.slow  # real disks, and locks that are waited for

NOT_OURS: Final = (
    "TRAX_SIGN_IN_FILE names a file that holds no sign-ins, or is damaged. Move it away: then a new"
    " one is made, and everybody signs in again."
)
UNAVAILABLE: Final = (
    "This server cannot keep or look up sign-ins right now, so nothing was changed. Try again"
    " later, or tell the person who runs it."
)


@contextmanager
def full_disk(folder: Path) -> Iterator[None]:
    """No file of this process can grow beyond the smallest one of a folder."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    size = min(it.stat().st_size for it in folder.iterdir())
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def read_only_disk(store: SignInStore) -> Iterator[None]:
    """SQLite can read and not write, as on a disk that became read-only."""
    store._file.read("PRAGMA query_only = ON")
    yield
    store._file.read("PRAGMA query_only = OFF")


@contextmanager
def busy_process(folder: Path) -> Iterator[None]:
    """Another process is in the middle of a change."""
    with closing(sqlite3.connect(folder / FILE, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")


@contextmanager
def failing_writes(kind: str, store: SignInStore, folder: Path) -> Iterator[None]:
    """One of these."""
    match kind:
        case "full":
            context = full_disk(folder)
        case "read-only":
            context = read_only_disk(store)
        case _:
            context = busy_process(folder)
    with context:
        yield


FAILURES: Final = ("full", "read-only", "busy")


@pytest.mark.parametrize("kind", FAILURES)
def test_calls_go_on_while_nothing_can_be_written(
    store: SignInStore, tmp_path: Path, clock: WallClock, kind: str
) -> None:
    """Even if the use of a token would be noted. It is noted when that works again."""
    tokens = store.issue(grant_of())
    clock.move(days=1)
    with failing_writes(kind, store, tmp_path):
        for _call in range(3):
            assert key_of(store, tokens.access_token) == KEY
        assert len(store.of_person(KEY)) == 1
    clock.move(minutes=1)
    assert key_of(store, tokens.access_token) == KEY
    assert [it.last_used for it in store.all()] == [clock.now()]


@pytest.mark.parametrize("kind", FAILURES)
@pytest.mark.parametrize(
    "change",
    [
        lambda store, _: store.issue(grant_of(OTHER_KEY)),
        lambda store, tokens: store.refresh(tokens.refresh_token, client_id=CLIENT.id),
        lambda store, tokens: store.revoke(tokens.sign_in_id),
        lambda store, tokens: store.revoke_token(tokens.access_token, client_id=CLIENT.id),
        lambda store, _: store.add_client(CLIENT),
    ],
    ids=["issue", "refresh", "revoke", "revoke_token", "add_client"],
)
def test_a_change_that_cannot_be_written_fails_whole(
    *,
    store: SignInStore,
    tmp_path: Path,
    kind: str,
    change: Callable[..., object],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """With a sentence for the person. The log says once why, and afterwards it works."""
    tokens = store.issue(grant_of())
    before = store.all()
    with failing_writes(kind, store, tmp_path):
        for _attempt in range(2):
            with pytest.raises(SignInUnavailable) as caught:
                change(store, tokens)
            assert str(caught.value) == UNAVAILABLE
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("TRAX_SIGN_IN_FILE cannot be read or written: SQLITE_")
    assert store.all() == before
    assert store.find_client(CLIENT.id) is None
    assert key_of(store, tokens.access_token) == KEY
    change(store, tokens)


def test_a_refresh_that_failed_can_be_repeated_at_any_time(
    store: SignInStore, tmp_path: Path, clock: WallClock
) -> None:
    """Its token was not used up."""
    tokens = store.issue(grant_of())
    with full_disk(tmp_path), pytest.raises(SignInUnavailable):
        store.refresh(tokens.refresh_token, client_id=CLIENT.id)
    clock.move(days=1)
    refreshed(store, tokens.refresh_token)


def test_a_sign_in_that_a_command_revokes_is_gone_for_the_server_at_once(
    store: SignInStore, tmp_path: Path, clock: WallClock
) -> None:
    """Both have the file open. The command needs no secret."""
    tokens, other = store.issue(grant_of()), store.issue(grant_of(OTHER_KEY))
    command = SignInFile(tmp_path / FILE, wait_seconds=0)
    with closing(command):
        assert list(list_sign_ins(command, now=clock.now())) == list(store.all())
        assert end_sign_in(command, tokens.sign_in_id)
        assert not end_sign_in(command, tokens.sign_in_id)
    assert store.find(tokens.access_token) is None
    assert key_of(store, other.access_token) == OTHER_KEY
    store.issue(grant_of())


def test_a_sign_in_outlives_the_server(
    store: SignInStore, tmp_path: Path, clock: WallClock
) -> None:
    """Its tokens are good after a restart."""
    tokens = store.issue(grant_of())
    store.close()
    with closing(store_in(tmp_path, clock)) as restarted:
        assert key_of(restarted, tokens.access_token) == KEY
        refreshed(restarted, tokens.refresh_token)


@pytest.mark.parametrize("names", [(FILE,), (FILE, f"{FILE}-wal", f"{FILE}-shm")])
def test_deleting_the_file_ends_all_sign_ins_at_once(
    store: SignInStore, tmp_path: Path, clock: WallClock, names: tuple[str, ...]
) -> None:
    """The server goes on with a new file, which outlives it."""
    tokens = store.issue(grant_of())
    for name in names:
        (tmp_path / name).unlink()
    assert store.find(tokens.access_token) is None
    assert store.all() == []
    again = store.issue(grant_of())
    assert key_of(store, again.access_token) == KEY
    store.close()
    with closing(store_in(tmp_path, clock)) as restarted:
        assert key_of(restarted, again.access_token) == KEY
        assert restarted.find(tokens.access_token) is None


def test_a_backup_that_is_moved_to_the_file_s_place_counts_at_once(
    store: SignInStore, tmp_path: Path, clock: WallClock
) -> None:
    """What came after it is gone."""
    tokens = store.issue(grant_of())
    store.close()
    backup = tmp_path / "backup"
    shutil.copy2(tmp_path / FILE, backup)
    with closing(store_in(tmp_path, clock)) as serving:
        later = serving.issue(grant_of(OTHER_KEY))
        for name in (f"{FILE}-wal", f"{FILE}-shm"):
            (tmp_path / name).unlink()
        backup.rename(tmp_path / FILE)
        assert key_of(serving, tokens.access_token) == KEY
        assert serving.find(later.access_token) is None


def test_a_folder_that_is_gone_is_an_outage_until_it_is_back(
    tmp_path: Path, clock: WallClock
) -> None:
    """As a volume that is unmounted."""
    folder = tmp_path / "volume"
    with closing(store_in(folder, clock)) as store:
        tokens = store.issue(grant_of())
        folder.rename(tmp_path / "elsewhere")
        folder.write_text("")
        for _call in range(2):
            with pytest.raises(SignInUnavailable, match=UNAVAILABLE):
                store.find(tokens.access_token)
        folder.unlink()
        (tmp_path / "elsewhere").rename(folder)
        assert key_of(store, tokens.access_token) == KEY


def scribble(path: Path) -> None:
    path.write_bytes(os.urandom(8192))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:6000])


def overwrite_a_page(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4096:12288] = b"\xff" * 8192
    path.write_bytes(content)


def overwrite_the_last_page(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-4096] + b"\xff" * 4096)


def make_another_program_s(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE sign_ins (id TEXT)")


@pytest.mark.parametrize(
    "damage", [scribble, cut, overwrite_a_page, overwrite_the_last_page, make_another_program_s]
)
def test_a_damaged_or_foreign_file_stops_the_start_with_one_sentence(
    store: SignInStore, tmp_path: Path, clock: WallClock, damage: Callable[[Path], None]
) -> None:
    """And is not touched."""
    for _each in range(5):
        store.issue(grant_of())
    store.close()
    path = tmp_path / FILE
    damage(path)
    path.chmod(0o600)
    before = path.read_bytes()
    with pytest.raises(CannotStart) as caught:
        store_in(tmp_path, clock)
    assert str(caught.value) == NOT_OURS
    assert path.read_bytes() == before


def test_a_file_of_a_later_version_stops_the_start(
    store: SignInStore, tmp_path: Path, clock: WallClock
) -> None:
    """Its rows may mean something else."""
    store.close()
    with closing(sqlite3.connect(tmp_path / FILE)) as later:
        later.execute("PRAGMA user_version = 2")
    with pytest.raises(CannotStart, match="was written by a later version of trax-mcp"):
        store_in(tmp_path, clock)


def test_a_command_makes_no_file(tmp_path: Path) -> None:
    """It reads that of a server."""
    with pytest.raises(CannotStart, match="cannot be read: No such file or directory"):
        SignInFile(tmp_path / FILE, wait_seconds=0)
    assert not list(tmp_path.iterdir())
