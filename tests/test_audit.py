"""What was decided and what came of it, line by line, and that no call depends on the writing.

Most tests walk the road itself, so that what is written is what really happened.
"""

from __future__ import annotations

import json
import logging
import os
import stat
from threading import Timer
from typing import TYPE_CHECKING, Any, Final

import anyio
import mcp
import pytest

from tests.conftest import OWNER
from tests.processes import PATIENCE_SECONDS
from trax_mcp.api.caller import Caller
from trax_mcp.api.errors import TraxError
from trax_mcp.api.operations import (
    CreateStudio,
    DeleteSource,
    GoLive,
    GoOffline,
    UpdateSource,
)
from trax_mcp.consent.audit import Actor, Audit
from trax_mcp.consent.calls import Done, GuardedCall, NotRun, Question
from trax_mcp.consent.evidence import Evidence
from trax_mcp.consent.rules import Mode, Rules
from trax_mcp.sandbox import SANDBOX_KEY, Fault
from trax_mcp.server.app import ServerDeps, build_guard, build_server

if TYPE_CHECKING:
    from pathlib import Path

    from tests.hand import HandClock
    from trax_mcp.api.client import Client
    from trax_mcp.api.models import Model
    from trax_mcp.api.operation import Operation
    from trax_mcp.consent.guard import ConsentGuard
    from trax_mcp.sandbox import Sandbox

