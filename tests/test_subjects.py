"""What can be watched: what one look at a chat or a status asks, and what in it is news."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import OWNER
from trax_mcp.api.errors import BadAnswer, Refused, TooLarge
from trax_mcp.api.http_exchange import LARGEST_ANSWER_BYTES
from trax_mcp.api.models import StreamStatus
from trax_mcp.api.operations import GetStreamStatus
from trax_mcp.chat.polled_source import Chat, Status
from trax_mcp.sandbox import Fault

if TYPE_CHECKING:
    from trax_mcp.api.client import Client
    from trax_mcp.sandbox import Sandbox


def say(sandbox: Sandbox, text: str) -> None:
    """Let a viewer say something."""
    sandbox.world.say("studio_42", text, author="Ada")


def texts(chat: Chat) -> list[str]:
    """What was said, as far as it was seen."""
    return [str(message["text"]) for message in chat.feed.latest().messages]


async def test_what_a_first_look_at_chat_shows_is_not_news(trax: Client, sandbox: Sandbox) -> None:
    """It was said before anybody watched; what comes after it is news, once."""
    chat = Chat(trax, OWNER, "studio_42")
    assert (await chat.look(), await chat.look()) == (False, False)
    say(sandbox, "Hello")
    assert (await chat.look(), await chat.look()) == (True, False)
    assert texts(chat)[-1] == "Hello"
    assert [dict(it.query) for it in sandbox.requests] == [{"limit": "200"}] * 4


async def test_what_the_first_look_shows_that_does_not_fail_is_news_after_one_that_did(
    trax: Client, sandbox: Sandbox
) -> None:
    """Some of it may have been said meanwhile, and nobody has been told of it."""
    chat = Chat(trax, OWNER, "studio_42")
    sandbox.faults.add(Fault.status(500))
    with pytest.raises(Refused):
        await chat.look()
    assert (await chat.look(), await chat.look()) == (True, False)


@pytest.mark.parametrize("kind", [Chat, Status])
async def test_a_look_is_one_request_whatever_becomes_of_it(
    trax: Client, sandbox: Sandbox, kind: type[Chat | Status]
) -> None:
    """How often TRaX is asked is the watcher's to say; elsewhere a 502 would be tried again."""
    sandbox.faults.add(Fault.status(502), times=None)
    with pytest.raises(Refused):
        await kind(trax, OWNER, "studio_42").look()
    assert len(sandbox.requests) == 1


@pytest.mark.parametrize("page", [{}, {"data": None}, {"data": "x"}, {"data": {}}], ids=str)
async def test_an_answer_without_a_list_of_messages_is_no_page(
    trax: Client, sandbox: Sandbox, page: dict[str, Any]
) -> None:
    """It is not silence either: what was said is not known."""
    chat = Chat(trax, OWNER, "studio_42")
    sandbox.faults.add(Fault.status(200, page))
    with pytest.raises(BadAnswer):
        await chat.look()
    assert texts(chat) == []


async def test_of_a_page_that_is_too_large_less_is_asked_for(
    trax: Client, sandbox: Sandbox
) -> None:
    """Half of it each time, ten at least; what fits at last is read."""
    chat = Chat(trax, OWNER, "studio_42")
    page = {"data": [{"id": "m", "text": "x" * LARGEST_ANSWER_BYTES}]}
    sandbox.faults.add(Fault.status(200, page), times=6)
    for _ in range(6):
        with pytest.raises(TooLarge, match="larger than 4 MiB"):
            await chat.look()
    say(sandbox, "Hello")
    assert await chat.look()
    limits = [dict(it.query)["limit"] for it in sandbox.requests]
    assert limits == ["200", "100", "50", "25", "12", "10", "10"]
    assert texts(chat)[-1] == "Hello"


async def test_what_cannot_be_read_for_another_reason_changes_nothing(
    trax: Client, sandbox: Sandbox
) -> None:
    """To ask for less would not help."""
    chat = Chat(trax, OWNER, "studio_42")
    sandbox.faults.add(Fault.status(200, "<html>"))
    with pytest.raises(BadAnswer) as caught:
        await chat.look()
    assert type(caught.value) is BadAnswer
    await chat.look()
    assert [dict(it.query) for it in sandbox.requests] == [{"limit": "200"}] * 2


