"""What the engine holds: nothing that opens or names anything, and nothing that comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from proof.replicas.presses import EXPIRED, RAN, consent, press, press_when_back, preview
from tests.support.consent_clients import SECOND_KEY
from tests.support.guarded_calls import AUTO_GO_LIVE, GO_LIVE, GO_OFFLINE, GuardedOperation
from tests.support.product.sandbox import SANDBOX_KEY

if TYPE_CHECKING:
    from proof.replicas.replica_setup import Replicas
    from proof.replicas.throwaway_engine import ThrowawayEngine

STREAM_KEY: Final = "c4n4ry-stream-key"
ADDRESS: Final = "rtmp://c4n4ry.example/app"
NAME: Final = "C4n4ry Night Show"
NO_END: Final = -1
DESTINATION: Final = GuardedOperation(
    "update_destination",
    {"studioId": "studio_42", "destId": "dest_3", "streamKey": STREAM_KEY, "rtmpUrl": ADDRESS},
    "PATCH /v1/studios/studio_42/destinations/dest_3",
    {},
)


async def test_no_secret_name_or_id_is_in_the_engine_or_on_its_wire(replicas: Replicas) -> None:
    """In a session with every kind of consent."""
    replicas.trax.change("studio_42", name=NAME)
    a, b = [await replicas.caller(it) for it in replicas.both]
    confirmations = []
    async with replicas.engine.commands() as seen:
        for operation in (DESTINATION, AUTO_GO_LIVE, GO_LIVE, GO_OFFLINE):
            confirmation = await preview(a, operation)
            assert await press(b, operation, confirmation) == RAN
            confirmations.append(confirmation)
    dump = await replicas.engine.contents()
    secrets = {
        *(SANDBOX_KEY, SECOND_KEY, STREAM_KEY, ADDRESS, NAME, "c4n4ry", "C4n4ry"),
        *("studio_42", "dest_3", "Friday", "YouTube", "rtmp", *confirmations),
    }
    wire = "\n".join(seen)
    assert len(seen) > len(confirmations)
    assert [it for it in secrets if it in wire] == []
    assert dump
    assert [it for it in secrets if it.encode() in dump] == []
    assert await kept_for_good(replicas.engine) <= 1  # it counts calls


async def kept_for_good(engine: ThrowawayEngine) -> int:
    """How many entries do not end by themselves."""
    async with engine.client() as client:
        names = [name async for name in client.scan_iter(count=1000)]
        return [await client.pttl(name) for name in names].count(NO_END)


async def test_a_used_yes_does_not_come_back_with_an_old_copy(replicas: Replicas) -> None:
    """A copy from before the yes was used takes the place of the engine."""
    a, b = [await replicas.caller(it) for it in replicas.both]
    used, unused = await preview(a, DESTINATION), await preview(a, GO_LIVE)
    async with replicas.engine.client() as client:
        await client.save()
    assert await press(b, DESTINATION, used) == RAN
    assert (replicas.engine.folder / "dump.rdb").exists()
    await replicas.engine.restart()
    async with replicas.engine.client() as client:
        assert await client.dbsize() > 0
    for caller in (a, b):
        assert await press_when_back(caller, DESTINATION, used) == EXPIRED
        assert await press(caller, GO_LIVE, unused) == EXPIRED
    assert replicas.changes == {DESTINATION.sent: 1}
    assert await consent(a, GO_LIVE) == RAN
