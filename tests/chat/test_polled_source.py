"""The sources of a watcher: the requests of a poll, and the results that are a change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import OWNER
from tests.support.product.faults import Fault
from trax_mcp.api.errors import BadAnswer, Refused, TooLarge
from trax_mcp.api.http_exchange import LARGEST_ANSWER_BYTES
from trax_mcp.api.models import StreamStatus
from trax_mcp.api.operations import GetStreamStatus
from trax_mcp.chat.polled_source import PolledChat, PolledStatus

if TYPE_CHECKING:
    from tests.support.product.sandbox import Sandbox
    from trax_mcp.api.client import Client


def say(sandbox: Sandbox, text: str) -> None:
    """Add a chat message by a viewer."""
    sandbox.world.say("studio_42", text, author="Ada")


def texts(chat: PolledChat) -> list[str]:
    """The texts in the feed."""
    return [str(message["text"]) for message in chat.feed.latest().messages]


async def test_messages_of_the_first_chat_poll_are_not_a_change(
    trax: Client, sandbox: Sandbox
) -> None:
    """Later ones are, once."""
    chat = PolledChat(trax, OWNER, "studio_42")
    assert (await chat.poll(), await chat.poll()) == (False, False)
    say(sandbox, "Hello")
    assert (await chat.poll(), await chat.poll()) == (True, False)
    assert texts(chat)[-1] == "Hello"
    assert [dict(it.query) for it in sandbox.requests] == [{"limit": "200"}] * 4


async def test_messages_of_the_first_poll_after_a_failed_one_are_a_change(
    trax: Client, sandbox: Sandbox
) -> None:
    """Some may have been sent since the failure."""
    chat = PolledChat(trax, OWNER, "studio_42")
    sandbox.faults.add(Fault.status(500))
    with pytest.raises(Refused):
        await chat.poll()
    assert (await chat.poll(), await chat.poll()) == (True, False)


@pytest.mark.parametrize("source_type", [PolledChat, PolledStatus])
async def test_a_poll_sends_one_request_without_retries(
    trax: Client, sandbox: Sandbox, source_type: type[PolledChat | PolledStatus]
) -> None:
    """The watcher decides when to poll again."""
    sandbox.faults.add(Fault.status(502), times=None)
    with pytest.raises(Refused):
        await source_type(trax, OWNER, "studio_42").poll()
    assert len(sandbox.requests) == 1


@pytest.mark.parametrize("page", [{}, {"data": None}, {"data": "x"}, {"data": {}}], ids=str)
async def test_an_answer_without_a_list_of_messages_is_an_error(
    trax: Client, sandbox: Sandbox, page: dict[str, Any]
) -> None:
    """It does not count as an empty page."""
    chat = PolledChat(trax, OWNER, "studio_42")
    sandbox.faults.add(Fault.status(200, page))
    with pytest.raises(BadAnswer):
        await chat.poll()
    assert texts(chat) == []


async def test_fewer_messages_are_requested_after_a_page_that_is_too_large(
    trax: Client, sandbox: Sandbox
) -> None:
    """Half as many each time, but at least ten."""
    chat = PolledChat(trax, OWNER, "studio_42")
    page = {"data": [{"id": "m", "text": "x" * LARGEST_ANSWER_BYTES}]}
    sandbox.faults.add(Fault.status(200, page), times=6)
    for _ in range(6):
        with pytest.raises(TooLarge, match="larger than 4 MiB"):
            await chat.poll()
    say(sandbox, "Hello")
    assert await chat.poll()
    limits = [dict(it.query)["limit"] for it in sandbox.requests]
    assert limits == ["200", "100", "50", "25", "12", "10", "10"]
    assert texts(chat)[-1] == "Hello"


async def test_other_invalid_pages_do_not_reduce_the_requested_messages(
    trax: Client, sandbox: Sandbox
) -> None:
    """A smaller page would not help."""
    chat = PolledChat(trax, OWNER, "studio_42")
    sandbox.faults.add(Fault.status(200, "<html>"))
    with pytest.raises(BadAnswer) as caught:
        await chat.poll()
    assert type(caught.value) is BadAnswer
    await chat.poll()
    assert [dict(it.query) for it in sandbox.requests] == [{"limit": "200"}] * 2


@pytest.mark.parametrize(("count", "missed"), [(99, False), (100, True)])
async def test_a_smaller_full_page_of_new_messages_is_a_gap(
    trax: Client, sandbox: Sandbox, count: int, *, missed: bool
) -> None:
    """It is full if it has as many messages as requested."""
    chat = PolledChat(trax, OWNER, "studio_42")
    await chat.poll()
    cursor = chat.feed.latest().cursor
    sandbox.faults.add(Fault.status(200, {"data": [{"id": "x" * LARGEST_ANSWER_BYTES}]}))
    with pytest.raises(TooLarge):
        await chat.poll()
    sandbox.faults.add(Fault.status(200, {"data": [{"id": f"n{it}"} for it in range(count)]}))
    assert await chat.poll()
    assert chat.feed.since(cursor).missed is missed


async def test_messages_without_a_string_id_are_left_out(trax: Client, sandbox: Sandbox) -> None:
    """The others in the page are added."""
    chat = PolledChat(trax, OWNER, "studio_42")
    await chat.poll()
    invalid = [{"id": 7, "text": "a"}, {}, {"id": None}, "x", None, [], {"text": "b"}]
    valid = {"id": "m", "text": "Hello"}
    sandbox.faults.add(Fault.status(200, {"data": [*invalid, valid, *invalid]}))
    assert await chat.poll()
    assert chat.feed.latest().messages[3:] == (valid,)
    sandbox.faults.add(Fault.status(200, {"data": invalid}))
    assert not await chat.poll()


async def test_going_live_and_offline_are_changes(trax: Client, sandbox: Sandbox) -> None:
    """The first poll is none."""
    status = PolledStatus(trax, OWNER, "studio_42")
    studio = sandbox.world.studios["studio_42"]
    changes = [await status.poll(), await status.poll()]
    sandbox.world.go_live(studio)
    sandbox.clock.advance(60)
    changes += [await status.poll(), await status.poll()]
    sandbox.world.go_offline(studio)
    sandbox.clock.advance(60)
    changes += [await status.poll(), await status.poll()]
    assert changes == [False, False, True, False, True, False]


async def test_a_status_from_another_read_counts_as_polled(trax: Client, sandbox: Sandbox) -> None:
    """If it differs, it is a change, and the next poll is not."""
    status = PolledStatus(trax, OWNER, "studio_42")
    sandbox.world.go_live(sandbox.world.studios["studio_42"])
    sandbox.clock.advance(60)
    live = await trax.call(GetStreamStatus(studio_id="studio_42"), OWNER)
    assert [status.update(it) for it in (live, live)] == [False, False]
    assert not await status.poll()
    assert [status.update(it) for it in (StreamStatus(live=False), live)] == [True, True]


async def test_a_status_change_during_an_outage_is_a_change_after_it(
    trax: Client, sandbox: Sandbox
) -> None:
    """The status is compared with the last known one."""
    status = PolledStatus(trax, OWNER, "studio_42")
    await status.poll()
    sandbox.faults.add(Fault.status(500))
    with pytest.raises(Refused):
        await status.poll()
    sandbox.world.go_live(sandbox.world.studios["studio_42"])
    sandbox.clock.advance(60)
    assert await status.poll()
