"""When TRaX is asked for chat: once for all who listen with a key, and never while nobody does.

The sandbox's log tells. Subscriptions over sockets are tested in `tests/server`.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import anyio
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError

from tests.support.concurrency import Paused, begin
from tests.support.fact_reads import narrow
from tests.support.product.faults import Fault
from tests.support.product.frozen_sandbox import still
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.product.server import Product
from tests.support.product.shared_clock import STEP_SECONDS, HandClock, settled
from tests.support.resource_reads import CHAT, STATUS, read, refused
from tests.support.server_process import PATIENCE_SECONDS
from tests.support.subscribers import (
    CHAT_PATH,
    STATUS_PATH,
    manual_clock_server,
    poll_count,
    say,
    subscriber_of,
    subscriber_on,
)
from tests.support.wait_client import chat_of, wait_as, wait_for_calls, wait_for_results
from tests.world.wire import MODERN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from tests.support.product.faults import Request, RequestHandler, Response
    from tests.support.product.sandbox import Sandbox
    from tests.support.subscribers import Subscriber
    from tests.support.wait_client import Json

SHORTEST: Final = 2.0
LONGEST: Final = 10.0
"""Seconds between two polls, while people talk and while they do not."""

JITTER: Final = 1.2
OTHER_CHAT: Final = "trax://studios/studio_43/chat"
LARGEST_ANSWER_BYTES: Final = 4 * 1024 * 1024


@dataclass
class Front:
    """A server, its sandbox and the clock of both."""

    trax: Sandbox = field(default_factory=still)
    clock: HandClock = field(init=False)
    product: Product = field(init=False)

    def __post_init__(self) -> None:
        """Build the server."""
        self.clock = HandClock(self.trax, short_seconds=0)
        self.product = Product(self.trax, self.clock)

    @asynccontextmanager
    async def client(self, key: str | None = SANDBOX_KEY) -> AsyncIterator[Client]:
        """A client with this key."""
        with anyio.fail_after(PATIENCE_SECONDS):
            async with Client(self.product.server(key), mode=MODERN, cache=None) as client:
                yield client

    @asynccontextmanager
    async def listener(self, uri: str = CHAT) -> AsyncIterator[Subscriber]:
        """Listen until the block ends."""
        async with subscriber_on(self.product.server()) as it:
            await it.subscribe(uri)
            yield it

    def count(self, path: str = CHAT_PATH) -> int:
        """How often TRaX was asked."""
        return sum(it.path == path for it in self.trax.requests)

    def limits(self) -> list[str]:
        """How many messages were asked for, each time."""
        return [it.query["limit"] for it in self.trax.requests if it.path == CHAT_PATH]

    async def polls(
        self, seconds: float, *, meanwhile: Callable[[], object] = lambda: None
    ) -> list[float]:
        """Let time pass. Returns when TRaX was asked, in seconds from now."""
        await settled()
        times, start = [], self.clock.seconds()
        while (elapsed := self.clock.seconds() - start) < seconds:
            before = self.count()
            meanwhile()
            await self.clock.pass_by(STEP_SECONDS)
            times += [elapsed + STEP_SECONDS] * (self.count() - before)
        return times


def pauses(times: Sequence[float]) -> list[float]:
    """The seconds between two polls."""
    return [later - earlier for earlier, later in pairwise(times)]


async def texts(client: Client, after: str | None = None) -> list[str]:
    """What a client reads, after a cursor or at all."""
    uri = CHAT if after is None else f"{CHAT}?after={after}"
    return [it["text"] for it in (await read(client, uri))["messages"]]


# How often


async def test_polls_are_frequent_while_people_talk_and_seldom_while_they_do_not() -> None:
    """Between the operator's shortest time and five times that."""
    front = Front()
    async with front.listener():
        busy = await front.polls(40, meanwhile=lambda: front.trax.say("Hello"))
        quiet = (await front.polls(120))[5:]
        busy_again = (await front.polls(40, meanwhile=lambda: front.trax.say("Hello")))[2:]
    fast = SHORTEST * JITTER + STEP_SECONDS
    assert all(SHORTEST <= it <= fast for it in pauses(busy) + pauses(busy_again))
    assert len(busy) > 13
    assert all(LONGEST / JITTER <= it <= LONGEST + STEP_SECONDS for it in pauses(quiet))
    assert len(quiet) > 5


async def test_trax_is_asked_only_while_somebody_listens() -> None:
    """A later subscription starts it again."""
    front = Front()
    async with front.client() as client:
        await read(client, CHAT)
        assert await front.polls(60) == []
    async with front.listener() as it:
        for _ in range(2):
            assert len(await front.polls(20)) >= 2
            await it.unsubscribe(CHAT)
            assert await front.polls(60) == []
            await it.subscribe(CHAT)


async def test_frequent_reads_and_listeners_together_keep_the_shortest_interval() -> None:
    """However often somebody reads."""
    front = Front()
    times: list[float] = []
    clocked = Fault.followed_by(lambda: times.append(front.clock.seconds()))
    front.trax.faults.add(clocked, times=None, path=CHAT_PATH)
    async with front.listener() as it:
        for _ in range(120):
            await read(it.client, CHAT)
            await front.clock.pass_by(STEP_SECONDS)
    assert min(pauses(times)) >= SHORTEST
    assert len(times) >= 25


