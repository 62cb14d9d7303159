"""The server's two files: whose they are, what stops the start, and a disk that fails."""

from __future__ import annotations

import os
import resource
import sqlite3
import stat
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Final

import anyio
import pytest

from tests.support.hosted_process import FILE, SECRET_FILE
from tests.support.product.commands import run_command
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.served_sign_in import registered, signing_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    Damage = Callable[[Path], None]
    Failing = Callable[[Path], AbstractContextManager[None]]

DAY: Final = 86_400
NOT_OURS: Final = (
    "trax-mcp: TRAX_SIGN_IN_FILE names a file that holds no sign-ins, or is damaged. Move it away:"
    " then a new one is made, and everybody signs in again.\n"
)
UNAVAILABLE: Final = (
    "This server cannot keep or look up sign-ins right now, so nothing was changed. Try again"
    " later, or tell the person who runs it."
)
posix_only = pytest.mark.skipif(os.name != "posix", reason="Windows has no such permissions")


def refusal_to_start(folder: Path) -> str:
    """The output of a server that does not start on the files in a folder."""
    settings = {
        "TRAX_SIGN_IN_FILE": str(folder / FILE),
        "TRAX_SIGN_IN_SECRET_FILE": str(folder / SECRET_FILE),
    }
    url = "http://localhost:8765"
    refused = run_command(
        "http", "--port", "0", "--sign-in", "--public-url", url, settings=settings
    )
    assert (refused.code, refused.out) == (1, "")
    return refused.err


