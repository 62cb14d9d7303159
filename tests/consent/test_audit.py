"""The audit log: one line for each decision and outcome. A failed write changes no call."""

from __future__ import annotations

import json
import logging
import mmap
import os
import stat
from threading import Timer
from typing import TYPE_CHECKING, Any, Final

import anyio
import mcp
import pytest

from tests.conftest import OWNER
from tests.support.concurrency import Paused
from tests.support.product.faults import Fault
from tests.support.server_process import PATIENCE_SECONDS
from trax_mcp.api.caller import Caller
from trax_mcp.api.errors import TraxError
from trax_mcp.api.operations import DeleteSource, GoLive, GoOffline, SendChatMessage, UpdateSource
from trax_mcp.consent.audit import Actor, Audit
from trax_mcp.consent.calls import Done, GuardedCall, NotRun, Question
from trax_mcp.consent.evidence import Evidence
from trax_mcp.consent.memory_store import MemoryStore
from trax_mcp.consent.rules import Mode, Rules
from trax_mcp.sandbox import SANDBOX_KEY
from trax_mcp.server.app import ServerDeps, build_guard, build_server

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.product.sandbox import Sandbox
    from tests.support.product.shared_clock import HandClock
    from trax_mcp.api.client import Client
    from trax_mcp.api.models import Model
    from trax_mcp.api.operation import Operation
    from trax_mcp.consent.guard import ConsentGuard
    from trax_mcp.consent.store import Started

