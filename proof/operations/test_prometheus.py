"""A real Prometheus asks all that the dashboard and the alerts of `deploy/` ask of it."""

from __future__ import annotations

import asyncio
import json
import math
import re
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

from proof.operations.programs import DEPLOY, SECRETS, TEXT, Prometheus, prometheus, until
from proof.replicas.throwaway_engine import throwaway_engine
from tests.support.guarded_calls import GO_LIVE, GO_OFFLINE, STUDIO
from tests.support.product.faults import Fault
from tests.world.wire import LEGACY
from tests.world.world import Over, World, open_world

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pytest

FILLED_IN: Final = {"$job": "trax-mcp", "$__rate_interval": "1m"}
"""What Grafana fills in."""
NO_DATA: Final = frozenset({"TraxMcpDown", "TraxMcpStopTookTooLong"})
"""Alerts with nothing to tell here: the process runs, and no stop is slow. promtool judges them."""


def dashboard() -> dict[str, str]:
    """The queries of the dashboard, by their panels."""
    text = (DEPLOY / "grafana-dashboard.json").read_text(encoding="utf-8")
    for name, value in FILLED_IN.items():
        text = text.replace(name, value)
    return {
        f"{panel['title']} ({target['legendFormat']})": target["expr"]
        for panel in json.loads(text)["panels"]
        for target in panel["targets"]
    }


def variable() -> tuple[str, str]:
    """The metric and the label of which the dashboard lists the values, to choose a job."""
    text = (DEPLOY / "grafana-dashboard.json").read_text(encoding="utf-8")
    (found,) = re.findall(r'"label_values\((\w+), (\w+)\)"', text)
    metric, label = found
    return metric, label


def alerts() -> dict[str, str]:
    """The queries of the alerts, and of what is recorded for them, by their names."""
    (group,) = yaml.safe_load((DEPLOY / "alerts.yaml").read_text(encoding="utf-8"))["groups"]
    return {it.get("alert") or it["record"]: it["expr"] for it in group["rules"]}


async def show(it: World) -> list[str]:
    """Go on and off the air, with all that goes wrong meanwhile. Returns what is secret of it."""
    caller, earlier = await it.caller(), await it.wire(era=LEGACY)
    await earlier.call("wait_for_chat_messages", **STUDIO)
    await caller.call("send_chat_message", text=TEXT)
    confirmations = []
    for operation in (GO_LIVE, GO_OFFLINE):
        confirmations.append(await caller.confirmation(operation))
        await caller.use(operation, confirmations[-1])
    await caller.call("get_studio", studioId=TEXT)
    it.trax.faults.add(Fault.status(500), times=None)
    for _ in range(5):
        await caller.call("list_studios")
    it.trax.faults.clear()
    refused = await earlier.http.post("/mcp", headers={"host": "elsewhere.example.com"})
    assert refused.status_code == 421
    return [str(earlier.session), *confirmations]


async def unanswered(
    asked: Prometheus, queries: Mapping[str, str], *, but: frozenset[str] = frozenset()
) -> list[str]:
    """The queries without a number. Waits as long as there are some."""
    left: dict[str, Any] = {}

    async def are_answered() -> bool:
        left.clear()
        for name, query in queries.items():
            found = await asked.ask(query)  # a query that it cannot read fails here
            if all(math.isnan(float(it["value"][1])) for it in found):
                left[name] = query
        return left.keys() <= but

    with suppress(TimeoutError):
        await until(are_answered)
    return sorted(left.keys() - but)


async def test_prometheus_answers_the_dashboard_and_the_alerts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And has stored no key, name, studio or text, and no id of a session.

    With an engine, which is away at the end. TRaX fails meanwhile, and a request is refused.
    """
    for name in ("GO_LIVE_SECONDS", "GO_OFFLINE_SECONDS"):
        monkeypatch.setattr(f"trax_mcp.sandbox.world.{name}", 0.0)
    async with (
        throwaway_engine() as engine,
        open_world(over=Over.PROCESS, engine=engine.url, TRAX_METRICS_PORT="0") as it,
    ):
        process = it.replicas[0].process
        assert process is not None
        address = (await process.stderr.match(r"metrics at http://([\d.]+:\d+)/metrics"))[1]
        async with prometheus(tmp_path, address) as asked:
            secrets = await show(it)
            await until(lambda: asked.ask("trax_mcp_stop_duration_seconds_count"))
            secrets += await show(it)  # a rate needs a second look
            assert await unanswered(asked, dashboard()) == []
            metric, label = variable()
            values = await asked.get(f"label/{label}/values", **{"match[]": metric})
            assert values == [FILLED_IN["$job"]]
            await engine.kill()
            assert await unanswered(asked, alerts(), but=NO_DATA) == []
            (group,) = (await asked.get("rules"))["groups"]
            health = {rule["name"]: rule["health"] for rule in group["rules"]}
            assert health == dict.fromkeys(alerts(), "ok")
            stored = str(await asked.get("series", **{"match[]": '{job="trax-mcp"}'}))
    assert "go_offline" in stored
    assert [it for it in (*secrets, *SECRETS) if it in stored] == []


async def test_the_alerts_fire_when_they_should_and_not_before() -> None:
    """By promtool, with made-up numbers: `alert_tests.yaml`."""
    tests = Path(__file__).parent / "alert_tests.yaml"
    process = await asyncio.create_subprocess_exec(
        *("promtool", "test", "rules", str(tests)),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