async def test_readers_at_the_same_moment_share_a_poll_that_outlives_those_who_leave() -> None:
    """Twenty leave, and twenty get the result."""
    front = Front()
    held, chats = Paused(), list[list[str]]()
    front.trax.faults.add(held.fault)

    async def keep(client: Client) -> None:
        chats.append(await texts(client))

    async with front.client() as client, anyio.create_task_group() as staying:
        async with anyio.create_task_group() as leaving:
            for _ in range(20):
                leaving.start_soon(texts, client)
                staying.start_soon(keep, client)
            await held.arrived()
            await settled()
            leaving.cancel_scope.cancel()
        held.release()
    assert len(chats) == 20
    assert chats[0]
    assert all(it == chats[0] for it in chats)
    assert front.count() == 1


async def test_waits_and_subscriptions_of_several_clients_share_one_loop() -> None:
    """Over HTTP. All get the message. When the last has it, polling ends."""
    async with (
        manual_clock_server() as front,
        subscriber_of(front) as one,
        subscriber_of(front) as two,
    ):
        cursor = await one.cursor()
        async with anyio.create_task_group() as tasks:
            results = [begin(tasks, partial(wait_as, it, cursor)) for it in (one, two) * 10]
            await wait_for_calls(front, 20)
            before = poll_count(front)
            await front.clock.pass_by(8)
            assert results == [[]] * 20
            said = say(front, "Hello")
            await front.clock.pass_by(LONGEST + STEP_SECONDS)
            await wait_for_results(results)
        assert poll_count(front) - before <= 6
        assert [chat_of(it[0])["messages"] for it in results] == [[said]] * 20
        before = poll_count(front)
        await front.clock.pass_by(60)
        assert poll_count(front) == before


async def test_a_failing_trax_is_asked_less_and_less_often_up_to_twice_a_minute() -> None:
    """Without repetitions in between. It is asked as usual as soon as it answers."""
    front = Front()
    async with front.listener():
        front.trax.faults.add(Fault.status(502), times=None)
        times = await front.polls(240)
        front.trax.faults.clear()
        front.trax.say("Hello")
        await front.polls(40)
        times_after = await front.polls(20, meanwhile=lambda: front.trax.say("Hello"))
    grown = pauses(times)
    assert all(30 <= it <= 30 * JITTER + STEP_SECONDS for it in grown[4:])
    assert grown[:4] == sorted(grown[:4])
    assert max(pauses(times_after)) <= 2 * JITTER + STEP_SECONDS


async def test_a_request_that_ends_as_if_cancelled_is_one_failed_poll() -> None:
    """As by a bug of a library. Listeners are told of what comes later."""
    front = Front()
    ends = Fault("as if cancelled", end_as_if_cancelled)
    async with front.listener() as it:
        await front.clock.pass_by(20)
        front.trax.faults.add(ends, path=CHAT_PATH)
        await front.clock.pass_until(lambda: front.trax.faults.pending == 0)
        assert (await refused(it.client, CHAT)).data["error"]["code"] == "bad_answer"
        front.trax.say("Hello")
        await front.clock.pass_until(lambda: it.updates)
        assert (await texts(it.client))[-1] == "Hello"


async def end_as_if_cancelled(_request: Request, _handle: RequestHandler) -> Response:
    """End a request as a cancellation does, although nobody cancels it."""
    raise asyncio.CancelledError


async def test_nobody_asks_before_the_time_that_trax_named() -> None:
    """Neither readers nor listeners, for an hour, whatever else is read meanwhile."""
    front = Front()
    async with front.client() as client:
        await read(client, OTHER_CHAT)
        front.trax.faults.add(Fault.error(429, "rate_limited", Retry_After="3600"))
        await refused(client, CHAT)
        for number in range(100):
            await refused(client, f"trax://studios/studio_{number + 100}/chat")
        for _ in range(10):
            front.clock.advance(359.9)
            assert (await refused(client, CHAT)).data["error"]["code"] == "rate_limited"
        assert front.count() == 1
        front.clock.advance(1)
        assert await texts(client)
    assert front.count() == 2


# Whose


async def test_each_key_asks_for_itself_and_gets_only_what_it_may_read() -> None:
    """Even keys of one account, over HTTP. One of them lacks the scope for chat."""
    twin = "sk_live_sandbox_twin"
    async with manual_clock_server() as front:
        front.trax.add_key(twin)
        without = narrow(front.trax, "chat:read")
        async with (
            subscriber_of(front) as first,
            subscriber_of(front, key=twin) as second,
            subscriber_of(front, key=without) as stranger,
        ):
            for it in (first, second):
                await it.subscribe(CHAT)
                assert (await it.read())["messages"]
            error = await refused(stranger.client, CHAT)
            assert error.data["error"]["code"] == "insufficient_scope"
            say(front, "Hello")
            await front.clock.pass_by(LONGEST)
            for it in (first, second):
                await it.wait_for_updates()
        asked = {it.key_name for it in front.trax.requests if it.path == CHAT_PATH}
    assert asked == {"full", "twin", "narrow"}