DELETE: Final = DeleteSource(studio_id="studio_42", source_id="source_1")
ACTOR: Final = Actor(Caller("sk_live_of_the_audit"))
LONG: Final = SendChatMessage(studio_id="studio_42", text="\N{CLAPPER BOARD}" * 600)
"""Its line is longer than a page of a pipe."""
DELETED: Final = {"ok": True}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The path of the audit log. The file does not exist yet."""
    return tmp_path / "audit.jsonl"


@pytest.fixture
def guard(trax: Client, clock: HandClock, path: Path) -> ConsentGuard:
    """The guard, writing to `path`."""
    return build_guard(trax, ServerDeps(audit_log=path, clock=clock))


def lines(path: Path) -> list[dict[str, Any]]:
    """All lines, each complete. Empty if there is no file."""
    if not path.exists():
        return []
    text = path.read_text()
    assert text.endswith("\n")
    return [json.loads(line) for line in text.splitlines()]


def rotate(path: Path) -> Path:
    """Move the file away, as a log rotation does."""
    return path.rename(path.with_suffix(".1"))


def fill(path: Path) -> None:
    """Fill a pipe that nobody reads."""
    writer = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    try:
        while True:
            os.write(writer, b"x" * mmap.PAGESIZE)
    except BlockingIOError:
        os.close(writer)


def permissions(path: Path) -> int:
    """The permission bits of the file."""
    return stat.S_IMODE(path.stat().st_mode)


async def preview_confirmation(guard: ConsentGuard, operation: Operation[Model]) -> str:
    """Ask for a preview and return its confirmation."""
    shown = await guard.run(GuardedCall(operation, OWNER))
    assert isinstance(shown, NotRun)
    assert shown.confirmation
    return shown.confirmation


async def confirm(
    guard: ConsentGuard, operation: Operation[Model], confirmation: str
) -> Done | NotRun | Question:
    """Call with a confirmation."""
    return await guard.run(
        GuardedCall(operation, OWNER, Evidence(confirm=True, confirmation=confirmation))
    )


async def test_a_decision_writes_one_line_and_a_sent_call_two_more(
    guard: ConsentGuard, sandbox: Sandbox, path: Path
) -> None:
    """Compares whole lines."""
    confirmation = await preview_confirmation(guard, DELETE)
    await confirm(guard, DELETE, confirmation)
    digest = lines(path)[0]["digest"]
    who_and_what = {
        "time": "2026-06-05T18:00:00Z",
        "caller": OWNER.fingerprint,
        "operation": "delete_source",
        "arguments": {"studioId": "studio_42", "sourceId": "source_1"},
        "digest": digest,
    }
    assert lines(path) == [
        {**who_and_what, "event": "decided", "mode": "auto", "verdict": "Preview"},
        {
            **who_and_what,
            "event": "decided",
            "mode": "auto",
            "verdict": "Proceed",
            "answeredIn": "confirmation",
        },
        {**who_and_what, "event": "sending"},
        {
            **who_and_what,
            "event": "sent",
            "outcome": "applied",
            "requestId": sandbox.mutations[0].request_id,
        },
    ]


async def test_the_sending_line_is_written_before_the_request_is_sent(
    guard: ConsentGuard, sandbox: Sandbox, path: Path
) -> None:
    """After a crash in between, the file shows that the call may have been sent."""
    confirmation = await preview_confirmation(guard, DELETE)
    held = anyio.Event()
    sandbox.faults.add(Fault.delay(held), method="DELETE")
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(confirm, guard, DELETE, confirmation)
            while not sandbox.mutations:
                await anyio.lowlevel.checkpoint()
            assert [line["event"] for line in lines(path)] == ["decided", "decided", "sending"]
            held.set()
    assert lines(path)[-1]["event"] == "sent"


async def test_the_sent_line_of_a_go_live_has_the_observed_state(
    guard: ConsentGuard, path: Path
) -> None:
    """A second go-live is decided and not sent."""
    operation = GoLive(studio_id="studio_42")
    confirmation = await preview_confirmation(guard, operation)
    other = await preview_confirmation(guard, operation)
    await confirm(guard, operation, confirmation)
    await confirm(guard, operation, other)
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
async def test_the_sent_line_of_a_failed_call_has_outcome_code_and_request_id(
    guard: ConsentGuard, sandbox: Sandbox, path: Path, *, fault: Fault, outcome: str, code: str
) -> None:
    """The outcome is the one that the caller gets."""
    confirmation = await preview_confirmation(guard, DELETE)
    sandbox.faults.add(fault, method="DELETE")
    with pytest.raises(TraxError) as caught:
        await confirm(guard, DELETE, confirmation)
    last = lines(path)[-1]
    assert (last["event"], last["outcome"], last["code"]) == ("sent", outcome, code)
    assert last["requestId"] == sandbox.mutations[0].request_id
    assert last["outcome"] == caught.value.failure.outcome


@pytest.mark.parametrize(
    ("mode", "evidence", "can_ask", "verdict", "reason"),
    [
        (Mode.AUTO, Evidence(), False, "Preview", None),
        (Mode.AUTO, Evidence(confirm=True, confirmation="x"), False, "Preview", "expired"),
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
    """Every verdict, with its mode."""
    guard = build_guard(trax, ServerDeps(rules=Rules(mode), audit_log=path, clock=clock))
    await guard.run(GuardedCall(DELETE, OWNER, evidence, can_ask=can_ask))
    decided = lines(path)[0]
    assert (decided["event"], decided["mode"]) == ("decided", mode.value)
    assert (decided["verdict"], decided.get("reason")) == (verdict, reason)


async def test_no_key_and_no_confirmation_is_in_any_line(guard: ConsentGuard, path: Path) -> None:
    """A reader of the file cannot call TRaX or confirm a call."""
    confirmation = await preview_confirmation(guard, DELETE)
    for _ in range(2):
        await confirm(guard, DELETE, confirmation)
    question = await guard.run(GuardedCall(GoLive(studio_id="studio_42"), OWNER, can_ask=True))
    assert isinstance(question, Question)
    text = json.dumps(lines(path))
    for secret in (SANDBOX_KEY, confirmation, question.confirmation_id):
        assert secret not in text


async def test_the_actor_in_the_request_meta_is_recorded_as_claimed(
    trax: Client, clock: HandClock, path: Path, era: str
) -> None:
    """It is truncated to 64 characters and stays on one line."""
    server = build_server(trax, own=OWNER, deps=ServerDeps(audit_log=path, clock=clock))
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


def test_the_client_of_a_caller_who_signed_in_is_recorded(path: Path, clock: HandClock) -> None:
    """Beside the fingerprint of the key, which is the same as for callers that send it."""
    client = "https://client.example/metadata.json"
    signed_in = Actor(Caller(ACTOR.caller.key, client=client))
    for actor in (signed_in, ACTOR):
        Audit(path, clock).write("decided", DELETE, actor)
    first, second = lines(path)
    assert first == {**second, "client": client}


async def test_a_call_that_needs_no_consent_is_not_written(guard: ConsentGuard, path: Path) -> None:
    """The log records consent, not use."""
    await guard.run(
        GuardedCall(UpdateSource(studio_id="studio_42", source_id="source_1", name="N"), OWNER)
    )
    assert lines(path) == []


def test_only_the_owner_can_read_the_file(path: Path, clock: HandClock) -> None:
    """With any umask."""
    before = os.umask(0)
    try:
        Audit(path, clock).write("decided", DELETE, ACTOR)
    finally:
        os.umask(before)
    assert permissions(path) == 0o600


def test_lines_are_appended_to_an_existing_file(path: Path, clock: HandClock) -> None:
    """By several writers; nothing is truncated."""
    path.write_text('{"event": "before"}\n')
    first, second = Audit(path, clock), Audit(path, clock)
    for audit in (first, second, first):
        audit.write("decided", DELETE, ACTOR)
    assert [line["event"] for line in lines(path)] == ["before", "decided", "decided", "decided"]


async def test_a_new_file_is_started_after_rotation(guard: ConsentGuard, path: Path) -> None:
    """The rotated file does not change, and only the owner can read the new one."""
    confirmation = await preview_confirmation(guard, DELETE)
    moved = rotate(path)
    await confirm(guard, DELETE, confirmation)
    assert [line["event"] for line in lines(moved)] == ["decided"]
    assert [line["event"] for line in lines(path)] == ["decided", "sending", "sent"]
    assert permissions(path) == 0o600


@pytest.mark.parametrize("place", ["/dev/full", "no such folder/audit.jsonl", "."])
async def test_a_call_runs_even_if_the_log_cannot_be_written(
    trax: Client,
    clock: HandClock,
    sandbox: Sandbox,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    *,
    place: str,
) -> None:
    """With a full disk or a missing folder. The error is logged once, not per line."""
    deps = ServerDeps(audit_log=tmp_path / place, clock=clock)
    guard = build_guard(trax, deps)
    with caplog.at_level(logging.DEBUG, logger="trax_mcp.consent.audit"):
        done = await confirm(guard, DELETE, await preview_confirmation(guard, DELETE))
    assert isinstance(done, Done)
    assert done.data == DELETED
    assert len(sandbox.mutations) == 1
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.getMessage().startswith("TRAX_AUDIT_LOG cannot be written (")


async def test_a_pipe_without_a_reader_delays_no_call(
    trax: Client, clock: HandClock, sandbox: Sandbox, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A stop is sent although opening the pipe would block. The error is logged once."""
    os.mkfifo(path)
    reader = Timer(PATIENCE_SECONDS, os.open, (path, os.O_RDONLY | os.O_NONBLOCK))
    reader.start()
    guard = build_guard(trax, ServerDeps(audit_log=path, clock=clock))
    operation = GoOffline(studio_id="studio_42")
    with caplog.at_level(logging.DEBUG, logger="trax_mcp.consent.audit"):
        done = await confirm(guard, operation, await preview_confirmation(guard, operation))
    assert reader.is_alive()  # the call did not wait for it
    reader.cancel()
    reader.join()
    assert isinstance(done, Done)
    assert len(sandbox.mutations) == 1
    (record,) = caplog.records
    assert record.getMessage().startswith("TRAX_AUDIT_LOG cannot be written (")


