"""Update notifications, the polls that they cause, and their end. Over sockets, in both eras."""

from __future__ import annotations

from itertools import count
from typing import Any, Final

from tests.support.chat_polls import (
    LONGEST,
    QUIET,
    STATUS_PATH,
    cursor_of,
    intervals,
    open_polled,
    poll_count,
    poll_times,
    texts_after,
)
from tests.support.product.faults import Fault
from tests.support.product.frozen_sandbox import put_on_air
from tests.support.product.sandbox_accounts import ANOTHER_ACCOUNT_KEY
from tests.support.resource_reads import CHAT, STATUS
from tests.world.wire import ERAS, LEGACY
from tests.world.world import MINE, World

OTHER_CHAT: Final = "trax://studios/studio_99/chat"


async def test_a_new_message_is_notified_once_and_follows_the_cursor(era: str) -> None:
    """Without further messages, no notification follows."""
    async with open_polled(MINE, era=era) as it:
        mine = it[MINE]
        before = await mine.read(CHAT)
        assert await mine.subscribe(CHAT) == [CHAT]
        sent = [it.trax.say("Hello"), it.trax.say("Hello again")]
        await it.hand_clock.pass_until(lambda: mine.updates)
        assert mine.updates == [CHAT]
        page = await mine.read(CHAT, after=before["cursor"])
        assert page == {**before, **{it: page[it] for it in ("now", "cursor")}, "messages": sent}
        assert await texts_after(mine, page["cursor"]) == []
        it.trax.say("Third")
        await it.hand_clock.pass_until(lambda: len(mine.updates) > 1)
        assert await texts_after(mine, page["cursor"]) == ["Third"]
        await it.hand_clock.pass_by(QUIET)
        assert mine.updates == [CHAT] * 2


async def test_messages_before_the_subscription_are_not_notified() -> None:
    """Neither to the first subscriber nor to later ones."""
    async with open_polled(MINE) as it:
        it.trax.say("Before")
        await it[MINE].subscribe(CHAT)
        await it.hand_clock.pass_by(QUIET)
        late = await it.caller()
        await late.subscribe(CHAT)
        await it.hand_clock.pass_by(QUIET)
        assert (it[MINE].updates, late.updates) == ([], [])


async def test_a_message_between_a_read_and_the_subscription_is_notified() -> None:
    """The client need not read again."""
    async with open_polled(MINE) as it:
        mine = it[MINE]
        cursor = await cursor_of(mine)
        it.trax.say("In between")
        await it.hand_clock.pass_by(QUIET)
        await mine.subscribe(CHAT)
        await it.hand_clock.pass_by(QUIET)
        assert mine.updates == [CHAT]
        assert await texts_after(mine, cursor) == ["In between"]


async def test_many_clients_of_one_caller_cause_no_more_polls_than_one() -> None:
    """In both eras together. All are notified."""
    async with open_polled() as it:
        callers = [await it.caller(era=era) for era in [*ERAS] * 2]
        for caller in callers:
            await caller.subscribe(CHAT)
        times = await poll_times(it, 30)
        it.trax.say("Hello")
        times += [30 + seconds for seconds in await poll_times(it, 30)]
        assert [caller.updates for caller in callers] == [[CHAT]] * len(callers)
    assert min(intervals(times)) >= 2
    assert max(intervals(times)) <= 12


async def test_accounts_are_notified_only_of_their_own_studios() -> None:
    """Each studio is polled with the key of its own account."""
    async with open_polled(MINE) as it:
        mine, other = it[MINE], await it.caller(ANOTHER_ACCOUNT_KEY, era=LEGACY)
        await mine.subscribe(CHAT)
        await other.subscribe(OTHER_CHAT)
        it.trax.say("Hello")
        await it.hand_clock.pass_by(QUIET)
        assert (mine.updates, other.updates) == ([CHAT], [])
        it.trax.say("Hello, other account", studio="studio_99")
        await it.hand_clock.pass_by(QUIET)
        assert (mine.updates, other.updates) == ([CHAT], [OTHER_CHAT])
        asked = {(sent.path.split("/")[3], sent.key_name) for sent in it.calls}
    assert asked == {("studio_42", "full"), ("studio_99", "other")}


async def test_going_live_and_going_offline_are_notified_once_each() -> None:
    """Beside a chat that is notified separately."""
    async with open_polled(MINE) as it:
        mine = it[MINE]
        await mine.subscribe(CHAT, STATUS)
        it.trax.say("Hello")
        await it.hand_clock.pass_by(QUIET)
        assert mine.updates == [CHAT]
        await mine.unsubscribe(CHAT, STATUS)
        await mine.subscribe(STATUS)
        for live, act in ((True, it.trax.go_live), (False, it.trax.go_offline)):
            mine.updates.clear()
            act()
            await it.hand_clock.pass_until(lambda: mine.updates)
            assert (await mine.read(STATUS))["live"] is live
            await it.hand_clock.pass_by(QUIET)
            assert mine.updates == [STATUS]


