"""A yes that is given on one replica, and pressed on several."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.guarded_calls import AUTO_GO_LIVE

if TYPE_CHECKING:
    from proof.replicas.replica_setup import Replicas


async def test_a_confirmation_from_one_replica_runs_once_on_another(replicas: Replicas) -> None:
    a, b = [await replicas.caller(it) for it in replicas.both]
    shown = await a.call(AUTO_GO_LIVE.tool, **AUTO_GO_LIVE.arguments)
    evidence = {"confirm": True, "confirmation": shown["structuredContent"]["confirmation"]}
    done = await b.call(AUTO_GO_LIVE.tool, **AUTO_GO_LIVE.arguments, **evidence)
    assert not done.get("isError"), done
    again = await a.call(AUTO_GO_LIVE.tool, **AUTO_GO_LIVE.arguments, **evidence)
    assert again["structuredContent"]["reason"] == "used"
    assert replicas.changes == {AUTO_GO_LIVE.sent: 1}