DELETE: Final = DeleteSource(studio_id="studio_42", source_id="source_1")
ASKER: Final = Actor(Caller("sk_live_of_the_audit"))
DELETED: Final = {"ok": True}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the lines go; nothing is there yet."""
    return tmp_path / "audit.jsonl"


@pytest.fixture
def road(trax: Client, clock: HandClock, path: Path) -> ConsentGuard:
    """The road, writing to `path`."""
    return build_guard(trax, ServerDeps(audit_log=path, clock=clock))


def lines(path: Path) -> list[dict[str, Any]]:
    """Every line, each of them whole; none where there is no file."""
    if not path.exists():
        return []
    text = path.read_text()
    assert text.endswith("\n")
    return [json.loads(line) for line in text.splitlines()]


def rotate(path: Path) -> Path:
    """Move the file away, as a log rotation does."""
    return path.rename(path.with_suffix(".1"))


def permissions(path: Path) -> int:
    """Who may do what with the file."""
    return stat.S_IMODE(path.stat().st_mode)


async def agree(road: ConsentGuard, operation: Operation[Model]) -> str:
    """Ask for a preview and return its confirmation."""
    shown = await road.walk(GuardedCall(operation, OWNER))
    assert isinstance(shown, NotRun)
    assert shown.confirmation
    return shown.confirmation


async def confirm(
    road: ConsentGuard, operation: Operation[Model], handle: str
) -> Done | NotRun | Question:
    """Make the call with its confirmation."""
    return await road.walk(
        GuardedCall(operation, OWNER, Evidence(confirm=True, confirmation=handle))
    )


async def test_a_decision_is_a_line_and_an_act_is_two_more(
    road: ConsentGuard, sandbox: Sandbox, path: Path
) -> None:
    """Who, what, when, how it was decided, and what came of it: whole lines."""
    handle = await agree(road, DELETE)
    await confirm(road, DELETE, handle)
    digest = lines(path)[0]["digest"]
    who_and_what = {
        "time": "2026-06-05T18:00:00Z",
        "caller": OWNER.fingerprint,
        "operation": "delete_source",
        "arguments": {"studioId": "studio_42", "sourceId": "source_1"},
        "digest": digest,
    }
    assert lines(path) == [
        {**who_and_what, "event": "decided", "mode": "auto", "verdict": "NeedsConfirmation"},
        {**who_and_what, "event": "decided", "mode": "auto", "verdict": "Proceed"},
        {**who_and_what, "event": "sending"},
        {
            **who_and_what,
            "event": "sent",
            "outcome": "applied",
            "requestId": sandbox.mutations[0].request_id,
        },
    ]


async def test_the_line_before_an_act_is_there_before_it_is_sent(
    road: ConsentGuard, sandbox: Sandbox, path: Path
) -> None:
    """If the machine dies in between, the file tells that something may have been sent."""
    handle = await agree(road, DELETE)
    held = anyio.Event()
    sandbox.faults.add(Fault.delay(held), method="DELETE")
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(confirm, road, DELETE, handle)
            while not sandbox.mutations:
                await anyio.lowlevel.checkpoint()
            assert [line["event"] for line in lines(path)] == ["decided", "decided", "sending"]
            held.set()
    assert lines(path)[-1]["event"] == "sent"


async def test_a_watched_act_says_what_was_seen(road: ConsentGuard, path: Path) -> None:
    """And a second go-live is decided, and not sent."""
    operation = GoLive(studio_id="studio_42")
    handle = await agree(road, operation)
    other = await agree(road, operation)
    await confirm(road, operation, handle)
    await confirm(road, operation, other)
    sent, again = lines(path)[-2:]
    assert (sent["outcome"], sent["observed"]) == ("applied", "on_air")
    assert (again["event"], again["verdict"]) == ("decided", "NothingToDo")


@pytest.mark.parametrize(
    ("fault", "outcome", "code"),
    [
        (Fault.error(429, "rate_limited"), "not_applied", "rate_limited"),
        (Fault.status(500), "unknown", "bad_answer"),
        (Fault.dropped(when="after"), "unknown", "unreachable"),
        (Fault.truncated(), "applied", "bad_answer"),
    ],
    ids=["refused", "trouble", "lost", "unreadable"],
)
async def test_a_failed_act_says_what_is_known(
    road: ConsentGuard, sandbox: Sandbox, path: Path, *, fault: Fault, outcome: str, code: str
) -> None:
    """The outcome that the caller is told, with the id under which TRaX knows the request."""
    handle = await agree(road, DELETE)
    sandbox.faults.add(fault, method="DELETE")
    with pytest.raises(TraxError) as caught:
        await confirm(road, DELETE, handle)
    last = lines(path)[-1]
    assert (last["event"], last["outcome"], last["code"]) == ("sent", outcome, code)
    assert last["requestId"] == sandbox.mutations[0].request_id
    assert last["outcome"] == caught.value.failure.outcome


@pytest.mark.parametrize(
    ("mode", "evidence", "can_ask", "verdict", "reason"),
    [
        (Mode.AUTO, Evidence(), False, "NeedsConfirmation", None),
        (
            Mode.AUTO,
            Evidence(confirm=True, confirmation="x"),
            False,
            "NeedsConfirmation",
            "expired",
        ),
        (Mode.AUTO, Evidence(confirm=True), True, "Ask", None),
        (Mode.HUMAN, Evidence(confirm=True), False, "Refuse", "cannot_ask"),
        (Mode.FLAG, Evidence(confirm=True), False, "Proceed", None),
    ],
    ids=["shown", "expired", "asked", "cannot ask", "flagged"],
)
async def test_every_decision_is_written_with_its_reason(
    trax: Client,
    clock: HandClock,
    path: Path,
    *,
    mode: Mode,
    evidence: Evidence,
    can_ask: bool,
    verdict: str,
    reason: str | None,
) -> None:
    """Whatever it was, and in which mode."""
    road = build_guard(trax, ServerDeps(rules=Rules(mode), audit_log=path, clock=clock))
    await road.walk(GuardedCall(DELETE, OWNER, evidence, can_ask=can_ask))
    decided = lines(path)[0]
    assert (decided["event"], decided["mode"]) == ("decided", mode.value)
    assert (decided["verdict"], decided.get("reason")) == (verdict, reason)


async def test_no_key_and_no_confirmation_is_in_any_line(road: ConsentGuard, path: Path) -> None:
    """Whoever reads the file can open nothing and repeat nothing."""
    handle = await agree(road, DELETE)
    for _ in range(2):
        await confirm(road, DELETE, handle)
    asked = await road.walk(GuardedCall(GoLive(studio_id="studio_42"), OWNER, can_ask=True))
    assert isinstance(asked, Question)
    text = json.dumps(lines(path))
    for secret in (SANDBOX_KEY, handle, asked.handle):
        assert secret not in text


async def test_who_a_bot_asks_for_is_recorded_as_claimed(
    trax: Client, clock: HandClock, path: Path, era: str
) -> None:
    """From the request's own `_meta`, cut after 64 characters, on one line whatever is in it."""
    server = build_server(trax, own=OWNER, house=ServerDeps(audit_log=path, clock=clock))
    claims = ["mod\nanna " + "x" * 100, "", 7, None]
    arguments = {"studioId": "studio_42"}
    with anyio.fail_after(20):
        async with mcp.Client(server, mode=era, cache=None) as client:
            for claim in claims:
                meta: Any = {"live.traxstreaming/actor": claim}
                await client.call_tool("go_live", arguments, meta=meta)
            await client.call_tool("go_live", arguments)
    expected = ["mod\nanna " + "x" * 55, None, None, None, None]
    assert [line.get("actorClaimed") for line in lines(path)] == expected
    assert len(str(expected[0])) == 64


async def test_what_needs_no_yes_is_not_written(road: ConsentGuard, path: Path) -> None:
    """The file is about consent, not about use."""
    await road.walk(
        GuardedCall(UpdateSource(studio_id="studio_42", source_id="source_1", name="N"), OWNER)
    )
    assert lines(path) == []


def test_the_file_is_its_owners_alone(path: Path, clock: HandClock) -> None:
    """However open the process makes its files."""
    before = os.umask(0)
    try:
        Audit(path, clock).write("decided", DELETE, ASKER)
    finally:
        os.umask(before)
    assert permissions(path) == 0o600


def test_lines_are_added_to_what_is_there(path: Path, clock: HandClock) -> None:
    """By this process, the next one, and another at the same time; nothing is cut off."""
    path.write_text('{"event": "before"}\n')
    one, another = Audit(path, clock), Audit(path, clock)
    for audit in (one, another, one):
        audit.write("decided", DELETE, ASKER)
    assert [line["event"] for line in lines(path)] == ["before", "decided", "decided", "decided"]


