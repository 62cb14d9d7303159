"""The server's two files: whose they are, what stops the start, and a disk that fails."""

from __future__ import annotations

import os
import resource
import sqlite3
import stat
from contextlib import closing, contextmanager
from itertools import product
from typing import TYPE_CHECKING, Final

import anyio
import pytest

from tests.support.hosted_process import FILE, SECRET_FILE
from tests.support.product.commands import run_command
from tests.world.sign_in import registered
from tests.world.world import MINE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    Failing = Callable[[Path], AbstractContextManager[None]]

DAY: Final = 86_400
NOT_OURS: Final = (
    "TRAX_SIGN_IN_FILE names a file that holds no sign-ins, or is damaged. Move it away:"
    " then a new one is made, and everybody signs in again.\n"
)
UNAVAILABLE: Final = (
    "This server can't save or look up sign-ins right now, so nothing was changed. Try again later,"
    " or tell its operator."
)
SECRET_SETTING: Final = "TRAX_SIGN_IN_SECRET_FILE"
posix_only = pytest.mark.skipif(os.name != "posix", reason="Windows has no such permissions")


def refusal_to_start(folder: Path) -> str:
    """The output of a server that does not start on the files in a folder."""
    settings = {"TRAX_SIGN_IN_FILE": str(folder / FILE), SECRET_SETTING: str(folder / SECRET_FILE)}
    url = "http://localhost:8765"
    refused = run_command(
        "http", "--port", "0", "--sign-in", "--public-url", url, settings=settings
    )
    assert (refused.code, refused.out) == (1, "")
    return refused.err.removeprefix("trax-mcp: ")


def put(path: Path, content: bytes, mode: int = 0o600) -> None:
    path.write_bytes(content)
    path.chmod(mode)


def files_below(folder: Path) -> list[Path]:
    return [it for it in folder.rglob("*") if it.is_file()]


@posix_only
async def test_only_this_user_can_open_what_is_made(tmp_path: Path) -> None:
    """The file, its journal, the secret, and new folders, whatever the umask allows.

    No two servers have one secret, and one server keeps it.
    """
    before = os.umask(0)
    secrets = []
    try:
        for folder in (tmp_path / "new" / "deep", tmp_path / "other", tmp_path / "other"):
            async with registered(folder) as (_, steps):
                await steps.sign_in(MINE)
                found = files_below(tmp_path)
                modes = {stat.S_IMODE(it.stat().st_mode) for it in found}
            assert {it.name for it in found} >= {FILE, SECRET_FILE}
            assert modes == {0o600}
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
            secrets.append((folder / SECRET_FILE).read_text(encoding="utf-8").strip())
    finally:
        os.umask(before)
    assert secrets[0] != secrets[1] == secrets[2]
    assert len(secrets[0]) >= 43


@posix_only
def test_a_file_that_others_can_open_stops_the_start(tmp_path: Path) -> None:
    """The sentence says what to run."""
    settings = {FILE: "TRAX_SIGN_IN_FILE", SECRET_FILE: SECRET_SETTING}
    for (name, setting), mode in product(settings.items(), (0o640, 0o602, 0o610)):
        put(tmp_path / SECRET_FILE, b"x" * 43)
        put(tmp_path / FILE, b"")
        (tmp_path / name).chmod(mode)
        expected = f"{setting} names a file that others can open. Run chmod 600 on it.\n"
        assert refusal_to_start(tmp_path) == expected, mode


@posix_only
def test_a_file_of_another_user_stops_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That user could change its permissions at any time."""
    put(tmp_path / SECRET_FILE, b"x" * 43)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    expected = f"{SECRET_SETTING} names a file of another user. It must be your own.\n"
    assert refusal_to_start(tmp_path) == expected


@pytest.mark.parametrize("content", [b"", b"\n", b"x" * 31, "schlüssel".encode() * 9])
def test_a_file_without_a_good_secret_stops_the_start(content: bytes, tmp_path: Path) -> None:
    """It is not replaced, since it may be another file, and not printed."""
    put(tmp_path / SECRET_FILE, content)
    sentence = refusal_to_start(tmp_path)
    assert sentence.startswith(SECRET_SETTING)
    assert "x" * 31 not in sentence
    assert (tmp_path / SECRET_FILE).read_bytes() == content


def test_a_secret_that_can_be_neither_read_nor_made_stops_the_start(tmp_path: Path) -> None:
    """A folder is there, as Docker makes one for a file that is not; or its folder is a file."""
    (tmp_path / SECRET_FILE).mkdir()
    assert refusal_to_start(tmp_path) == f"{SECRET_SETTING} names something that is not a file.\n"
    put(tmp_path / "file", b"")
    expected = f"{SECRET_SETTING} names a file that cannot be read: Not a directory.\n"
    assert refusal_to_start(tmp_path / "file") == expected


def another_program_s() -> bytes:
    with closing(sqlite3.connect(":memory:")) as other:
        other.execute("CREATE TABLE sign_ins (id TEXT)")
        return other.serialize()


DAMAGE: Final[dict[str, Callable[[bytes], bytes]]] = {
    "scribbled over": lambda it: os.urandom(len(it)),
    "cut off": lambda it: it[:6000],
    "overwritten at the end": lambda it: it[:-4096] + b"\xff" * 4096,
    "another program's": lambda _: another_program_s(),
}


def test_a_damaged_or_foreign_file_stops_the_start_with_one_sentence(tmp_path: Path) -> None:
    """And is not touched."""

    async def sign_in_once() -> None:
        async with registered(tmp_path) as (_, steps):
            await steps.sign_in(MINE)

    anyio.run(sign_in_once)
    good = (tmp_path / FILE).read_bytes()
    for name, damage in DAMAGE.items():
        (tmp_path / FILE).write_bytes(bad := damage(good))
        assert refusal_to_start(tmp_path) == NOT_OURS, name
        assert (tmp_path / FILE).read_bytes() == bad, name


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
    async with registered(tmp_path) as (it, steps):
        tokens = await steps.sign_in(MINE)
        code = await steps.code(MINE)
        it.hand_clock.advance(30)
        given = {"token": tokens["access_token"], "client_id": steps.client_id}
        with failing(tmp_path):
            answers = [
                await steps.redeem(code),
                await steps.refresh(tokens["refresh_token"]),
                await steps.http.post("/revoke", data=given),
            ]
            assert len(it.sign_ins()) == 1
        for answer in answers:
            assert answer.status_code == 503
            said = {"error": "temporarily_unavailable", "error_description": UNAVAILABLE}
            assert answer.json() == said
            assert int(answer.headers["retry-after"]) > 0
        assert (await steps.redeem(code)).status_code == 200
        assert "TRAX_SIGN_IN_FILE can't be read or written: SQLITE_" in caplog.text
        it.hand_clock.advance(DAY)  # so that a use is noted
        with failing(tmp_path):
            assert await it.status_of(tokens) == 200
        it.hand_clock.advance(DAY)
        assert (await steps.refresh(tokens["refresh_token"])).status_code == 200
        assert (await steps.http.post("/revoke", data=given)).status_code == 200
        assert await it.status_of(tokens) == 401
