"""The file of the audit log: who can read it, and that a failed write changes no call."""

from __future__ import annotations

import json
import logging
import os
import stat
from threading import Timer
from typing import TYPE_CHECKING

import pytest

from tests.support.guarded_calls import DELETE_SOURCE, GO_OFFLINE
from tests.support.product.server import fingerprint
from tests.support.server_process import PATIENCE_SECONDS
from tests.world.answers import RAN, audit_lines, outcome
from tests.world.world import MINE, open_world

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The path of the audit log. The file does not exist yet."""
    return tmp_path / "audit.jsonl"


def rotate(path: Path) -> Path:
    """Move the file away, as a log rotation does."""
    return path.rename(path.with_suffix(".1"))


def permissions(path: Path) -> int:
    """The permission bits of the file."""
    return stat.S_IMODE(path.stat().st_mode)


def problems(caplog: pytest.LogCaptureFixture) -> list[tuple[int, str]]:
    """What the log says about the audit log itself: level and text."""
    told = [(it.levelno, it.getMessage()) for it in caplog.records]
    return [(level, text) for level, text in told if text.startswith("TRAX_AUDIT_LOG")]


def cannot_be_written(caplog: pytest.LogCaptureFixture) -> bool:
    """Whether the log says so, once and as an error."""
    ((level, text),) = problems(caplog)
    return level == logging.ERROR and text.startswith("TRAX_AUDIT_LOG can't be written (")


async def decide(path: Path, *, times: int = 2) -> None:
    """Let a server write a line, several times."""
    async with open_world(MINE, TRAX_AUDIT_LOG=str(path)) as it:
        for _ in range(times):
            await it[MINE].preview(DELETE_SOURCE)


async def test_only_the_owner_can_read_the_file_and_lines_are_appended(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """With any umask. Nothing is truncated, and after a rotation a new file is started."""
    before = os.umask(0)
    try:
        await decide(path)
        await decide(path)
        assert len(audit_lines(path)) == 4
        moved = rotate(path)
        await decide(path, times=1)
    finally:
        os.umask(before)
    assert (len(audit_lines(path)), len(audit_lines(moved))) == (1, 4)
    assert permissions(path) == permissions(moved) == 0o600
    assert problems(caplog) == []


@pytest.fixture(params=[0o644, 0o602])
def open_to_others(path: Path, request: pytest.FixtureRequest) -> None:
    """The file exists, and other users can read or write it."""
    path.touch()
    path.chmod(request.param)


@pytest.mark.usefixtures("open_to_others")
async def test_a_file_that_is_open_to_other_users_is_reported_once(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """With the command that changes it. The lines are written."""
    await decide(path)
    assert len(audit_lines(path)) == 2
    ((level, text),) = problems(caplog)
    assert level == logging.WARNING
    assert text.startswith("TRAX_AUDIT_LOG is open to other users (-rw-")
    assert "chmod 600" in text


@pytest.fixture
def target(path: Path) -> Iterator[Path]:
    """Another file, to which a link leads in place of the audit log. It is not changed."""
    target = path.with_name("target")
    target.write_text("unchanged", encoding="utf-8")
    path.symlink_to(target)
    yield target
    assert target.read_text(encoding="utf-8") == "unchanged"


@pytest.mark.usefixtures("target")
async def test_a_symbolic_link_is_not_followed(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It could lead into any file of this user."""
    await decide(path)
    assert cannot_be_written(caplog)


@pytest.mark.parametrize("place", ["/dev/full", "no such folder/audit.jsonl", "."])
async def test_a_call_runs_even_if_the_log_cannot_be_written(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, place: str
) -> None:
    """With a full disk or a missing folder. The error is logged once, not per line."""
    async with open_world(MINE, TRAX_AUDIT_LOG=str(tmp_path / place)) as it:
        assert outcome(await it[MINE].confirmed(DELETE_SOURCE)) == RAN
        assert it.sent == [DELETE_SOURCE.sent]
    assert cannot_be_written(caplog)


async def test_writing_resumes_when_it_is_possible_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Without a restart. The log has the lines of the time between, and says once how many."""
    path = tmp_path / "later" / "audit.jsonl"
    async with open_world(MINE, TRAX_AUDIT_LOG=str(path)) as it:
        confirmation = await it[MINE].confirmation(DELETE_SOURCE)
        await it[MINE].confirmation(GO_OFFLINE)
        path.parent.mkdir()
        await it[MINE].use(DELETE_SOURCE, confirmation)
    assert [line["event"] for line in audit_lines(path)] == ["decided", "sending", "sent"]
    logged = [json.loads(it.getMessage()) for it in caplog.records if it.msg == "%s"]
    assert [it["operation"] for it in logged] == ["delete_source", "go_offline"]
    (_, lost), (level, back) = problems(caplog)
    assert lost.startswith("TRAX_AUDIT_LOG can't be written (")
    assert (level, back) == (
        logging.WARNING,
        "TRAX_AUDIT_LOG can be written again. Lines that are only in this log: 2.",
    )


async def test_a_pipe_without_a_reader_delays_no_call(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A stop is sent although opening the pipe would block."""
    os.mkfifo(path)
    reader = Timer(PATIENCE_SECONDS, os.open, (path, os.O_RDONLY | os.O_NONBLOCK))
    reader.start()
    async with open_world(MINE, TRAX_AUDIT_LOG=str(path)) as it:
        assert outcome(await it[MINE].confirmed(GO_OFFLINE)) == RAN
        assert it.sent == [GO_OFFLINE.sent]
    assert reader.is_alive()  # the call did not wait for it
    reader.cancel()
    reader.join()
    assert cannot_be_written(caplog)


async def test_lines_go_to_the_log_if_no_file_is_set(caplog: pytest.LogCaptureFixture) -> None:
    """At the level INFO, the default."""
    with caplog.at_level(logging.INFO):
        async with open_world(MINE) as it:
            await it[MINE].confirmed(DELETE_SOURCE)
    logged = [
        json.loads(it.getMessage()) for it in caplog.records if it.getMessage().startswith("{")
    ]
    assert [line["event"] for line in logged] == ["decided", "decided", "sending", "sent"]
    assert logged[-1]["caller"] == fingerprint(MINE)