async def test_a_rotated_file_is_left_alone(road: ConsentGuard, path: Path) -> None:
    """Moved away between two lines, it is begun anew, again for its owner's eyes only."""
    handle = await agree(road, DELETE)
    moved = rotate(path)
    await confirm(road, DELETE, handle)
    assert [line["event"] for line in lines(moved)] == ["decided"]
    assert [line["event"] for line in lines(path)] == ["decided", "sending", "sent"]
    assert permissions(path) == 0o600


@pytest.mark.parametrize("place", ["/dev/full", "no such folder/audit.jsonl", "."])
async def test_what_cannot_be_written_changes_no_call(
    trax: Client,
    clock: HandClock,
    sandbox: Sandbox,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    *,
    place: str,
) -> None:
    """A full disk, a folder that is gone: the show goes on, and it is said once, not per line."""
    house = ServerDeps(audit_log=tmp_path / place, clock=clock)
    road = build_guard(trax, house)
    with caplog.at_level(logging.DEBUG, logger="trax_mcp.consent.audit"):
        done = await confirm(road, DELETE, await agree(road, DELETE))
    assert isinstance(done, Done)
    assert done.answer.data == DELETED
    assert len(sandbox.mutations) == 1
    (said,) = caplog.records
    assert said.levelno == logging.ERROR
    assert said.getMessage().startswith("TRAX_AUDIT_LOG cannot be written (")


async def test_a_pipe_that_nobody_reads_holds_up_no_call(
    trax: Client, clock: HandClock, sandbox: Sandbox, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Opening it would wait for a reader; it is said once, and a stop goes out."""
    os.mkfifo(path)
    reader = Timer(PATIENCE_SECONDS, os.open, (path, os.O_RDONLY | os.O_NONBLOCK))
    reader.start()
    road = build_guard(trax, ServerDeps(audit_log=path, clock=clock))
    operation = GoOffline(studio_id="studio_42")
    with caplog.at_level(logging.DEBUG, logger="trax_mcp.consent.audit"):
        done = await confirm(road, operation, await agree(road, operation))
    assert reader.is_alive()  # nobody had to come and read
    reader.cancel()
    reader.join()
    assert isinstance(done, Done)
    assert len(sandbox.mutations) == 1
    (said,) = caplog.records
    assert said.getMessage().startswith("TRAX_AUDIT_LOG cannot be written (")


def test_a_line_that_is_cut_off_is_said_once(
    path: Path, clock: HandClock, caplog: pytest.LogCaptureFixture
) -> None:
    """A pipe whose reader is slow takes the beginning of a long line, and nothing of the next."""
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    audit, long = Audit(path, clock), CreateStudio(name="x" * 1_000_000)
    try:
        with caplog.at_level(logging.DEBUG, logger="trax_mcp.consent.audit"):
            audit.write("decided", long, ASKER)
            (said,) = caplog.records
            audit.write("decided", long, ASKER)
        assert os.read(reader, 100).startswith(b'{"time": ')
    finally:
        os.close(reader)
    assert caplog.records == [said]
    assert said.levelno == logging.ERROR
    assert said.getMessage().startswith("TRAX_AUDIT_LOG cannot be written (")


async def test_writing_goes_on_once_it_can(trax: Client, clock: HandClock, tmp_path: Path) -> None:
    """A folder that comes back, a disk with room again: nobody has to restart anything."""
    path = tmp_path / "later" / "audit.jsonl"
    road = build_guard(trax, ServerDeps(audit_log=path, clock=clock))
    handle = await agree(road, DELETE)
    path.parent.mkdir()
    await confirm(road, DELETE, handle)
    assert [line["event"] for line in lines(path)] == ["decided", "sending", "sent"]


async def test_without_a_file_the_lines_go_to_the_log(
    trax: Client, clock: HandClock, caplog: pytest.LogCaptureFixture
) -> None:
    """The same lines, where an operator sees them by default."""
    road = build_guard(trax, ServerDeps(clock=clock))
    with caplog.at_level(logging.INFO, logger="trax_mcp.consent.audit"):
        await confirm(road, DELETE, await agree(road, DELETE))
    assert {record.levelno for record in caplog.records} == {logging.INFO}
    logged = [json.loads(record.getMessage()) for record in caplog.records]
    assert [line["event"] for line in logged] == ["decided", "decided", "sending", "sent"]
    assert logged[-1]["caller"] == OWNER.fingerprint


async def test_a_stop_is_written_like_everything_else(road: ConsentGuard, path: Path) -> None:
    """Its two lines and what was seen."""
    operation = GoOffline(studio_id="studio_42")
    await confirm(road, operation, await agree(road, operation))
    assert [line["event"] for line in lines(path)] == ["decided", "decided", "sending", "sent"]
    assert lines(path)[-1]["observed"] == "off_air"