async def test_unknown_status_fields_that_always_change_are_not_notified() -> None:
    """Such as the number of viewers."""
    numbers = count(1)

    def count_up(answer: dict[str, Any]) -> None:
        answer |= {"viewers": next(numbers), "bitrate": 1 / next(numbers)}

    async with open_polled(MINE) as it:
        put_on_air(it.trax)
        it.trax.faults.add(Fault.patched(count_up), times=None)
        await it[MINE].subscribe(STATUS)
        assert len(await poll_times(it, 60, STATUS_PATH)) > 4
        assert it[MINE].updates == []
        it.trax.go_offline()
        await it.hand_clock.pass_until(lambda: it[MINE].updates)
        assert it[MINE].updates == [STATUS]


# The end


async def is_polled(it: World) -> bool:
    """Whether TRaX is polled for chat."""
    return bool(await poll_times(it, QUIET))


async def test_polling_stops_when_the_last_client_disconnects(era: str) -> None:
    async with open_polled(era=era) as it:
        async with it.visitor() as first:
            await first.subscribe(CHAT)
            async with it.visitor() as second:
                await second.subscribe(CHAT)
            assert await is_polled(it)
        assert not await is_polled(it)


async def test_a_client_that_unsubscribes_is_not_notified(era: str) -> None:
    """Polling stops, until it subscribes again."""
    async with open_polled(MINE, era=era) as it:
        mine = it[MINE]
        await mine.subscribe(CHAT)
        assert await is_polled(it)
        await mine.unsubscribe(CHAT)
        it.trax.say("Too late")
        assert not await is_polled(it)
        assert mine.updates == []
        await mine.subscribe(CHAT)
        it.trax.say("Subscribed again")
        await it.hand_clock.pass_until(lambda: mine.updates)


async def test_a_client_ends_one_of_several_subscriptions(era: str) -> None:
    """In the later era by closing its stream. The other one continues."""
    async with open_polled(MINE, era=era) as it:
        mine = it[MINE]
        await mine.subscribe(CHAT)
        if era == LEGACY:
            await mine.subscribe(STATUS)
            await mine.unsubscribe(STATUS)
        else:
            async with mine.client.listen(resource_subscriptions=[STATUS]):
                pass
        before = poll_count(it, STATUS_PATH)
        it.trax.say("Hello")
        await it.hand_clock.pass_by(QUIET)
        assert (mine.updates, poll_count(it, STATUS_PATH)) == ([CHAT], before)


async def test_polling_stops_when_a_session_is_deleted() -> None:
    """Its stream ends."""
    async with open_polled() as it:
        session = await it.wire(era=LEGACY)
        async with session.stream() as stream:
            await session.subscribe(CHAT)
            assert await is_polled(it)
            await session.end_session()
            assert not await is_polled(it)
            assert stream.ended


async def test_a_stream_that_opens_again_is_notified_of_all_uris_of_its_session() -> None:
    """Notifications of the time between may be lost, so anything may have changed. Polls go on."""
    async with open_polled() as it:
        session = await it.wire(era=LEGACY)
        async with session.stream():
            await session.subscribe(CHAT, STATUS)
        it.trax.say("Meanwhile")
        await it.hand_clock.pass_by(LONGEST)
        assert await poll_times(it, LONGEST)
        async with session.stream() as stream:
            await it.hand_clock.pass_until(lambda: len(stream.updates) > 1)
            assert stream.updates == [CHAT, STATUS]
            assert await is_polled(it)
            assert stream.updates == [CHAT, STATUS]
            it.trax.say("Hello")
            await it.hand_clock.pass_until(lambda: len(stream.updates) > 2)
            assert stream.updates == [CHAT, STATUS, CHAT]


async def test_a_stream_opens_whatever_event_its_client_saw_last() -> None:
    """Events of this server have no ids, so there is none to go on from."""
    async with open_polled() as it:
        session = await it.wire(era=LEGACY)
        await session.subscribe(CHAT)
        async with session.stream(last_event_id="7") as stream:
            await it.hand_clock.pass_until(lambda: stream.updates)
            it.trax.say("Hello")
            await it.hand_clock.pass_until(lambda: len(stream.updates) > 1)
            assert (stream.status, stream.updates) == (200, [CHAT, CHAT])
