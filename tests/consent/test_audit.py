"""The audit log: one line for each decision and outcome. A failed write changes no call."""

from __future__ import annotations

import json
import logging
import os
import stat
from functools import partial
from threading import Timer
from typing import TYPE_CHECKING, Any, Final

import anyio
import pytest

from tests.conftest import call
from tests.support.concurrency import Paused, begin
from tests.support.consent_clients import audit_lines, in_memory, status_and_reason
from tests.support.guarded_calls import (
    DELETE_SOURCE,
    GO_LIVE,
    GO_OFFLINE,
    STUDIO,
    GuardedOperation,
)
from tests.support.product.faults import Fault
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.product.server import fingerprint
from tests.support.served_sign_in import registered
from tests.support.server_process import PATIENCE_SECONDS
from tests.world.wire import MODERN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support.product.server import Product

RAN: Final = ("ran", None)
CHAT: Final = "send_chat_message"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The path of the audit log. The file does not exist yet."""
    return tmp_path / "audit.jsonl"


def lines(path: Path) -> list[dict[str, Any]]:
    """All lines, each complete. Empty if there is no file."""
    if not path.exists():
        return []
    assert path.read_text(encoding="utf-8").endswith("\n")
    return audit_lines(path)


def size(path: Path) -> int:
    """The size of the file, in bytes."""
    return path.stat().st_size


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
    return level == logging.ERROR and text.startswith("TRAX_AUDIT_LOG cannot be written (")


# Lines


async def test_a_decision_writes_one_line_and_a_sent_call_two_more(path: Path) -> None:
    """Compares whole lines."""
    async with in_memory(TRAX_AUDIT_LOG=str(path)) as clients:
        await clients.confirmed(DELETE_SOURCE)
        (sent,) = clients.trax.mutations
    who_and_what = {
        "time": "2026-06-05T18:00:00Z",
        "caller": fingerprint(SANDBOX_KEY),
        "operation": "delete_source",
        "arguments": {"studioId": "studio_42", "sourceId": "source_1"},
        "digest": lines(path)[0]["digest"],
    }
    decided = {**who_and_what, "event": "decided", "mode": "auto"}
    assert lines(path) == [
        {**decided, "verdict": "Preview"},
        {**decided, "verdict": "Proceed", "answeredIn": "confirmation"},
        {**who_and_what, "event": "sending"},
        {**who_and_what, "event": "sent", "outcome": "applied", "requestId": sent.request_id},
    ]


async def test_the_sending_line_is_written_before_the_request_is_sent(path: Path) -> None:
    """After a crash in between, the file shows that the call may have been sent."""
    held = Paused()
    async with in_memory(TRAX_AUDIT_LOG=str(path)) as clients:
        clients.trax.faults.add(held.fault, method="DELETE")
        async with anyio.create_task_group() as tasks:
            begin(tasks, partial(clients.confirmed, DELETE_SOURCE))
            await held.arrived()
            assert [line["event"] for line in lines(path)] == ["decided", "decided", "sending"]
            held.release()
    assert lines(path)[-1]["event"] == "sent"


async def test_the_sent_line_of_a_go_live_and_of_a_stop_has_the_observed_state(path: Path) -> None:
    """A second go-live is decided and not sent."""
    async with in_memory(TRAX_AUDIT_LOG=str(path)) as clients:
        other = await clients.confirmation(GO_LIVE)
        for operation, state in ((GO_LIVE, "on_air"), (GO_OFFLINE, "off_air")):
            await clients.confirmed(operation)
            if operation is GO_LIVE:
                await clients.use(GO_LIVE, other)
                again = lines(path).pop()
                assert (again["event"], again["verdict"]) == ("decided", "NothingToDo")
            sent = [line for line in lines(path) if line["event"] == "sent"][-1]
            assert (sent["outcome"], sent["observed"]) == ("applied", state)


@pytest.mark.parametrize(
    ("fault", "outcome", "code"),
    [
        (Fault.error(429, "rate_limited"), "not_applied", "rate_limited"),
        (Fault.dropped(when="after"), "unknown", "unreachable"),
        (Fault.truncated(), "applied", "bad_answer"),
    ],
    ids=["refused", "lost", "unreadable"],
)
async def test_the_sent_line_of_a_failed_call_has_outcome_code_and_request_id(
    path: Path, *, fault: Fault, outcome: str, code: str
) -> None:
    """The outcome is the one that the caller gets."""
    async with in_memory(TRAX_AUDIT_LOG=str(path)) as clients:
        clients.trax.faults.add(fault, method="DELETE")
        result = await clients.confirmed(DELETE_SOURCE)
        (sent,) = clients.trax.mutations
    last = lines(path)[-1]
    assert (last["event"], last["outcome"], last["code"]) == ("sent", outcome, code)
    assert last["requestId"] == sent.request_id
    assert (result.structured_content or {})["error"]["outcome"] == outcome


async def test_a_shutdown_during_the_observation_writes_the_known_outcome(path: Path) -> None:
    """TRaX has accepted the go-live. Whether it is on air is unknown."""
    held = Paused()
    async with in_memory(TRAX_AUDIT_LOG=str(path)) as clients:
        observing = partial(clients.trax.faults.add, held.fault, path="*/stream-status")
        clients.trax.faults.add(Fault.followed_by(observing), path="*/go-live")
        assert clients.product is not None
        async with anyio.create_task_group() as tasks:
            begin(tasks, partial(clients.confirmed, GO_LIVE))
            await held.arrived()
            await clients.product.shut_down()
            held.release()
    last = lines(path)[-1]
    assert (last["event"], last["outcome"], last["observed"]) == ("sent", "applied", "unknown")


@pytest.mark.parametrize(
    ("mode", "given", "can_ask", "verdict", "reason"),
    [
        ("auto", {}, False, "Preview", None),
        ("auto", {"confirm": True, "confirmation": "x"}, False, "Preview", "expired"),
        ("auto", {"confirm": True}, True, "Ask", None),
        ("human", {"confirm": True}, False, "Refuse", "cannot_ask"),
        ("flag", {"confirm": True}, False, "Proceed", None),
    ],
    ids=["shown", "expired", "asked", "cannot ask", "flagged"],
)
async def test_every_decision_is_written_with_its_reason(
    path: Path,
    *,
    mode: str,
    given: dict[str, object],
    can_ask: bool,
    verdict: str,
    reason: str | None,
) -> None:
    """Every verdict, with its mode."""
    async with in_memory(TRAX_AUDIT_LOG=str(path), TRAX_CONFIRM=mode) as clients:
        await clients.call(DELETE_SOURCE, clients.asking if can_ask else None, **given)
    decided = lines(path)[0]
    assert (decided["event"], decided["mode"]) == ("decided", mode)
    assert (decided["verdict"], decided.get("reason")) == (verdict, reason)


async def test_the_actor_in_the_request_meta_is_recorded_as_claimed(path: Path, era: str) -> None:
    """It is truncated to 64 characters and stays on one line, and no odd one breaks a call."""
    claims = ["mod\nanna " + "x" * 100, "a bot \ud800", "", 7, None]
    async with in_memory(era, TRAX_AUDIT_LOG=str(path)) as clients:
        for claim in claims:
            meta: Any = {"live.traxstreaming/actor": claim}
            await clients.plain.call_tool("go_live", STUDIO, meta=meta)
    expected = ["mod\nanna " + "x" * 55, "a bot ?", None, None, None]
    assert [line.get("actorClaimed") for line in lines(path)] == expected


async def test_the_client_of_a_caller_who_signed_in_is_recorded(path: Path) -> None:
    """Beside the fingerprint of the key, which is the same as for callers that send it."""
    async with registered(path.parent / "files", TRAX_AUDIT_LOG=str(path)) as (front, steps):
        signed_in = front.signed_in(MODERN, await steps.sign_in(SANDBOX_KEY))
        for caller in (signed_in, front.caller(MODERN, x_api_key=SANDBOX_KEY)):
            await caller.call("go_live", **STUDIO)
        first, second = lines(path)
    assert first == {**second, "client": steps.client_id}


async def test_a_call_that_needs_no_consent_is_not_written(path: Path) -> None:
    """The log records consent, not use."""
    rename = GuardedOperation(
        "update_source", {**STUDIO, "sourceId": "source_1", "name": "N"}, "", {}
    )
    async with in_memory(TRAX_AUDIT_LOG=str(path)) as clients:
        assert status_and_reason(await clients.call(rename)) == RAN
    assert lines(path) == []


async def test_a_long_line_is_shortened_and_stays_json(path: Path) -> None:
    """To 8 kB: the longest texts end in an ellipsis, and a list keeps its first items."""
    text = "\N{CLAPPER BOARD}" * 500
    names = [f"{number} " + "\N{CLAPPER BOARD}" * 60 for number in range(20)]
    given = {**STUDIO, "text": text, "platforms": names}
    async with in_memory(TRAX_AUDIT_LOG=str(path)) as clients:
        await clients.call(GuardedOperation(CHAT, given, "", {}))
    assert size(path) <= 8_000
    (line,) = lines(path)
    assert (line["event"], line["operation"]) == ("decided", CHAT)
    assert line["arguments"]["studioId"] == "studio_42"
    kept, shortened = line["arguments"]["platforms"], line["arguments"]["text"]
    assert kept
    assert all(it.startswith(f"{number} ") for number, it in enumerate(kept))
    assert shortened.endswith("…")
    assert text.startswith(shortened[:-1])


# The file


async def decide(open_product: Callable[..., Product], path: Path, *, times: int = 2) -> None:
    """Let the server write a line, several times."""
    server = open_product(TRAX_AUDIT_LOG=str(path)).server()
    for _ in range(times):
        await call(server, "delete_source", {**STUDIO, "sourceId": "source_1"})


async def test_only_the_owner_can_read_the_file_and_lines_are_appended(
    open_product: Callable[..., Product], path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """With any umask. Nothing is truncated, and after a rotation a new file is started."""
    before = os.umask(0)
    try:
        await decide(open_product, path)
        await decide(open_product, path)
        assert len(lines(path)) == 4
        moved = rotate(path)
        await decide(open_product, path, times=1)
    finally:
        os.umask(before)
    assert (len(lines(path)), len(lines(moved))) == (1, 4)
    assert permissions(path) == permissions(moved) == 0o600
    assert problems(caplog) == []


@pytest.fixture(params=[0o644, 0o602])
def open_to_others(path: Path, request: pytest.FixtureRequest) -> None:
    """The file exists, and other users can read or write it."""
    path.touch()
    path.chmod(request.param)


@pytest.mark.usefixtures("open_to_others")
async def test_a_file_that_is_open_to_other_users_is_reported_once(
    open_product: Callable[..., Product], path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """With the command that changes it. The lines are written."""
    await decide(open_product, path)
    assert len(lines(path)) == 2
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
    open_product: Callable[..., Product], path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It could lead into any file of this user."""
    await decide(open_product, path)
    assert cannot_be_written(caplog)


