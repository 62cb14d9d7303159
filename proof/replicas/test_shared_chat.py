"""Chat and stream status over two replicas: each key looks at TRaX once, and everybody is told."""

from __future__ import annotations

import time
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, Any, Final

import anyio
import pytest
import pytest_asyncio

from proof.replicas.chat_clients import (
    CHAT_LOOK,
    POLL_SECONDS,
    TOGETHER_SECONDS,
    new_key,
    read,
    subscribed,
    tell,
)
from proof.replicas.presses import until
from proof.replicas.replica_setup import Replicas, open_replicas
from tests.support.concurrency import Paused
from tests.support.product.faults import Fault
from tests.support.product.sandbox_accounts import REVOKED_KEY
from tests.support.served_app import error_code
from tests.support.server_process import PATIENCE_SECONDS
from tests.support.subscribers import (
    CHAT_PATH,
    STATUS,
    STATUS_PATH,
    STUDIO,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.world.wire import HttpWire

SLOWEST: Final = 5
"""The longest pause between looks at a quiet chat, as a multiple of the shortest."""
SLOW_LOOKS: Final = 5
"""How many looks that find nothing it takes until the pause is the longest."""
OTHERS_WAIT_SECONDS: Final = 1.0
"""Long enough to look again and again, and far from the 4 s after which others may look."""
LARGE: Final = "{trax}:large"
STATUS_LOOK: Final = f"GET {STATUS_PATH}"


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def kept() -> AsyncIterator[Replicas]:
    """Two replicas that look often, for all tests that kill none of them."""
    async with open_replicas(TRAX_CHAT_POLL_SECONDS=str(POLL_SECONDS)) as replicas:
        yield replicas


@pytest.fixture
def key(kept: Replicas) -> str:
    """A key of its own for each test, so that it shares nothing with the others."""
    return new_key(kept)


async def test_two_replicas_look_as_often_as_one_and_tell_everybody_together(
    kept: Replicas,
    key: str,
) -> None:
    """The cursor of each is good on the other. The order is the same."""
    async with subscribed(kept.a, key=key) as at_a, subscribed(kept.b, key=key) as at_b:
        cursors = [await at_a.cursor(), await at_b.cursor()]
        before, began = kept.received[CHAT_LOOK], time.monotonic()
        said = [f"message {number}" for number in range(12)]
        apart = [await tell(kept, text, at_a, at_b) for text in said]
        looks = kept.received[CHAT_LOOK] - before
        most = (time.monotonic() - began) / POLL_SECONDS + 1
        assert len(said) - 1 <= looks <= most  # one may have been under way before
        assert median(apart) < TOGETHER_SECONDS
        assert await at_a.texts(after=cursors[1]) == said
        assert await at_b.texts(after=cursors[0]) == said


async def test_a_quiet_chat_is_looked_at_as_rarely_as_by_one(kept: Replicas, key: str) -> None:
    """Once one replica alone would have slowed down. A pause may be a fifth shorter."""
    times: list[float] = []
    note = Fault.followed_by(lambda: times.append(time.monotonic()))
    async with subscribed(kept.a, key=key), subscribed(kept.b, key=key):
        kept.trax.faults.add(note, path=CHAT_PATH, times=None)
        await until(lambda: len(times) >= SLOW_LOOKS + 2)
    kept.trax.faults.clear()
    pauses = [later - earlier for earlier, later in pairwise(times[SLOW_LOOKS - 1 :])]
    assert min(pauses) > 0.8 * SLOWEST * POLL_SECONDS


async def test_readers_on_all_replicas_share_a_look(kept: Replicas, key: str) -> None:
    """Also while it lasts."""
    both = [await kept.start(TRAX_CHAT_POLL_SECONDS=str(PATIENCE_SECONDS)) for _ in kept.both]
    callers = [await kept.caller(it, key=key) for it in both]
    held = Paused()
    kept.trax.faults.add(held.fault, path=CHAT_PATH)
    answers: list[dict[str, Any]] = []

    async def look(caller: HttpWire) -> None:
        answers.append(await read(caller) | {"waitedSeconds": 0})

    before = kept.received[CHAT_LOOK]
    async with anyio.create_task_group() as tasks:
        for caller in callers * 4:
            tasks.start_soon(look, caller)
        await held.arrived()
        await anyio.sleep(OTHERS_WAIT_SECONDS)
        held.release()
    assert kept.received[CHAT_LOOK] == before + 1
    assert answers == [answers[0]] * 8


async def test_two_keys_share_nothing(kept: Replicas, key: str) -> None:
    """Each looks for itself. One that TRaX refuses gets nothing of what another may read."""
    first = await kept.caller(kept.a, key=key)
    before = kept.received[CHAT_LOOK]
    expected = await read(first)
    assert expected["messages"]
    other_key = new_key(kept)
    second = await kept.caller(kept.b, key=other_key)
    assert (await read(second))["messages"] == expected["messages"]
    assert kept.received[CHAT_LOOK] == before + 2
    revoked = await kept.caller(kept.b, key=REVOKED_KEY)
    refused = await revoked.call("wait_for_chat_messages", studioId=STUDIO)
    assert error_code(refused) == "invalid_key"


async def test_a_refusal_is_shared_with_its_retry_after(kept: Replicas, key: str) -> None:
    """The other replica does not ask TRaX before the time is up."""
    callers = [await kept.caller(it, key=key) for it in kept.both]
    kept.trax.faults.add(Fault.error(429, "rate_limited", Retry_After="60"), path=CHAT_PATH)
    before = kept.received[CHAT_LOOK]
    refused = [await it.call("wait_for_chat_messages", studioId=STUDIO) for it in callers]
    assert all(it["isError"] for it in refused)
    assert refused[0] == refused[1]
    assert kept.received[CHAT_LOOK] == before + 1


async def test_nothing_is_shared_while_the_engine_has_little_memory(
    kept: Replicas, key: str
) -> None:
    """Each replica looks for itself: what is left is for yeses."""
    callers = [await kept.caller(it, key=key) for it in kept.both]
    before = kept.received[CHAT_LOOK]
    async with kept.engine.client() as client:
        await client.set(LARGE, bytes(8 << 20))  # beside it, buffers of clients are small
        used: int = (await client.info("memory"))["used_memory"]
        await client.config_set("maxmemory", int(used / 0.8))
        answers = [await read(it) for it in callers]
        await client.config_set("maxmemory", 0)
        await client.delete(LARGE)
    assert kept.received[CHAT_LOOK] == before + 2
    assert answers[0]["messages"] == answers[1]["messages"]


async def test_a_change_of_the_status_is_told_on_all_replicas(kept: Replicas, key: str) -> None:
    """By one look. The second change is found by a read on one of them."""
    async with (
        subscribed(kept.a, STATUS, key=key) as at_a,
        subscribed(kept.b, STATUS, key=key) as at_b,
    ):
        before, began = kept.received[STATUS_LOOK], time.monotonic()
        kept.trax.go_live()
        kept.trax.clock.advance(60)
        with anyio.fail_after(PATIENCE_SECONDS):
            await at_a.wait_for_updates()
            await at_b.wait_for_updates()
        looks = kept.received[STATUS_LOOK] - before
        assert looks <= (time.monotonic() - began) / POLL_SECONDS + 1
        kept.trax.go_offline()
        kept.trax.clock.advance(60)
        assert not (await at_a.read(STATUS))["live"]
        with anyio.fail_after(PATIENCE_SECONDS):
            await at_b.wait_for_updates(2)
