"""The lines of the audit log: one for each decision and each outcome."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import anyio
import pytest

from tests.support.concurrency import Paused
from tests.support.guarded_calls import DELETE_SOURCE, GO_LIVE, GO_OFFLINE, STUDIO
from tests.support.product.faults import Fault
from tests.support.simulated_person import Person
from tests.support.snapshots import Answers
from tests.world.answers import audit_lines, has_run
from tests.world.sign_in import registered
from tests.world.world import MINE, open_world

if TYPE_CHECKING:
    from pathlib import Path

    from syrupy.assertion import SnapshotAssertion

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


@pytest.mark.parametrize("name", ["audit-log"])
async def test_each_decision_and_each_outcome_is_a_line(
    name: str, path: Path, snapshot: SnapshotAssertion
) -> None:
    """A show, with calls that TRaX refuses, whose answers are lost, and that nobody approved."""
    async with open_world(MINE, TRAX_AUDIT_LOG=str(path)) as it:
        early = await it[MINE].confirmation(GO_LIVE)
        for operation in (GO_LIVE, GO_OFFLINE):
            await it[MINE].confirmed(operation)
            await it[MINE].use(GO_LIVE, early)
        for fault in (
            Fault.error(429, "rate_limited"),
            Fault.dropped(when="after"),
            Fault.truncated(),
        ):
            it.trax.faults.add(fault, method="DELETE")
            await it[MINE].confirmed("unlink_connection", connectionId="conn_1")
            it.trax.reset()
        await it[MINE].use(DELETE_SOURCE, "invented")
        hurried = (await it[MINE].preview(DELETE_SOURCE))["confirmation"]
        await it[MINE].use(DELETE_SOURCE, hurried)
        await (await it.caller(person=Person())).call(DELETE_SOURCE, confirm=True)
        ids = [sent.request_id for sent in it.trax.mutations]
    for ways in ("form,panel,page", "confirm_alone"):
        async with open_world(MINE, TRAX_AUDIT_LOG=str(path), TRAX_ASK=ways) as it:
            await it[MINE].call(DELETE_SOURCE, confirm=True)
            ids += [sent.request_id for sent in it.trax.mutations]
    written = lines(path)
    assert [line.pop("requestId") for line in written if "requestId" in line] == ids
    text = "\n".join(json.dumps(line) for line in written) + "\n"
    assert text == snapshot.with_defaults(extension_class=Answers), name


async def test_the_sending_line_is_written_before_the_request_is_sent(path: Path) -> None:
    """After a crash in between, the file shows that the call may have been sent."""
    held = Paused()
    async with open_world(MINE, TRAX_AUDIT_LOG=str(path)) as it:
        it.trax.faults.add(held.fault, method="DELETE")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(it[MINE].confirmed, DELETE_SOURCE)
            await held.arrived()
            assert [line["event"] for line in lines(path)] == ["decided", "decided", "sending"]
            held.release()
    assert lines(path)[-1]["event"] == "sent"


async def test_a_shutdown_during_the_observation_writes_the_known_outcome(path: Path) -> None:
    """TRaX has accepted the go-live. Whether it is on air is unknown."""
    held = Paused()
    async with open_world(MINE, TRAX_AUDIT_LOG=str(path)) as it:
        observing = partial(it.trax.faults.add, held.fault, path="*/stream-status")
        it.trax.faults.add(Fault.followed_by(observing), path="*/go-live")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(it[MINE].confirmed, GO_LIVE)
            await held.arrived()
            await it.product.shut_down()
            held.release()
    last = lines(path)[-1]
    assert (last["event"], last["outcome"], last["observed"]) == ("sent", "applied", "unknown")


async def test_the_actor_in_the_request_meta_is_recorded_as_claimed(path: Path, era: str) -> None:
    """It is truncated to 64 characters and stays on one line, and no odd one breaks a call."""
    claims = ["mod\nanna " + "x" * 100, "a bot \ud800", "", 7, None]
    async with open_world(MINE, era=era, TRAX_AUDIT_LOG=str(path)) as it:
        for claim in claims:
            meta: Any = {"live.traxstreaming/actor": claim}
            await it[MINE].client.call_tool("go_live", STUDIO, meta=meta)
    expected = ["mod\nanna " + "x" * 55, "a bot ?", None, None, None]
    assert [line.get("actorClaimed") for line in lines(path)] == expected


async def test_the_client_of_a_caller_who_signed_in_is_recorded(path: Path) -> None:
    """Beside the fingerprint of the key, which is the same as for callers that send it."""
    async with registered(path.parent / "files", TRAX_AUDIT_LOG=str(path)) as (it, steps):
        signed_in = it.signed_in(await steps.sign_in(MINE))
        for caller in (signed_in, await it.wire(MINE)):
            await caller.call("go_live", **STUDIO)
        first, second = lines(path)
    assert first == {**second, "client": steps.client_id}


async def test_a_call_that_needs_no_consent_is_not_written(path: Path) -> None:
    """The log records consent, not use."""
    async with open_world(MINE, TRAX_AUDIT_LOG=str(path)) as it:
        assert has_run(await it[MINE].call("update_source", sourceId="source_1", name="N"))
    assert lines(path) == []


async def test_a_long_line_is_shortened_and_stays_json(path: Path) -> None:
    """To 8 kB: the longest texts end in an ellipsis, and a list keeps its first items."""
    text = "\N{CLAPPER BOARD}" * 500
    names = [f"{number} " + "\N{CLAPPER BOARD}" * 60 for number in range(20)]
    async with open_world(MINE, TRAX_AUDIT_LOG=str(path), TRAX_GUARD_ALSO=CHAT) as it:
        await it[MINE].call(CHAT, text=text, platforms=names)
    (line,) = lines(path)
    assert len(json.dumps(line, ensure_ascii=False).encode()) <= 8_000
    assert (line["event"], line["operation"]) == ("decided", CHAT)
    assert line["arguments"]["studioId"] == "studio_42"
    kept, shortened = line["arguments"]["platforms"], line["arguments"]["text"]
    assert kept
    assert all(it.startswith(f"{number} ") for number, it in enumerate(kept))
    assert shortened.endswith("…")
    assert text.startswith(shortened[:-1])