@pytest.mark.parametrize("place", ["/dev/full", "no such folder/audit.jsonl", "."])
async def test_a_call_runs_even_if_the_log_cannot_be_written(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, place: str
) -> None:
    """With a full disk or a missing folder. The error is logged once, not per line."""
    async with in_memory(TRAX_AUDIT_LOG=str(tmp_path / place)) as clients:
        assert status_and_reason(await clients.confirmed(DELETE_SOURCE)) == RAN
        assert clients.sent == [DELETE_SOURCE.sent]
    assert cannot_be_written(caplog)


async def test_writing_resumes_when_it_is_possible_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Without a restart. The log has the lines of the time between, and says once how many."""
    path = tmp_path / "later" / "audit.jsonl"
    async with in_memory(TRAX_AUDIT_LOG=str(path)) as clients:
        confirmation = await clients.confirmation(DELETE_SOURCE)
        await clients.confirmation(GO_OFFLINE)
        path.parent.mkdir()
        await clients.use(DELETE_SOURCE, confirmation)
    assert [line["event"] for line in lines(path)] == ["decided", "sending", "sent"]
    logged = [json.loads(it.getMessage()) for it in caplog.records if it.msg == "%s"]
    assert [it["operation"] for it in logged] == ["delete_source", "go_offline"]
    (_, lost), (level, back) = problems(caplog)
    assert lost.startswith("TRAX_AUDIT_LOG cannot be written (")
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
    async with in_memory(TRAX_AUDIT_LOG=str(path)) as clients:
        assert status_and_reason(await clients.confirmed(GO_OFFLINE)) == RAN
        assert clients.sent == [GO_OFFLINE.sent]
    assert reader.is_alive()  # the call did not wait for it
    reader.cancel()
    reader.join()
    assert cannot_be_written(caplog)


async def test_lines_go_to_the_log_if_no_file_is_set(caplog: pytest.LogCaptureFixture) -> None:
    """At the level INFO, the default."""
    with caplog.at_level(logging.INFO):
        async with in_memory() as clients:
            await clients.confirmed(DELETE_SOURCE)
    logged = [
        json.loads(it.getMessage()) for it in caplog.records if it.getMessage().startswith("{")
    ]
    assert [line["event"] for line in logged] == ["decided", "decided", "sending", "sent"]
    assert logged[-1]["caller"] == fingerprint(SANDBOX_KEY)
