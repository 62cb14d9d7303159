"""What the engine holds: nothing that opens or names anything, and nothing that comes back."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from proof.replicas.replicas import EXPIRED, at_both, consent, replicas_on, when_back
from tests.support.guarded_calls import AUTO_GO_LIVE, GO_LIVE, GO_OFFLINE, GuardedOperation
from tests.world.answers import RAN, outcome
from tests.world.panel import Panel, open_panel
from tests.world.world import COLLEAGUE, MINE, Over
from trax_mcp.api.caller import Caller

if TYPE_CHECKING:
    from proof.replicas.throwaway_engine import ThrowawayEngine

STREAM_KEY: Final = "c4n4ry-stream-key"
ADDRESS: Final = "rtmp://c4n4ry.example/app"
NAME: Final = "C4n4ry Night Show"
DESTINATION: Final = GuardedOperation(
    "update_destination",
    {"studioId": "studio_42", "destId": "dest_3", "streamKey": STREAM_KEY, "rtmpUrl": ADDRESS},
    "PATCH /v1/studios/studio_42/destinations/dest_3",
    {},
)
NAMED: Final = ("studio_42", "dest_3", "Friday", "YouTube", "rtmp", "c4n4ry", "C4n4ry")


async def test_no_secret_name_or_id_is_in_the_engine_or_on_its_wire(
    engine: ThrowawayEngine,
) -> None:
    """In a session with every kind of consent. What lies there is of one kind."""
    async with replicas_on(engine, over=Over.HTTP) as it:
        it.trax.change("studio_42", name=NAME)
        a, b = await at_both(it)
        drawing, other = await at_both(it, key=COLLEAGUE, apps=True)
        given = []
        async with engine.commands() as seen:
            panel = await open_panel(drawing, DESTINATION)
            shown = await Panel(other, panel.ticket).look()
            for operation in (DESTINATION, AUTO_GO_LIVE, GO_LIVE, GO_OFFLINE):
                given.append(await a.confirmation(operation))
                assert outcome(await b.use(operation, given[-1])) == RAN
    names = {re.sub(r"(?<=studio:)[0-9a-f]{32}$", "*", name) for name in await engine.names()}
    dump, wire = await engine.contents(), "\n".join(seen)
    texts = [text for it in shown["lines"] for text in (it, json.dumps(it)[1:-1])]
    secrets = {MINE, COLLEAGUE, STREAM_KEY, ADDRESS, NAME, *NAMED, *given, panel.ticket, *texts}
    secrets |= {
        it for key in (MINE, COLLEAGUE) for it in (Caller(key).owner, Caller(key).fingerprint)
    }
    assert "EVAL" in wire
    assert names == {"{trax}:studio:*"}
    assert dump
    assert [it for it in secrets if it in wire or it.encode() in dump] == []
    assert await engine.kept_for_good() == 0


async def test_a_used_approval_does_not_come_back_with_an_old_copy(
    engine: ThrowawayEngine,
) -> None:
    """A copy from before it was used takes the place of the engine."""
    async with replicas_on(engine) as it:
        a, b = await at_both(it)
        used, unused = await a.confirmation(DESTINATION), await a.confirmation(GO_LIVE)
        async with engine.client() as client:
            await client.save()
        assert outcome(await b.use(DESTINATION, used)) == RAN
        assert (engine.folder / "dump.rdb").exists()
        await engine.restart()
        async with engine.client() as client:
            assert await client.dbsize() > 0
        for caller in (a, b):
            assert await when_back(lambda who=caller: who.use(DESTINATION, used)) == EXPIRED  # type: ignore[misc]
            assert outcome(await caller.use(GO_LIVE, unused)) == EXPIRED
        assert it.sent == [DESTINATION.sent]
        assert await consent(a, GO_LIVE) == RAN