def put(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Make a file."""
    path.write_bytes(content)
    path.chmod(mode)


def files_below(folder: Path) -> list[Path]:
    """All files in a folder and below."""
    return [it for it in folder.rglob("*") if it.is_file()]


@posix_only
async def test_only_this_user_can_open_what_is_made(tmp_path: Path) -> None:
    """The file, its journal, the secret, and new folders, whatever the umask allows."""
    before = os.umask(0)
    folder = tmp_path / "new" / "deep"
    try:
        async with registered(folder) as (_front, steps):
            await steps.sign_in(SANDBOX_KEY)
            found = files_below(tmp_path)
            modes = {stat.S_IMODE(it.stat().st_mode) for it in found}
    finally:
        os.umask(before)
    assert {it.name for it in found} >= {FILE, SECRET_FILE}
    assert modes == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@posix_only
@pytest.mark.parametrize("mode", [0o640, 0o602, 0o610])
@pytest.mark.parametrize("name", [FILE, SECRET_FILE])
def test_a_file_that_others_can_open_stops_the_start(name: str, mode: int, tmp_path: Path) -> None:
    """The sentence says what to run."""
    put(tmp_path / SECRET_FILE, b"x" * 43)
    put(tmp_path / FILE, b"")
    (tmp_path / name).chmod(mode)
    setting = "TRAX_SIGN_IN_FILE" if name == FILE else "TRAX_SIGN_IN_SECRET_FILE"
    assert refusal_to_start(tmp_path) == (
        f"trax-mcp: {setting} names a file that others can open. Run chmod 600 on it.\n"
    )


@posix_only
def test_a_file_of_another_user_stops_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That user could change its permissions at any time."""
    put(tmp_path / SECRET_FILE, b"x" * 43)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert refusal_to_start(tmp_path) == (
        "trax-mcp: TRAX_SIGN_IN_SECRET_FILE names a file of another user. It must be your own.\n"
    )


@pytest.mark.parametrize("content", [b"", b"\n", b"x" * 31, "schlüssel".encode() * 9])
def test_a_file_without_a_good_secret_stops_the_start(content: bytes, tmp_path: Path) -> None:
    """It is not replaced, since it may be another file, and not printed."""
    put(tmp_path / SECRET_FILE, content)
    sentence = refusal_to_start(tmp_path)
    assert sentence.startswith("trax-mcp: TRAX_SIGN_IN_SECRET_FILE")
    assert "x" * 31 not in sentence
    assert (tmp_path / SECRET_FILE).read_bytes() == content


def test_a_folder_in_place_of_the_secret_stops_the_start(tmp_path: Path) -> None:
    """As Docker makes one for a file that is not there."""
    (tmp_path / SECRET_FILE).mkdir()
    expected = "trax-mcp: TRAX_SIGN_IN_SECRET_FILE must name a file.\n"
    assert refusal_to_start(tmp_path) == expected


def test_a_secret_that_cannot_be_made_stops_the_start(tmp_path: Path) -> None:
    """Its folder is a file."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert refusal_to_start(tmp_path / "file") == (
        "trax-mcp: TRAX_SIGN_IN_SECRET_FILE cannot be read: Not a directory.\n"
    )


async def test_no_two_servers_have_one_secret(tmp_path: Path) -> None:
    secrets = []
    for name in ("one", "other", "one"):
        async with signing_in(tmp_path / name):
            secrets.append((tmp_path / name / SECRET_FILE).read_text(encoding="utf-8"))
    assert secrets[0] == secrets[2] != secrets[1]


def scribble(path: Path) -> None:
    path.write_bytes(bytes(range(256)) * 32)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:6000])


def overwrite_the_end(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-4096] + b"\xff" * 4096)


def make_another_program_s(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE sign_ins (id TEXT)")


@pytest.mark.parametrize("damage", [scribble, cut, overwrite_the_end, make_another_program_s])
def test_a_damaged_or_foreign_file_stops_the_start_with_one_sentence(
    damage: Damage, tmp_path: Path
) -> None:
    """And is not touched."""
    anyio.run(sign_in_once, tmp_path)
    damage(tmp_path / FILE)
    (tmp_path / FILE).chmod(0o600)
    before = (tmp_path / FILE).read_bytes()
    assert refusal_to_start(tmp_path) == NOT_OURS
    assert (tmp_path / FILE).read_bytes() == before


async def sign_in_once(folder: Path) -> None:
    """Let a server write its file."""
    async with registered(folder) as (_front, steps):
        await steps.sign_in(SANDBOX_KEY)


# A disk that fails while people are signed in


@contextmanager
def full_disk(folder: Path) -> Iterator[None]:
    """No file of this process can grow beyond the smallest one of a folder."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    size = min(it.stat().st_size for it in folder.iterdir() if it.name != SECRET_FILE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def busy_process(folder: Path) -> Iterator[None]:
    """Another process is in the middle of a change."""
    with closing(sqlite3.connect(folder / FILE, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")


@pytest.mark.parametrize("failing", [full_disk, busy_process])
async def test_while_nothing_can_be_written_calls_go_on_and_changes_fail_whole(
    failing: Failing, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """With a sentence for the client. The log says why, and afterwards all of it works."""
    async with registered(tmp_path) as (front, steps):
        tokens = await steps.sign_in(SANDBOX_KEY)
        code = await steps.code(SANDBOX_KEY)
        front.clock.advance(30)
        given = {"token": tokens["access_token"], "client_id": steps.client_id}
        with failing(tmp_path):
            answers = [
                await steps.redeem(code),
                await steps.refresh(tokens["refresh_token"]),
                await steps.http.post("/revoke", data=given),
            ]
            assert len(front.sign_ins()) == 1
        for answer in answers:
            assert answer.status_code == 503
            said = {"error": "temporarily_unavailable", "error_description": UNAVAILABLE}
            assert answer.json() == said
            assert int(answer.headers["retry-after"]) > 0
        assert (await steps.redeem(code)).status_code == 200
        assert "TRAX_SIGN_IN_FILE cannot be read or written: SQLITE_" in caplog.text
        front.clock.advance(DAY)  # so that a use is noted
        with failing(tmp_path):
            assert await front.status_of(tokens["access_token"]) == 200
        front.clock.advance(DAY)
        assert (await steps.refresh(tokens["refresh_token"])).status_code == 200
        assert (await steps.http.post("/revoke", data=given)).status_code == 200
        assert await front.status_of(tokens["access_token"]) == 401