def test_an_incomplete_line_is_reported_once(
    path: Path, clock: HandClock, caplog: pytest.LogCaptureFixture
) -> None:
    """A full pipe accepts only the start of a long line, and nothing of the next."""
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    fill(path)
    os.read(reader, mmap.PAGESIZE)  # room for a part of a line
    audit = Audit(path, clock)
    try:
        with caplog.at_level(logging.DEBUG, logger="trax_mcp.consent.audit"):
            audit.write("decided", LONG, ACTOR)
            (record,) = caplog.records
            audit.write("decided", LONG, ACTOR)
        assert b'{"time": ' in os.read(reader, 1 << 20)
    finally:
        os.close(reader)
    assert caplog.records == [record]
    assert record.levelno == logging.ERROR
    assert record.getMessage().startswith("TRAX_AUDIT_LOG cannot be written (")


@pytest.mark.parametrize("emoji", [0, 1_000_000])
def test_a_long_line_is_shortened_and_stays_json(path: Path, clock: HandClock, emoji: int) -> None:
    """To 8 kB: the longest fields end in an ellipsis, the others stay as they are."""
    text = "\N{CLAPPER BOARD}" * emoji + "x" * 1_000_000
    message = SendChatMessage.model_construct(studio_id="studio_42", text=text)
    facts = {"mode": "auto", "verdict": "NeedsConfirmation", "digest": "d" * 32}
    Audit(path, clock).write("decided", message, ACTOR, **facts, requestId=text)
    assert path.stat().st_size <= 8_000
    (line,) = lines(path)
    arguments, request_id = line.pop("arguments"), line.pop("requestId")
    assert line == {
        "time": "2026-06-05T18:00:00Z",
        "event": "decided",
        "caller": ACTOR.caller.fingerprint,
        "operation": "send_chat_message",
        **facts,
    }
    assert arguments == {"studioId": "studio_42", "text": arguments["text"]}
    for shortened in (arguments["text"], request_id):
        assert shortened.endswith("…")
        assert text.startswith(shortened[:-1])