async def test_a_caller_without_a_key_asks_for_nothing() -> None:
    """Neither for chat nor for the status."""
    front = Front()
    async with front.client(None) as client:
        for uri in (CHAT, STATUS):
            assert (await refused(client, uri)).data["error"]["code"] == "no_key"
            with pytest.raises(MCPError):
                async with client.listen(resource_subscriptions=[uri]):
                    pass
    assert len(front.trax.requests) == 0


async def test_a_chat_that_nobody_uses_is_forgotten_and_one_that_is_heard_is_not() -> None:
    """Memory does not grow with every chat that was ever read: here, 600."""
    front = Front()
    ids = [front.trax.add_studio(f"Show {number}") for number in range(600)]
    empty = Fault.status(200, {"data": []})
    async with front.listener() as it:
        client = it.client
        await texts(client)
        forgotten = f"trax://studios/{ids[0]}/chat"
        front.trax.say("Hello", studio=ids[0])
        assert len((await read(client, forgotten))["messages"]) == 1
        front.trax.faults.add(empty, times=None, path="*/chat/messages")
        await front.clock.pass_by(SHORTEST)
        assert len((await read(client, forgotten))["messages"]) == 1
        for studio in ids[1:]:
            await read(client, f"trax://studios/{studio}/chat")
            front.clock.advance(0.1)
        assert (await read(client, forgotten))["messages"] == []
        assert len(await texts(client)) == 3


# What counts as a change


async def test_messages_before_the_first_poll_are_no_news_and_those_in_an_outage_are() -> None:
    """Each message is news once."""
    front = Front()
    async with front.listener() as it:
        await front.polls(20)
        assert it.updates == []
        front.trax.faults.add(Fault.status(500), times=3)
        front.trax.say("Hello")
        await front.clock.pass_until(lambda: it.updates)
        await front.polls(30)
    assert it.updates == [CHAT]


async def test_a_status_that_changes_in_an_outage_is_news_after_it() -> None:
    """It is compared with the last known one."""
    front = Front()
    async with front.listener(STATUS) as it:
        await front.clock.pass_by(20)
        front.trax.faults.add(Fault.status(500), times=3, path=STATUS_PATH)
        front.trax.go_live()
        await front.clock.pass_until(lambda: it.updates)
        await front.clock.pass_by(30)
    assert it.updates == [STATUS]


# Pages


async def test_fewer_messages_are_asked_for_after_a_page_that_is_too_large() -> None:
    """Half as many each time, but at least ten. Nothing that fits is lost."""
    front = Front()
    page = {"data": [{"id": "m", "text": "x" * LARGEST_ANSWER_BYTES}]}
    async with front.client() as client:
        front.trax.faults.add(Fault.status(200, page), times=6, path=CHAT_PATH)
        for _ in range(6):
            error = (await refused(client, CHAT)).data["error"]
            assert (error["code"], "larger than 4 MiB" in error["message"]) == ("bad_answer", True)
            front.clock.advance(40)
        front.trax.say("Hello")
        assert (await texts(client))[-1] == "Hello"
    assert front.limits() == ["200", "100", "50", "25", "12", "10", "10"]


@pytest.mark.parametrize(("count", "missed"), [(99, False), (100, True)])
async def test_a_smaller_full_page_of_new_messages_is_a_gap(count: int, *, missed: bool) -> None:
    """It is full if it has as many messages as were asked for."""
    front = Front()
    async with front.client() as client:
        cursor = (await read(client, CHAT))["cursor"]
        too_large = {"data": [{"id": "x" * LARGEST_ANSWER_BYTES}]}
        for page in (too_large, {"data": [{"id": f"n{it}"} for it in range(count)]}):
            front.trax.faults.add(Fault.status(200, page), path=CHAT_PATH)
            front.clock.advance(40)
            if page is too_large:
                await refused(client, CHAT)
        result = await read(client, f"{CHAT}?after={cursor}")
    assert (len(result["messages"]), result["missed"]) == (count, missed)


async def test_messages_without_an_id_are_left_out_and_a_page_without_a_list_is_an_error() -> None:
    """The others in the page are read. No broken page passes for an empty chat."""
    front = Front()
    invalid: list[Any] = [{"id": 7, "text": "a"}, {}, {"id": None}, "x", None, [], {"text": "b"}]
    valid = {"id": "m", "text": "Hello"}
    async with front.client() as client:
        pages: list[Json] = [{}, {"data": None}, {"data": "x"}, {"data": {}}]
        for page in pages:
            front.trax.faults.add(Fault.status(200, page), path=CHAT_PATH)
            assert (await refused(client, CHAT)).data["error"]["code"] == "bad_answer"
            front.clock.advance(40)
        front.trax.faults.add(
            Fault.status(200, {"data": [*invalid, valid, *invalid]}), path=CHAT_PATH
        )
        assert await texts(client) == ["Hello"]
    assert front.limits() == ["200"] * 5
