"""A go-live that finds a stop which did not know of it takes its studio off the air again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest

from tests.inside.setup import OWNER
from tests.support.concurrency import Paused
from tests.support.consent_clients import audit_lines
from trax_mcp.api.operations import GoLive
from trax_mcp.consent.calls import GuardedCall, NotRun
from trax_mcp.consent.evidence import Evidence
from trax_mcp.consent.memory_store import MemoryStore
from trax_mcp.server.app import ServerDeps, build_guard

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.product.sandbox import Sandbox
    from tests.support.product.shared_clock import HandClock
    from trax_mcp.api.client import Client
    from trax_mcp.consent.store import Started


class Overtaken(MemoryStore):
    """A store in which a stop has come that did not know of the go-live."""

    async def was_overtaken(self, _started: Started) -> bool:
        """A stop did not know of it."""
        return True

    async def wait_for_stop(self, _started: Started) -> None:
        """It has ended."""


@pytest.mark.parametrize("is_cut_short", [False, True], ids=["in time", "at the shutdown"])
async def test_the_stop_that_undoes_a_go_live_is_written_like_other_calls(
    trax: Client, sandbox: Sandbox, tmp_path: Path, clock: HandClock, *, is_cut_short: bool
) -> None:
    """Nothing is decided about it: a person has agreed to a stop elsewhere."""
    path, held = tmp_path / "audit.jsonl", Paused()
    deps = ServerDeps(store=Overtaken(clock), audit_log=path, clock=clock)
    guard, go_live = build_guard(trax, deps), GoLive(studio_id="studio_42")
    shown = await guard.run(GuardedCall(go_live, OWNER))
    assert isinstance(shown, NotRun)
    evidence = Evidence(confirm=True, confirmation=shown.confirmation)
    sandbox.faults.add(held.fault, path="/v1/studios/studio_42/go-offline")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(guard.run, GuardedCall(go_live, OWNER, evidence))
        await held.arrived()
        if is_cut_short:
            await deps.tasks.drain(seconds=0.0)
        held.release()
    assert [
        (it["event"], it["operation"], it.get("outcome"), it.get("observed"))
        for it in audit_lines(path)[2:]
    ] == [
        ("sending", "go_live", None, None),
        ("sending", "go_offline", None, None),
        ("sent", "go_offline", "unknown" if is_cut_short else "applied", None),
        ("sent", "go_live", "applied", "unknown" if is_cut_short else "stopping"),
    ]