def test_a_long_list_in_a_line_is_shortened(path: Path, clock: HandClock) -> None:
    """Its first items are kept."""
    names = tuple(f"{n} " + "\N{CLAPPER BOARD}" * 190 for n in range(50))
    message = SendChatMessage(studio_id="studio_42", text="Hello", platforms=names)
    Audit(path, clock).write("decided", message, ACTOR)
    assert path.stat().st_size <= 8_000
    (line,) = lines(path)
    assert line["arguments"]["text"] == "Hello"
    kept = line["arguments"]["platforms"]
    assert kept
    assert all(it.startswith(f"{n} ") for n, it in enumerate(kept))


def test_a_symbolic_link_is_not_followed(
    path: Path, clock: HandClock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It could lead into any file of this user. The error is logged once."""
    target = tmp_path / "target"
    target.write_text("unchanged")
    path.symlink_to(target)
    audit = Audit(path, clock)
    with caplog.at_level(logging.DEBUG, logger="trax_mcp.consent.audit"):
        audit.write("decided", DELETE, ACTOR)
        audit.write("decided", DELETE, ACTOR)
    assert target.read_text() == "unchanged"
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.getMessage().startswith("TRAX_AUDIT_LOG cannot be written (")


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o602])
def test_a_file_that_is_open_to_other_users_is_reported_once(
    path: Path, clock: HandClock, mode: int, caplog: pytest.LogCaptureFixture
) -> None:
    """With the command that changes it. The lines are written."""
    path.touch()
    path.chmod(mode)
    audit = Audit(path, clock)
    with caplog.at_level(logging.DEBUG, logger="trax_mcp.consent.audit"):
        audit.write("decided", DELETE, ACTOR)
        audit.write("decided", DELETE, ACTOR)
    assert len(lines(path)) == 2
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage().startswith("TRAX_AUDIT_LOG is open to other users (-rw-")
    assert "chmod 600" in record.getMessage()


def test_a_file_that_only_its_owner_can_read_is_not_reported(
    path: Path, clock: HandClock, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither a new nor an existing one."""
    with caplog.at_level(logging.DEBUG, logger="trax_mcp.consent.audit"):
        for _ in range(2):
            Audit(path, clock).write("decided", DELETE, ACTOR)
    assert caplog.records == []


async def test_writing_resumes_when_it_is_possible_again(
    trax: Client, clock: HandClock, tmp_path: Path
) -> None:
    """Without a restart."""
    path = tmp_path / "later" / "audit.jsonl"
    guard = build_guard(trax, ServerDeps(audit_log=path, clock=clock))
    confirmation = await preview_confirmation(guard, DELETE)
    path.parent.mkdir()
    await confirm(guard, DELETE, confirmation)
    assert [line["event"] for line in lines(path)] == ["decided", "sending", "sent"]


async def test_lines_go_to_the_log_if_no_file_is_set(
    trax: Client, clock: HandClock, caplog: pytest.LogCaptureFixture
) -> None:
    """At the level INFO, the default."""
    guard = build_guard(trax, ServerDeps(clock=clock))
    with caplog.at_level(logging.INFO, logger="trax_mcp.consent.audit"):
        await confirm(guard, DELETE, await preview_confirmation(guard, DELETE))
    assert {it.levelno for it in caplog.records} == {logging.INFO}
    logged = [json.loads(it.getMessage()) for it in caplog.records]
    assert [line["event"] for line in logged] == ["decided", "decided", "sending", "sent"]
    assert logged[-1]["caller"] == OWNER.fingerprint


async def test_a_stop_is_written_like_other_calls(guard: ConsentGuard, path: Path) -> None:
    """With two lines and the observed state."""
    operation = GoOffline(studio_id="studio_42")
    await confirm(guard, operation, await preview_confirmation(guard, operation))
    assert [line["event"] for line in lines(path)] == ["decided", "decided", "sending", "sent"]
    assert lines(path)[-1]["observed"] == "off_air"


class Overtaken(MemoryStore):
    """A store in which a stop has come that did not know of the go-live."""

    async def was_overtaken(self, _started: Started) -> bool:
        """A stop did not know of it."""
        return True

    async def wait_for_stop(self, _started: Started) -> None:
        """It has ended."""


@pytest.mark.parametrize("is_cut_short", [False, True], ids=["in time", "at the shutdown"])
async def test_the_stop_that_undoes_a_go_live_is_written_like_other_calls(
    trax: Client, sandbox: Sandbox, path: Path, clock: HandClock, *, is_cut_short: bool
) -> None:
    """Nothing is decided about it: a person has agreed to a stop elsewhere."""
    deps = ServerDeps(store=Overtaken(clock), audit_log=path, clock=clock)
    guard, go_live = build_guard(trax, deps), GoLive(studio_id="studio_42")
    confirmation, held = await preview_confirmation(guard, go_live), Paused()
    sandbox.faults.add(held.fault, path="/v1/studios/studio_42/go-offline")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(confirm, guard, go_live, confirmation)
        await held.arrived()
        if is_cut_short:
            await deps.tasks.drain(seconds=0.0)
        held.release()
    assert [
        (it["event"], it["operation"], it.get("outcome"), it.get("observed"))
        for it in lines(path)[2:]
    ] == [
        ("sending", "go_live", None, None),
        ("sending", "go_offline", None, None),
        ("sent", "go_offline", "unknown" if is_cut_short else "applied", None),
        ("sent", "go_live", "applied", "unknown" if is_cut_short else "stopping"),
    ]