@pytest.mark.parametrize(("count", "missed"), [(99, False), (100, True)])
async def test_a_smaller_page_that_is_full_of_news_may_lack_some(
    trax: Client, sandbox: Sandbox, count: int, *, missed: bool
) -> None:
    """As with a large one: what was asked for is what makes it full."""
    chat = Chat(trax, OWNER, "studio_42")
    await chat.look()
    cursor = chat.feed.latest().cursor
    sandbox.faults.add(Fault.status(200, {"data": [{"id": "x" * LARGEST_ANSWER_BYTES}]}))
    with pytest.raises(TooLarge):
        await chat.look()
    sandbox.faults.add(Fault.status(200, {"data": [{"id": f"n{it}"} for it in range(count)]}))
    assert await chat.look()
    assert chat.feed.since(cursor).missed is missed


async def test_what_has_no_id_that_is_a_text_is_left_out(trax: Client, sandbox: Sandbox) -> None:
    """Whether it is new cannot be known; those beside it are taken in, and are news."""
    chat = Chat(trax, OWNER, "studio_42")
    await chat.look()
    odd = [{"id": 7, "text": "a"}, {}, {"id": None}, "x", None, [], {"text": "b"}]
    good = {"id": "m", "text": "Hello"}
    sandbox.faults.add(Fault.status(200, {"data": [*odd, good, *odd]}))
    assert await chat.look()
    assert chat.feed.latest().messages[3:] == (good,)
    sandbox.faults.add(Fault.status(200, {"data": odd}))
    assert not await chat.look()


async def test_a_message_needs_nothing_but_its_id(trax: Client, sandbox: Sandbox) -> None:
    """One odd message hides no other."""
    chat = Chat(trax, OWNER, "studio_42")
    odd = {"id": "m1", "text": None, "timestamp": 7, "added": [1]}
    sandbox.faults.add(Fault.status(200, {"data": [odd, {"id": "m2"}]}))
    await chat.look()
    assert chat.feed.latest().messages == (odd, {"id": "m2"})


async def test_going_on_air_and_off_again_is_news(trax: Client, sandbox: Sandbox) -> None:
    """And so is nothing else, nor what the first look shows."""
    on_air = Status(trax, OWNER, "studio_42")
    studio = sandbox.world.studios["studio_42"]
    seen = [await on_air.look(), await on_air.look()]
    sandbox.world.go_live(studio)
    sandbox.clock.advance(60)
    seen += [await on_air.look(), await on_air.look()]
    sandbox.world.go_offline(studio)
    sandbox.clock.advance(60)
    seen += [await on_air.look(), await on_air.look()]
    assert seen == [False, False, True, False, True, False]


async def test_a_status_that_was_seen_elsewhere_counts_as_seen(
    trax: Client, sandbox: Sandbox
) -> None:
    """It is news if it is another, and at the next look it is not news again."""
    on_air = Status(trax, OWNER, "studio_42")
    sandbox.world.go_live(sandbox.world.studios["studio_42"])
    sandbox.clock.advance(60)
    live = await trax.read(GetStreamStatus(studio_id="studio_42"), OWNER)
    assert [on_air.saw(it) for it in (live, live)] == [False, False]
    assert not await on_air.look()
    assert [on_air.saw(it) for it in (StreamStatus(live=False), live)] == [True, True]


async def test_what_trax_may_add_to_a_status_is_no_news(trax: Client, sandbox: Sandbox) -> None:
    """It could tick: viewers, say, or bytes."""
    on_air = Status(trax, OWNER, "studio_42")
    for viewers in (1, 2):
        sandbox.faults.add(Fault.status(200, {"live": False, "viewers": viewers}))
        assert not await on_air.look()


async def test_a_drop_that_went_unseen_in_an_outage_is_news_after_it(
    trax: Client, sandbox: Sandbox
) -> None:
    """What was last seen counts, however long ago."""
    on_air = Status(trax, OWNER, "studio_42")
    await on_air.look()
    sandbox.faults.add(Fault.status(500))
    with pytest.raises(Refused):
        await on_air.look()
    sandbox.world.go_live(sandbox.world.studios["studio_42"])
    sandbox.clock.advance(60)
    assert await on_air.look()
