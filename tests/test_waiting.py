"""`wait_for_chat_messages`: what was said, at once or as soon as it is said, and nothing lost.

Through a real client in both eras, on a sandbox where time passes only when the test says so.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import anyio
import pytest

from tests.audience import CHAT_PATH, STUDIO, looks, say, staging, viewer_of
from tests.hand import settled
from tests.jsonrpc import opening, tool_call
from tests.meanwhile import Paused, begin
from tests.person import Told
from tests.ports import upstream
from tests.processes import running
from tests.readings import SILENT
from tests.waits import LONGEST_PAUSE, arrived, failure, shown, told, under_way, wait_as, waiting
from tests.witness import still
from trax_mcp.sandbox import SANDBOX_KEY, STRANGER_KEY, Fault
from trax_mcp.server.untrusted import NOTICE

if TYPE_CHECKING:
    from tests.waits import Json


def names(count: int, *, first: int = 1) -> list[str]:
    """So many different texts."""
    return [f"message {number}" for number in range(first, first + count)]


# At once


async def test_without_a_cursor_the_recent_messages_come_at_once(era: str) -> None:
    """The last fifty, oldest first, as TRaX sent them; no time passes, and TRaX is asked once."""
    async with waiting(era) as waiter:
        said = waiter.say(*names(60))
        began = waiter.clock.seconds()
        result = await waiter.wait(timeoutSeconds=55)
        assert waiter.clock.seconds() == began
        assert [dict(it.query) for it in waiter.trax.requests] == [{"limit": "200"}]
    chat = told(result)
    assert list(chat.items()) == list(shown(chat["cursor"], *said[-50:]).items())
    assert result.content[0].model_dump()["text"].startswith(NOTICE)


@pytest.mark.parametrize("limit", [1, 7, "7", 63, 100])
async def test_a_limit_gives_so_many_of_the_last(era: str, limit: int | str) -> None:
    """More than there are gives all; the next read goes on behind them."""
    async with waiting(era) as waiter:
        waiter.say(*names(60))
        everything = [it.shown() for it in waiter.trax.world.chats[STUDIO].recent(200)]
        chat = await waiter.chat(limit=limit)
        assert chat["messages"] == everything[-int(limit) :]
        assert await waiter.chat(chat["cursor"], timeoutSeconds=0) == shown(chat["cursor"])


async def test_there_are_never_more_than_two_hundred_at_once(era: str) -> None:
    """As the argument says; the rest comes with the next reads, and is not missed."""
    async with waiting(era) as waiter:
        cursor, said = await waiter.cursor(), []
        for number in range(2):
            said += waiter.say(*names(150, first=150 * number))
            await waiter.clock.pass_by(2)
            last = await waiter.chat(limit=1_000)
        first = await waiter.chat(cursor, limit=1_000)
        second = await waiter.chat(first["cursor"], limit=1_000)
        assert (last["messages"], last["missed"]) == (said[-200:], False)
        assert (first["messages"], first["missed"]) == (said[:200], False)
        assert (second["messages"], second["missed"]) == (said[200:], False)


async def test_an_answer_carries_no_more_than_a_client_takes(era: str) -> None:
    """Of long messages there are fewer in each, and none is lost; one alone comes however long."""
    async with waiting(era) as waiter:
        cursor = await waiter.cursor()
        long = [f"{number}{'x' * 100_000}" for number in range(20)]
        said = waiter.say(*long, "y" * 1_000_000, "short")
        await waiter.clock.pass_by(2)
        heard = []
        while (chat := await waiter.chat(cursor, timeoutSeconds=0))["messages"]:
            heard += chat["messages"]
            assert not chat["missed"]
            assert len(chat["messages"]) == 1 or len(json.dumps(chat)) < 710_000
            cursor = chat["cursor"]
        assert heard == said
        latest = await waiter.chat()
        assert latest["messages"] == said[-len(latest["messages"]) :]


@pytest.mark.parametrize("odd", [{}, {"text": None, "added": {"a": [1]}}], ids=str)
async def test_a_message_is_told_as_it_is(era: str, odd: Json) -> None:
    """With fields missing, null or new; no client refuses it for that."""
    message = {"id": "m", **odd}
    async with waiting(era) as waiter:
        await waiter.client.list_tools()
        waiter.trax.faults.add(Fault.status(200, {"data": [message]}))
        chat = await waiter.chat()
        assert chat == shown(chat["cursor"], message)


async def test_a_message_without_an_id_hides_no_other(era: str) -> None:
    """It cannot be told from those before, and so is left out; all else is told."""
    said = [{"id": "a", "text": "one"}, {"id": "b", "text": "two"}]
    page = [said[0], {"text": "nobody's"}, {"id": 7}, {"id": None}, "words", None, said[1]]
    async with waiting(era) as waiter:
        waiter.trax.faults.add(Fault.status(200, {"data": page}))
        chat = await waiter.chat()
        assert chat == shown(chat["cursor"], *said)


async def test_a_page_is_full_though_some_of_it_be_left_out(era: str) -> None:
    """What may have been said before it may be missing all the same."""
    async with waiting(era) as waiter:
        cursor = await waiter.cursor()
        said = waiter.say(*names(200))
        await waiter.clock.pass_by(2)
        waiter.trax.faults.add(Fault.patched(lambda page: page["data"][100].pop("id")))
        chat = await waiter.chat(cursor, limit=200)
        assert chat == shown(chat["cursor"], *said[:100], *said[101:], missed=True)


async def test_where_nothing_was_ever_said_there_is_a_cursor_all_the_same(era: str) -> None:
    """Behind which the first message comes."""
    async with waiting(era) as waiter:
        chat = await waiter.chat(studio=SILENT)
        assert (chat["messages"], chat["missed"]) == ([], False)
        async with anyio.create_task_group() as tasks:
            results = waiter.begin(tasks, chat["cursor"], studio=SILENT)
            await settled()
            assert results == []
            (said,) = waiter.say("First!", studio=SILENT)
            assert await waiter.took(results) <= LONGEST_PAUSE
        assert told(results[0])["messages"] == [said]


async def test_with_a_cursor_what_is_newer_comes_at_once(era: str) -> None:
    """All of it, exactly, and nothing of what was told before."""
    async with waiting(era) as waiter:
        before = await waiter.cursor()
        await waiter.clock.pass_by(2)
        said = waiter.say("one", "two")
        began = waiter.clock.seconds()
        chat = await waiter.chat(before)
        assert waiter.clock.seconds() == began
        assert chat == shown(chat["cursor"], *said)
        assert chat["cursor"] != before


async def test_with_a_limit_a_reader_walks_through_without_loss(era: str) -> None:
    """The oldest first, each once, from one look at TRaX."""
    async with waiting(era) as waiter:
        cursor = await waiter.cursor()
        await waiter.clock.pass_by(2)
        said = waiter.say(*names(10))
        pages = []
        for _ in range(5):
            chat = await waiter.chat(cursor, limit=3, timeoutSeconds=0)
            pages.append(chat["messages"])
            assert not chat["missed"]
            cursor = chat["cursor"]
        assert pages == [said[0:3], said[3:6], said[6:9], said[9:10], []]
        assert waiter.looks == 2


async def test_an_unknown_cursor_gives_what_is_known_and_says_so_at_once(era: str) -> None:
    """Of another studio, of before a long pause, or made up: never an error, and no waiting."""
    async with waiting(era) as waiter:
        everything = [it.shown() for it in waiter.trax.world.chats[STUDIO].recent(200)]
        chat = await waiter.chat("never given", timeoutSeconds=55)
        assert chat == shown(chat["cursor"], *everything, missed=True)
        assert await waiter.chat(chat["cursor"], timeoutSeconds=0) == shown(chat["cursor"])


async def test_a_cursor_outlives_the_server(era: str) -> None:
    """As long as TRaX still shows the message that it stands behind."""
    trax = still()
    async with waiting(era, trax=trax) as waiter:
        cursor = await waiter.cursor()
    async with waiting(era, trax=trax) as waiter:
        said = waiter.say("Are you back?")
        chat = await waiter.chat(cursor)
        assert chat == shown(chat["cursor"], *said)


# As soon as something comes


async def test_a_wait_ends_as_soon_as_something_comes(era: str) -> None:
    """With exactly that; and so the next, from its cursor."""
    async with waiting(era) as waiter:
        cursor = await waiter.cursor()
        for text in ("one", "two"):
            async with anyio.create_task_group() as tasks:
                results = waiter.begin(tasks, cursor)
                await waiter.clock.pass_by(5)
                assert results == []
                said = waiter.say(text)
                assert await waiter.took(results) <= LONGEST_PAUSE
            chat = told(results[0])
            assert chat == shown(chat["cursor"], *said)
            cursor = chat["cursor"]


async def test_what_comes_while_nobody_waits_is_not_lost(era: str) -> None:
    """Between two waits, and however many messages."""
    async with waiting(era) as waiter:
        cursor, said, heard = await waiter.cursor(), [], []
        for number in range(4):
            said += waiter.say(*names(150, first=150 * number))
            await waiter.clock.pass_by(60)
            while (chat := await waiter.chat(cursor, timeoutSeconds=0))["messages"]:
                assert not chat["missed"]
                heard += chat["messages"]
                cursor = chat["cursor"]
        assert heard == said


@pytest.mark.parametrize(("given", "seconds"), [({}, 25), ({"timeoutSeconds": 55}, 55)], ids=str)
async def test_without_news_a_wait_ends_with_nothing_and_the_same_cursor(
    era: str, given: Json, seconds: float
) -> None:
    """When its time is up, not before and not after; 25 s unless it is said."""
    async with waiting(era) as waiter:
        cursor = await waiter.cursor()
        async with anyio.create_task_group() as tasks:
            results = waiter.begin(tasks, cursor, **given)
            assert await waiter.took(results) == seconds
        assert told(results[0]) == shown(cursor)


@pytest.mark.parametrize(("given", "seconds"), [("5", 5), (2.5, 2.5), (1, 1)])
async def test_a_wait_may_be_short_or_written_as_a_string(
    era: str, given: object, seconds: float
) -> None:
    """Models send numbers as strings; and less than the shortest pause is a time, too."""
    async with waiting(era) as waiter:
        cursor = await waiter.cursor()
        async with anyio.create_task_group() as tasks:
            results = waiter.begin(tasks, cursor, timeoutSeconds=given)
            assert await waiter.took(results) == seconds


async def test_a_wait_of_no_time_asks_once_and_returns(era: str) -> None:
    """A look is no wait; and the loop that it had is gone with it."""
    async with waiting(era) as waiter:
        cursor = await waiter.cursor()
        await waiter.clock.pass_by(2)
        began = waiter.clock.seconds()
        assert await waiter.chat(cursor, timeoutSeconds=0) == shown(cursor)
        assert (waiter.clock.seconds(), waiter.looks) == (began, 2)
        await waiter.clock.pass_by(60)
        assert waiter.looks == 2


async def test_while_it_waits_the_client_is_told_how_far_it_is(era: str) -> None:
    """Every five seconds, so that no client gives up; who needs not wait is told nothing."""
    progress, none = Told(), Told()
    async with waiting(era) as waiter:
        cursor = await waiter.cursor()
        async with anyio.create_task_group() as tasks:
            results = waiter.begin(tasks, cursor, timeoutSeconds=12, progress=progress)
            await waiter.took(results)
        waiter.say("Hello")
        await waiter.chat(progress=none)
        await waiter.chat(cursor, timeoutSeconds=0, progress=none)
        await waiter.chat(cursor, progress=none)
        await settled()
    far = [(float(gone), 12.0, "Waiting for chat.") for gone in (5, 10, 12)]
    assert (progress.all, none.all) == (far, [])


# Many


async def test_many_waits_of_one_client_share_one_loop(era: str) -> None:
    """Twenty at once cost TRaX what one costs, and each hears all."""
    costs = []
    for many in (1, 20):
        async with waiting(era) as waiter:
            cursor = await waiter.cursor()
            async with anyio.create_task_group() as tasks:
                waits = [waiter.begin(tasks, cursor) for _ in range(many)]
                await waiter.clock.pass_by(8)
                said = waiter.say("Hello")
                await waiter.clock.pass_until(lambda waits=waits: all(waits))  # type: ignore[misc]  # bound early
            costs.append(waiter.looks)
            assert [told(it[0])["messages"] for it in waits] == [said] * many
    assert max(costs) <= 6


async def test_many_waiting_clients_of_one_caller_share_one_loop(era: str) -> None:
    """Over HTTP, where each has a connection and a session of its own."""
    async with staging() as front, viewer_of(front, era) as one, viewer_of(front, era) as two:
        cursor = await one.cursor()
        async with anyio.create_task_group() as tasks:
            waits = [begin(tasks, lambda it=it: wait_as(it, cursor)) for it in (one, two) * 10]  # type: ignore[misc]  # bound early
            await under_way(front, 20)
            await front.clock.pass_by(8)
            assert waits == [[]] * 20
            said = say(front, "Hello")
            await front.clock.pass_by(LONGEST_PAUSE)
            await arrived(waits)
        assert [told(it[0])["messages"] for it in waits] == [[said]] * 20
        assert looks(front) <= 6
        before = looks(front)
        await front.clock.pass_by(60)
        assert looks(front) == before


async def test_callers_share_neither_a_loop_nor_a_word(era: str) -> None:
    """What the owner's wait brings, a stranger's does not."""
    async with (
        staging() as front,
        viewer_of(front, era) as owner,
        viewer_of(front, era, key=STRANGER_KEY) as stranger,
    ):
        cursor = await owner.cursor()
        async with anyio.create_task_group() as tasks:
            waits = begin(tasks, lambda: wait_as(owner, cursor))
            await under_way(front, 1)
            refused = await wait_as(stranger, cursor)
            await front.clock.pass_by(4)
            assert (failure(refused)["code"], waits) == ("not_found", [])
            say(front, "Hello")
            await front.clock.pass_by(LONGEST_PAUSE)
            await arrived([waits])
        assert len(told(waits[0])["messages"]) == 1
    keys = {it.key_name for it in front.trax.requests if it.path == CHAT_PATH}
    assert keys == {"full", "stranger"}


async def test_how_often_trax_is_asked_is_the_operator_s_to_say(era: str) -> None:
    """`TRAX_CHAT_POLL_SECONDS` reaches a real process: as good as none, each read looks."""
    async with upstream() as trax:
        settings = {
            "TRAX_API_KEY": SANDBOX_KEY,
            "TRAX_BASE_URL": trax.base_url,
            "TRAX_CHAT_POLL_SECONDS": "1e-6",
        }
        async with running(settings=settings) as server:
            await server.tell(*opening(era))
            for number in range(1, 6):
                read = tool_call(era, "wait_for_chat_messages", number=number, studioId=STUDIO)
                assert not (await server.ask(read))["result"]["isError"]
                assert len(trax.requests) == number


async def test_one_who_gives_up_takes_no_answer_from_another(era: str) -> None:
    """Two ask at the same time, and the one whose look it is leaves: the other is told all."""
    async with waiting(era) as waiter:
        held = Paused()
        waiter.trax.faults.add(held.fault)
        gives_up = anyio.CancelScope()

        async def ask() -> None:
            with gives_up:
                await waiter.wait()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask)
            await held.arrived()
            results = waiter.begin(tasks)
            await settled()
            gives_up.cancel()
            await settled()
            held.release()
            await waiter.took(results)
        assert len(told(results[0])["messages"]) == 3
